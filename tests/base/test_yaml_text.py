"""YAML: one dialect, that of DVC; nothing but plain values comes out of a text, and what is refused is named."""

import ast
import math
import re
import time

import pytest
from dvc.utils.serialize import loads_yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.errors import InputError
from pipeline.base.yaml_edits import edited
from pipeline.base.yaml_text import MOST_VALUES, parse_yaml, read_yaml, to_yaml
from support.paths import ROOT

WORDS = st.text("0123456789+-._eExobaftrunliTN~:y<=", min_size=1, max_size=7)
"""Words near to numbers, booleans and null."""
TRICKY = [
    "1e5",
    "1e-05",
    "0o7",
    "0x1F",
    "1_000",
    "0b1",
    ".5e3",
    "-_",
    "<<",
    "=",
    "2001-01-01",
    "yes",
    "on",
    "12:30",
    "~",
]
TEXTS = st.one_of(WORDS, st.sampled_from([*TRICKY, "", " a", "a: b", "# a", "- a", "'", '"', "a\nb", "é", "*a", "!a"]))
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))


def same(one, other) -> bool:
    """Whether two values are equal and of the same types, down to the sign of zero."""
    return repr(one) == repr(other)


@given(WORDS)
def test_a_word_is_refused_or_means_what_it_means_to_dvc(word):
    try:
        own = parse_yaml(f"- {word}\n")
    except InputError:
        return
    assert same(own, loads_yaml(f"- {word}\n"))


@pytest.mark.parametrize("word", ["1_000", "0b1", "-0x1F", ".5e3", "2001-01-01", "2001-01-01 10:00:00", "<<", "="])
def test_a_word_on_which_readers_disagree_is_refused(word):
    with pytest.raises(InputError, match=rf"f, line 2: expected a plain number, or text in quotes, found {word[:8]}"):
        parse_yaml(f"a: 1\nb: {word}", "f")
    assert parse_yaml(f"'{word}'") == word


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-05", 1e-05),
        ("1e5", 1e5),
        ("1E+3", 1000.0),
        ("-0.0", -0.0),
        ("5.", 5.0),
        (".5", 0.5),
        ("017", 17),
        ("0o17", 15),
        ("0x1F", 31),
        ("+3", 3),
        ("yes", "yes"),
        ("off", "off"),
        ("12:30", "12:30"),
        ("True", True),
        ("~", None),
        ("", None),
        ("'5'", "5"),
        ("1.2.3", "1.2.3"),
        ("0b3f2a", "0b3f2a"),
    ],
)
def test_the_core_schema_of_yaml_1_2(text, value):
    assert same(parse_yaml(text), value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", r"line 3: expected each key once, found 'a' again"),
        ("a: {b: 1, b: 2}", r"line 1: expected each key once, found 'b' again"),
        ("a: !!python/object/apply:os.system [ls]", r"line 1: expected a value without a tag, found .*os\.system"),
        ("a: !!str 5", r"expected a value without a tag"),
        ("%YAML 1.1\n---\na: yes", r"expected YAML without a directive"),
        ("a: 1\n---\nb: 1", r"line 2: expected one document"),
        ("1: a", r"line 1: expected text as a key, found 1\. Put it in quotes"),
        ("? [a]\n: b", r"expected text as a key, found a list"),
        ("a: *b", r"expected &b on a value above, found \*b"),
        ("a: &b [*b]", r"expected &b on a value above, found \*b"),
        ("a:\n\tb: 1", r"line 2: expected spaces, found a tab"),
        ("a: \x07", r"line 1: expected printable text, found the character U\+0007"),
        ("a: \udcff", r"found the character U\+DCFF"),
        ("a: [1,\nb: 2\n", r"line 2: expected YAML, but "),
        ("a: b: c", r"line 1: expected YAML, but mapping values are not allowed"),
        ("a: 'b", r"line 1: expected YAML, but "),
        ("a: .inf", r"line 1: expected a finite number, found \.inf"),
        ("a: -.INF", r"expected a finite number"),
        ("a: .nan", r"expected a finite number, found \.nan"),
        ("a: 1e999", r"expected a finite number, found 1e999"),
        ("9" * 5000, r"expected a plain number, or text in quotes, found 9{40}\. "),
        ("[" * 100_000, r"levels"),
        ("- " * 100_000, r"levels"),
        ("[" + "1," * MOST_VALUES + "]", r"at most \d+ values"),
    ],
)
def test_what_is_refused_is_named_with_its_line(text, message):
    with pytest.raises(InputError, match=r"^f, line \d+: expected .*\.$") as caught:
        parse_yaml(text, "f")
    assert re.search(message, str(caught.value))


