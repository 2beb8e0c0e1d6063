"""Logs of the stages."""

from pathlib import Path

TAIL_BYTES = 65536
"""Number of bytes at the end of a log in which its last lines are searched."""


def note(log: Path, text: str) -> None:
    """Add a line to a log."""
    with log.open("a", encoding="utf-8", errors="backslashreplace") as stream:
        stream.write(f"{text}\n")


def tail(log: Path, lines: int) -> list[str]:
    """Read the last lines of a log. Of a line that was rewritten with carriage returns, the last state is returned."""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - TAIL_BYTES))
        text = stream.read().decode("utf-8", errors="replace")
    return [line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.rstrip().split("\n")][-lines:]
