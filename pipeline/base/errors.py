"""The error that people who run the pipeline can act on, and the nearest-name hint it carries."""

import difflib
from collections.abc import Iterable, Sequence


class InputError(ValueError):
    """Something the user supplied is wrong: a file, a parameter, a name.

    The message names it, says what was expected and what was found, and how to mend it.
    """


def nearest(name: str, valid: Iterable[str]) -> str:
    """A sentence that names the valid entry nearest to `name`, and all valid ones."""
    choices = sorted(valid)
    close = difflib.get_close_matches(name, choices, n=1, cutoff=0.0)
    hint = f"Did you mean '{close[0]}'? " if close else ""
    return f"{hint}Valid: {', '.join(choices)}."


def some(names: Sequence[str], shown: int) -> str:
    """The first `shown` names, and how many more there are."""
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more} more" if more > 0 else "")