def test_aliases_are_copies_and_cannot_explode():
    content = parse_yaml("a: &x [1, {b: 2}]\nc: *x\n")
    assert content == {"a": [1, {"b": 2}], "c": [1, {"b": 2}]}
    content["a"][1]["b"] = 3
    assert content["c"][1]["b"] == 2
    laughs = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    laughs += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    nested = ["a0: &a0 x", *(f"a{i}: &a{i} [[[[[[[[[[*a{i - 1}]]]]]]]]]]" for i in range(1, 100))]
    for lines in (laughs, nested):
        started = time.process_time()
        with pytest.raises(InputError, match="aliases included, found more"):
            parse_yaml("\n".join(lines))
        assert time.process_time() - started < 5


def test_a_file_must_be_a_mapping(tmp_path):
    path = tmp_path / "some.yaml"
    for text, found in (("", "nothing"), ("- a", "a list"), ("a", "'a'"), ("# c\n", "nothing")):
        path.write_text(text)
        with pytest.raises(InputError, match=rf"some\.yaml: expected `key: value` lines, found {found}\. Restore it\."):
            read_yaml(path, "Restore it.")
    path.write_text("a: 1\r\nb: [2]\r\n")
    assert read_yaml(path, "Restore it.") == {"a": 1, "b": [2]}


@given(VALUES)
def test_what_is_written_is_the_same_to_both_readers(value):
    text = to_yaml({"key": value})
    assert same(loads_yaml(text), {"key": value})
    assert same(parse_yaml(text), {"key": value})


def test_equal_lists_are_written_in_full_and_tuples_as_lists():
    shared = (1, 2)
    assert to_yaml({"b": shared, "a": shared}) == "b:\n- 1\n- 2\na:\n- 1\n- 2\n"


@pytest.mark.parametrize("name", ["params.yaml", "downloads.yaml", "dvc.yaml"])
def test_the_files_of_this_project_are_to_dvc_what_they_are_here(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert same(parse_yaml(text), loads_yaml(text))


def test_an_edit_keeps_comments_and_quotes():
    text = '# Head.\na: "1"  # One.\n\nb:\n  - 1e-05  # Two.\nc: null\n'
    assert edited(text, lambda content: None, "f") == text
    assert edited(text, lambda content: content["b"].append(math.pi), "f") == text.replace(
        "Two.\n", "Two.\n  - 3.141592653589793\n"
    )


def test_what_cannot_be_read_cannot_be_edited():
    with pytest.raises(InputError, match="^f, line 2: expected each key once"):
        edited("a: 1\na: 2\n", lambda content: None, "f")


def test_no_other_module_imports_a_yaml_library():
    folders = ("pipeline", "semagic", "stages", "benchmarks", "tests")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    assert {path.name for path in files if imports_yaml(path.read_text())} == {"yaml_text.py", "yaml_edits.py"}


def imports_yaml(code: str) -> bool:
    """Whether Python code, not a text in it, imports a YAML library."""
    if not re.search(r"^\s*(import|from) (yaml|ruamel)\b", code, re.MULTILINE):
        return False
    nodes = list(ast.walk(ast.parse(code)))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return any(name.partition(".")[0] in ("yaml", "ruamel") for name in names)
