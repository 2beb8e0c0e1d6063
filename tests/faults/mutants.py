"""Mutants: valid files with one damage each, drawn from a seed."""

import random
from typing import NamedTuple

from faults.byte_operators import BYTE_OPERATORS
from faults.text_operators import JSON_OPERATORS, TEXT_OPERATORS, YAML_OPERATORS

FORMS = {
    "bytes": (BYTE_OPERATORS,),
    "text": (BYTE_OPERATORS, TEXT_OPERATORS),
    "json": (BYTE_OPERATORS, TEXT_OPERATORS, JSON_OPERATORS, JSON_OPERATORS),
    "yaml": (BYTE_OPERATORS, TEXT_OPERATORS, YAML_OPERATORS, YAML_OPERATORS),
}
"""Groups of operators for each form of content; each group is equally likely."""
ATTEMPTS = 50
"""Draws until an operator changes the content."""


class Task(NamedTuple):
    """One mutant that is to be made and read: everything about it follows from these values."""

    kind: str
    number: int
    seed: int


class Mutant(NamedTuple):
    """Damaged content of a file."""

    operator: str
    content: bytes


def make_mutant(task: Task, form: str, original: bytes, other: bytes) -> Mutant:
    """Damage `original`, which is not empty, in the way that the task determines.

    Args:
        other: content of another file, for operators that mix two files.
    """
    rng = random.Random(f"{task.seed}/{task.kind}/{task.number}")
    for _ in range(ATTEMPTS):
        name, operator = rng.choice(list(rng.choice(FORMS[form]).items()))
        content = operator(original, other, rng)
        if content != original:
            return Mutant(name, content)
    raise ValueError(f"{task}: no operator changes {original[:40]!r}")
