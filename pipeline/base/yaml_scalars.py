"""What an unquoted word means in YAML 1.2: the core schema, section 10.3.2 of the specification, revision 1.2.2.

DVC and ruamel.yaml read a few more words as numbers or dates, which the specification takes for text. Such a word is
refused here, so that no file means one thing to DVC and another to the stages. Words that meant something in YAML 1.1
alone (`yes`, `off`, `12:30`) are text to all three.
"""

import math
import re

NULL = {"", "~", "null", "Null", "NULL"}
TRUE, FALSE = {"true", "True", "TRUE"}, {"false", "False", "FALSE"}
INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
UNCLEAR = re.compile(
    r"""
      [-+]?0b[01_]+ | [-+]?0o[0-7_]+ | [-+]?0x[0-9a-fA-F_]+               # binary, signed or divided
    | [-+]?[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)? | [-+][0-9_]+       # divided by underscores
    | [-+]?\.[0-9_]+([eE][-+]?[0-9]+)?
    | [0-9]{4}-[0-9][0-9]?-[0-9][0-9]?([Tt\ ].*)?                         # a date
    | << | =
    """,
    re.VERBOSE,
)
"""Words that some readers of YAML 1.2 take for something else than text."""
MOST_DIGITS = 400
"""Length of the longest number; the largest float has 309 digits."""


def resolve(word: str) -> bool | int | float | str | None:
    """The value of a plain scalar.

    Raises:
        ValueError: the word is a number that is not finite, or readers disagree about it; the message says what was
            expected and found.
    """
    if word in NULL:
        return None
    if word in TRUE or word in FALSE:
        return word in TRUE
    if len(word) <= MOST_DIGITS and INTEGER.fullmatch(word):
        return int(word, {"0o": 8, "0x": 16}.get(word[:2], 10))
    # ruamel.yaml wants a sign in the exponent if there is no digit before the dot.
    if FLOAT.fullmatch(word) and len(word) <= MOST_DIGITS and not re.match(r"[-+]?\..*[eE][0-9]", word):
        if math.isfinite(value := float(word)):
            return value
        raise ValueError(f"expected a finite number, found {word[:40]}")
    if NOT_FINITE.fullmatch(word):
        raise ValueError(f"expected a finite number, found {word[:40]}")
    if UNCLEAR.fullmatch(word):
        raise ValueError(f"expected a plain number, or text in quotes, found {word[:40]}")
    return word
