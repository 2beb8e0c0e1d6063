"""Mistakes in text, tables, JSON and YAML: values of another kind, and entries that are missing, doubled or moved."""

import json
import random
import re
from collections.abc import Callable
from typing import Any

from faults.byte_operators import Operator

BAIT = "bait.txt"
"""Name of a file above every tested folder, which no reader may open."""
PATHS = (f"../{BAIT}", f"../../../{BAIT}", f"../../../../../{BAIT}", "/etc/passwd", "/dev/zero", "..", ".", "~", "a\0b")
NUMBERS = ("NaN", "-Infinity", "1e400", "1e300", "-1", "-0.0", "0", "1", "7", "2147483648", f"1{'0' * 30}", "9" * 5000)
WORDS = ("", "x", "null", "true", "yes", "0x1F", "1_000", "1e-05", "é", "\u202e", "名前", "a" * 300, "-", "[", "'", '"')
ODD = (*PATHS, *NUMBERS, *WORDS)
YAML_ODDITIES = (
    "!!python/object/apply:os.system ['touch pwned']",
    "!!python/name:os.system",
    "&loop [*loop]",
    "&a [&b [&c [1, 2], *c, *c], *b, *b]",
    "*nothing",
    "!!binary aGVsbG8=",
    "2024-01-01",
    "{a: {b: {c: 1}}}",
    "[[[[[1]]]]]",
    ".nan",
    "-.inf",
    "? x",
    "| text",
    "[" * 3000,
    "{a: " * 3000,
    "\t1",
    "0o17",
    "1:30:00",
    "~",
)


def change_token(text: str, rng: random.Random) -> str:
    return _at_token(text, rng, lambda token: rng.choice(ODD))


def delete_token(text: str, rng: random.Random) -> str:
    return _at_token(text, rng, lambda token: "")


def double_token(text: str, rng: random.Random) -> str:
    return _at_token(text, rng, lambda token: f"{token} {token}")


def change_lines(text: str, rng: random.Random) -> str:
    """A line that is deleted, doubled, moved, indented, or written as nobody would."""
    lines = text.splitlines(keepends=True)
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    line = lines[i]
    changed = rng.choice(
        ["", line * 2, line * 500, lines[j], f"  {line}", f"\t{line}", line.strip(), f"{line}{lines[j]}"]
    )
    return "".join([*lines[:i], changed, *lines[i + 1 :]])


def change_yaml_value(text: str, rng: random.Random) -> str:
    """The value of one key becomes another one."""
    lines = text.splitlines(keepends=True)
    keyed = [i for i, line in enumerate(lines) if re.match(r"\s*[\w.+-]+:( |$)", line)]
    i = rng.choice(keyed or range(len(lines)))
    lines[i] = f"{lines[i].split(':')[0]}: {rng.choice((*ODD, *YAML_ODDITIES))}\n"
    return "".join(lines)


def change_encoding(text: str, rng: random.Random) -> bytes:
    return text.encode(rng.choice(["utf-16", "utf-8-sig", "utf-32", "cp037"]), errors="replace")


class _Object(list):
    """Entries of a JSON object in their order, so that a key may be there twice."""


def change_json(text: str, rng: random.Random) -> str:
    """One value of a JSON file, at any depth, is changed, dropped, doubled or nested."""
    root = [json.loads(text, object_pairs_hook=_Object)]
    container, index = rng.choice(list(_places(root)))
    pair = isinstance(container, _Object)
    value = container[index][1] if pair else container[index]
    action = rng.randrange(10)
    if action == 0 and container is not root:
        del container[index]
    elif action == 1 and container is not root:
        container.insert(rng.randrange(len(container) + 1), container[index])
    else:
        changed = _changed(value, rng)
        container[index] = (container[index][0], changed) if pair else changed
    return _written(root[0])


def _changed(value: Any, rng: random.Random) -> Any:
    choices = [[value], _Object([("a", value)]), None, True, [], _Object(), _Literal(rng.choice(ODD))]
    if isinstance(value, list) and not isinstance(value, _Object):
        longer = value * rng.choice([2, 1000]) if len(value) < 100 else value * 2
        choices += [value[:-1], longer, value[::-1], [*value, None], [*value, *value[:1]]] * 2
    elif isinstance(value, int | float) and not isinstance(value, bool):
        choices += [_Literal(rng.choice(NUMBERS)), value + rng.choice([-1, 1, 0.5, 10000]), -value, str(value)] * 3
    elif isinstance(value, str):
        choices += [rng.choice(ODD), value + rng.choice(ODD), rng.choice(ODD) + value, value[:-1], value.upper()] * 2
    choices.append(_Literal("[" * 20000 + "]" * 20000))
    return rng.choice(choices)


class _Literal(str):
    """Text that stands in a JSON file as it is."""


def _places(container: list) -> Any:
    """Every entry of nested containers: the container and the index."""
    for index, item in enumerate(container):
        yield container, index
        value = item[1] if isinstance(container, _Object) else item
        if isinstance(value, list):
            yield from _places(value)


def _written(value: Any) -> str:
    if isinstance(value, _Literal):
        return str(value)
    if isinstance(value, _Object):
        return "{" + ", ".join(f"{json.dumps(key)}: {_written(item)}" for key, item in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    return json.dumps(value)


def _at_token(text: str, rng: random.Random, change: Callable[[str], str]) -> str:
    tokens = list(re.finditer(r"[^\s,;:\[\]{}\"']+", text))
    if not tokens:
        return text + rng.choice(ODD)
    token = rng.choice(tokens)
    return text[: token.start()] + change(token.group()) + text[token.end() :]


def _of_bytes(operator: Callable[[str, random.Random], str | bytes]) -> Operator:
    def changed(content: bytes, other: bytes, rng: random.Random) -> bytes:
        found = operator(content.decode(), rng)
        return found if isinstance(found, bytes) else found.encode("utf-8", "surrogatepass")

    return changed


TEXT_OPERATORS = {
    operator.__name__: _of_bytes(operator)
    for operator in (change_token, delete_token, double_token, change_lines, change_encoding)
}
JSON_OPERATORS = {"change_json": _of_bytes(change_json)}
YAML_OPERATORS = {"change_yaml_value": _of_bytes(change_yaml_value)}
