"""The comments of params.yaml: the code's own descriptions, one line for each key."""

from dataclasses import dataclass

import pytest

from pipeline.base.errors import InputError
from pipeline.config.comments import describe, stale_comments, with_comments, write_comments
from pipeline.config.params import Params
from support.paths import ROOT

TEXT = (ROOT / "params.yaml").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Inner:
    """Class of a section.

    More about it.
    """

    count: int
    """Number of things.

    More about them.
    """


@dataclass(frozen=True)
class Outer(Inner):
    """The whole."""

    plain: Inner
    special: Inner
    """Section with a description of its own."""
    bare: int


def test_the_comments_are_those_of_the_code():
    assert with_comments(TEXT) == TEXT, "run `semagic comments`"


def test_every_parameter_is_described_in_one_line():
    for name, description in describe(Params).items():
        assert description.endswith("."), f"{name}: {description!r} is no sentence"
        assert description[0].isupper() or description[0] == "`", name
    assert max(map(len, TEXT.splitlines())) <= 120


def test_a_field_is_described_below_it_and_a_section_by_its_class_too():
    assert describe(Outer) == {
        "count": "Number of things.",
        "plain": "Class of a section.",
        "plain.count": "Number of things.",
        "special": "Section with a description of its own.",
        "special.count": "Number of things.",
        "bare": "",
    }


def test_comments_are_replaced_and_aligned():
    steps, device = (describe(Params)[f"training.{name}"] for name in ("steps", "device"))
    text = 'training:\n  steps: 8 # Old.\n  device: "a # b"\n'
    assert with_comments(text) == (
        f'training:  # {describe(Params)["training"]}\n  steps: 8         # {steps}\n  device: "a # b"  # {device}\n'
    )


def test_other_comments_stay():
    text = "# Head.\n\nvariants:  # Old.\n  mine:  # My own.\n    loss:\n      rgb: 1.0\n  # Between.\n  yours: {}\n"
    assert with_comments(text) == text.replace("Old.", describe(Params)["variants"])


def test_a_quote_that_is_not_closed_is_an_error():
    with pytest.raises(InputError, match="expected double quotes in pairs, found the line '  name: \"car'"):
        with_comments('data:\n  name: "car\n')


def test_a_file_that_is_no_text_is_named(tmp_path):
    with pytest.raises(InputError, match=r"params\.yaml: expected a text file, found none\. .*git checkout"):
        stale_comments(tmp_path)
    (tmp_path / "params.yaml").write_bytes(b"seeds:\n- \xff\n")
    with pytest.raises(InputError, match=r"params\.yaml, line 2: expected text in UTF-8"):
        write_comments(tmp_path)
