"""The command line `semagic`, a module for each command; what is slow to import is imported inside the command."""

# Commands compute on one thread, as stages do, so that they give the same numbers.
import stages  # noqa: F401
