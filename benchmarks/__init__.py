"""Benchmarks of the pipeline on this machine: `semagic bench`. They run from a checkout only."""

# Importing `stages` limits everything to one thread, as in a stage, unless a benchmark states otherwise.
import stages  # noqa: F401
