"""What has to be done for one stage."""

from typing import NamedTuple


class Work(NamedTuple):
    """The commands of a stage, and what they read and write."""

    commands: tuple[str, ...] = ()
    """Command lines for the shell, one after another. Empty where the stage is up to date by now."""
    folder: str = ""
    """Working directory."""
    environment: dict[str, str] = {}  # noqa: RUF012 - nobody changes it.
    """Environment variables that DVC gives to the commands."""
    inputs: tuple[str, ...] = ()
    """Files and folders that the commands read, as absolute paths."""
    outputs: tuple[str, ...] = ()
    """Files and folders that they make, as absolute paths. They have been removed, unless they are kept."""
    keeps: bool = False
    """Whether outputs are kept between runs, and are inputs too."""
    how: str = ""
    """What was found, for people."""
