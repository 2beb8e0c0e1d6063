"""Error that the user of the pipeline can resolve, and helpers for its message."""

import difflib
from collections.abc import Iterable, Sequence


class InputError(ValueError):
    """Invalid input of the user, such as a file, a parameter or a name.

    The message names the input, what was expected, what was found, and the remedy.
    """


def nearest(name: str, valid: Iterable[str]) -> str:
    """Sentence that names the valid entry nearest to `name`, and lists all valid entries."""
    choices = sorted(valid)
    close = difflib.get_close_matches(name, choices, n=1, cutoff=0.0)
    hint = f"Did you mean '{close[0]}'? " if close else ""
    return f"{hint}Valid: {', '.join(choices)}."


def some(names: Sequence[str], shown: int) -> str:
    """List the first `shown` names, and the number of the others."""
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more} more" if more > 0 else "")
