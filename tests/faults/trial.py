"""Reading of one damaged file, and the judgement of what came of it."""

import contextlib
import os
import re
import resource
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from faults.equality import equal
from faults.kind import Kind, Skipped
from faults.text_operators import BAIT
from pipeline.base.errors import InputError

GOOD = ("accepted", "skipped", "refused")
BAD = ("exception", "vague", "unnoticed", "senseless", "noisy", "escaped", "memory", "hang", "crash", "baseline")
"""Another exception, an error without name or remedy, a change that had to be found, a value that makes no sense, text
of a library, a file outside the folder that was opened, 2 GB, 10 s, the end of the process, a valid file refused."""
MEMORY = 2 << 30
"""Bytes that reading one file may take."""
LONGEST, FEWEST_WORDS = 3000, 8
"""Characters that a message may have, and words that it must have."""
REMEDY = re.compile(
    r"\b(add|check|choose|convert|copy|correct|delete|empty|fetch|fill|free|install|lower|make|mend|name|put|remove|rename|"
    r"resize|restore|run|save|set|simplify|take|train|write)\b|did you mean|must be",
    re.IGNORECASE,
)
_opened_outside: list[str] = []


class Verdict(NamedTuple):
    """Outcome of one mutant."""

    outcome: str
    """One of `GOOD` or of `BAD`."""
    operator: str
    detail: str
    """Message of the error, or what is wrong."""

    @property
    def good(self) -> bool:
        return self.outcome in GOOD


def watch_files() -> None:
    """Note from now on which files are opened that no reader has any business with."""

    def audit(event: str, arguments: tuple) -> None:
        if event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
            path = os.fsdecode(arguments[0])
            if path.endswith((BAIT, "/etc/passwd", "/dev/zero")):
                _opened_outside.append(path)

    sys.addaudithook(audit)


def judge(kind: Kind, root: Path, whole: object) -> tuple[str, str]:
    """Read a folder with a damaged file.

    Args:
        whole: what the reader makes of the undamaged file.

    Returns:
        Outcome and detail.
    """
    _opened_outside.clear()
    with _limited_memory(), _recorded() as noise:
        outcome, detail = _read(kind, root, whole)
    if _opened_outside:
        return "escaped", f"{_opened_outside[0]} was opened; {outcome}: {detail}"
    if noise and outcome in ("accepted", "skipped"):
        return "noisy", f"{noise[0]}; {outcome}: {detail}"
    return outcome, detail


def _read(kind: Kind, root: Path, whole: object) -> tuple[str, str]:
    try:
        found = kind.read(root)
        if kind.exact and not equal(found, whole):
            return "unnoticed", f"{str(found)[:300]} instead of {str(whole)[:300]}"
    except Skipped as skipped:
        return "skipped", str(skipped)
    except InputError as error:
        return _judge_message(kind, str(error))
    except MemoryError:
        return "memory", traceback.format_exc()
    except Exception:
        return "exception", traceback.format_exc()
    try:
        kind.check(found)
    except Exception:
        return "senseless", f"{traceback.format_exc()}\n{str(found)[:300]}"
    return "accepted", ""


def _judge_message(kind: Kind, message: str) -> tuple[str, str]:
    named = any(name in message for name in (Path(kind.path).name, *kind.names))
    long_enough = FEWEST_WORDS <= len(message.split()) and len(message) <= LONGEST
    return ("refused" if named and long_enough and REMEDY.search(message) else "vague"), message[: LONGEST * 2]


@contextlib.contextmanager
def _limited_memory() -> Iterator[None]:
    """Let the process take `MEMORY` more than it has; beyond, allocations fail."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


@contextlib.contextmanager
def _recorded() -> Iterator[list[str]]:
    """Catch warnings, and what libraries write to the screen; the list is filled at the end."""
    noise: list[str] = []
    with warnings.catch_warnings(record=True) as caught, tempfile.TemporaryFile() as screen:
        warnings.simplefilter("always")
        sys.stderr.flush()
        kept = os.dup(2)
        os.dup2(screen.fileno(), 2)
        try:
            yield noise
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            screen.seek(0)
            noise += [str(item.message) for item in caught]
            noise += [text] if (text := screen.read(1000).decode(errors="replace")) else []
