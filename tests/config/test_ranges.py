"""Ranges: every number and text has one, what belongs to it is accepted, and anything else names the key."""

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.base.errors import InputError
from pipeline.base.yaml_text import parse_yaml
from pipeline.config.params import Params, parse_params
from pipeline.config.parsing import parse_section
from pipeline.config.ranges import Above, Ascending, AtLeast, AtMost, Below, Between, Like, NotEmpty, Unique
from pipeline.evaluation.pck import TABLE_ALPHA
from support.parameters import Key, is_choice, item, keys
from support.paths import ROOT

CONTENT = parse_yaml((ROOT / "params.yaml").read_text(encoding="utf-8"))
KEYS = {key.name: key for key in keys()}
NUMBERS = {name: key for name, key in KEYS.items() if key.type in (int, float)}
EXTREMES = (-math.inf, -1e308, -(2**63), -1, -1e-9, -0.0, 0, 1e-9, 1, 2**63, 1e308, math.inf, math.nan)


def with_value(key: str, value) -> dict:
    """The content of the file with another value, of which only the sections above the key are copies."""
    content = section = dict(CONTENT)
    *path, last = key.split(".")
    for name in path:
        section[name] = section = dict(section[name])
    assert last in section
    section[last] = value
    return content


def belongs(key: Key, value) -> bool:
    """Whether a number is of the key's type and in its ranges, in the words of the ranges' own tests below."""
    if isinstance(value, float) and (key.type is int or not math.isfinite(value)):
        return False
    return abs(value) < 2**63 * (1 if isinstance(value, int) else math.inf) and all(value in r for r in key.ranges)


def parse_alone(key: Key, value):
    """Parse the section of a key with another value, the rest as shipped."""
    content = with_value(key.name, value)
    for name in filter(None, key.section.split(".")):
        content = content[name]
    return parse_section(key.owner, content, "my.yaml", key.section)


def probes(key: Key) -> list:
    """Numbers at and beside the bounds of the key, and far from them."""
    bounds = [b for r in key.ranges for b in (getattr(r, "low", None), getattr(r, "high", None)) if b is not None]
    beside = [b + d for b in bounds for d in ((-1, 0, 1) if key.type is int else (-1e-6, 0, 1e-6))]
    return [*EXTREMES, *beside, True, "1", None]


def test_the_keys_are_those_of_the_file():
    def leaves(nested, prefix=""):
        for name, value in nested.items():
            dotted = f"{prefix}{name}"
            if dotted not in ("variants", "features.backbones", "resources.stages"):
                yield from leaves(value, f"{dotted}.") if isinstance(value, dict) else [dotted]

    assert list(KEYS) == list(leaves(CONTENT))


def test_every_number_text_and_list_has_a_range():
    for key in KEYS.values():
        inner = item(key)
        repeats = inner is None or any(isinstance(each, Unique | Ascending) for each in key.ranges)
        assert repeats, f"{key.name}: say in its type whether an item may be repeated"
        leaf = inner or key
        sense = leaf.type is bool or is_choice(leaf) or leaf.ranges
        assert sense, f"{key.name}: say in its type which values make sense"


@pytest.mark.parametrize("section", sorted({key.section for key in NUMBERS.values()}))
def test_a_number_is_accepted_if_and_only_if_it_belongs_to_the_range(section):
    for key in (key for key in NUMBERS.values() if key.section == section):
        for value in probes(key):
            good = not isinstance(value, bool | str | None) and belongs(key, value)
            try:
                parse_alone(key, value)
            except InputError as error:
                assert str(error).startswith("my.yaml: parameter '")
                # A relation may refuse the other of its two keys.
                assert f"'{key.name}' must be " in str(error) or (good and key.name.rpartition(".")[2] in str(error))
                assert not good or "`" in str(error), (key, value, error)
            else:
                assert good, (key, value)


@settings(max_examples=20)
@given(st.sampled_from(sorted(NUMBERS)), st.integers(-(10**4), 10**4) | st.floats(-10, 10) | st.floats())
def test_whatever_the_ranges_accept_makes_parameters(name, value):
    key = NUMBERS[name]
    assume(key.type is float or isinstance(value, int))
    try:
        params = parse_params(with_value(name, value), "my.yaml")
    except InputError as error:
        assert name.rpartition(".")[2] in str(error) and str(error).startswith("my.yaml: ")
        return
    assert belongs(key, value)
    assert isinstance(params, Params)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("training.batch", 0, "'training.batch' must be 1 or more; found 0"),
        ("training.steps", -1, "'training.steps' must be 1 or more; found -1"),
        ("training.steps", 10**30, "must be a number of at most 64 bits"),
        ("training.lr_prior", -1, "'training.lr_prior' must be from 0 to 1; found -1.0"),
        ("training.ema", 1, "'training.ema' must be below 1; found 1.0"),
        (
            "training.device",
            "gpu",
            "must be auto, cpu, cuda, or cuda:N with N from 0 on; found 'gpu'",
        ),
        ("training.image_size", 0, "'training.image_size' must be from 1 to 4096; found 0"),
        ("model.grid.resolution", 0, "'model.grid.resolution' must be from 1 to 128; found 0"),
        ("model.pose.hypotheses.count", 2, "'model.pose.hypotheses.count' must be one of 1, 4; found 2"),
        ("model.pose.hypotheses.count", True, "must be one of 1, 4; found True"),
        ("features.grid", 8.0, "'features.grid' must be one of 8, 16, 32, 64; found 8.0"),
        ("pretrained.batch", -1, "'pretrained.batch' must be 1 or more; found -1"),
        ("pca.dims", 0, "'pca.dims' must be from 1 to 8192; found 0"),
        ("loss.rgb", -1e-9, "'loss.rgb' must be 0 or more; found -1e-09"),
        ("loss.rgb", math.nan, "'loss.rgb' must be a finite number; found nan"),
        ("loss.rgb", math.inf, "'loss.rgb' must be a finite number; found inf"),
        ("evaluation.alphas", [math.nan], r"'evaluation.alphas\[0\]' must be a finite number"),
        ("evaluation.alphas", [0.1, 0.05], "'evaluation.alphas' must be in ascending order, each number once"),
        ("evaluation.alphas", [0.1, 0.1], "'evaluation.alphas' must be in ascending order, each number once"),
        ("evaluation.alphas", [0, 0.1], r"'evaluation.alphas\[0\]' must be above 0; found 0.0"),
        ("evaluation.alphas", [0.05], r"'evaluation.alphas' must be a list with 0\.1; found \[0\.05\]"),
        ("evaluation.alphas", [], "'evaluation.alphas' must be"),
        ("evaluation.baselines", [], "'evaluation.baselines' must be a list of one item or more"),
        ("bootstrap.level", 1, "'bootstrap.level' must be below 1"),
        ("seeds", [], "'seeds' must be a list of one item or more"),
        ("seeds", [0, 0], r"'seeds' must be a list that names nothing twice; found \[0, 0\]"),
        ("seeds", [-1], r"'seeds\[0\]' must be from 0 to 4294967295; found -1"),
        ("categories", [], "'categories' must be a list of one item or more"),
        ("categories", ["car", "car"], "'categories' must be a list that names nothing twice"),
        ("trained", ["ours", "ours"], "'trained' must be a list that names nothing twice"),
        ("backbones", [], "'backbones' must be a list of one item or more"),
        ("backbones", ["dinov2", "dinov2"], "'backbones' must be a list that names nothing twice"),
        ("reconstruction.variants", ["mp", "mp"], "'reconstruction.variants' must be a list that names nothing twice"),
        ("data.generate", ["simulation", "simulation"], "'data.generate' must be a list that names nothing twice"),
        ("data.spair", "", "'data.spair' must be one line of text, of 1 to 1000 characters"),
        (
            "data.pascal3d",
            "a\x00b",
            "'data.pascal3d' must be one line of text, .*; found 'a.x00b'",
        ),
        ("tracking.experiment", "", "'tracking.experiment' must be one line of text, of 1 to 1000 characters"),
        ("simulation.broad_spread", 1e6, "'simulation.broad_spread' must be from 0 to 10"),
        ("features.simulated.code_dims", 33, "must be 32 or less, as `dims` is 32; found 33"),
        (
            "reconstruction.coarse_samples",
            2501,
            "must be 2500 or less, as `samples` is 2500; found 2501",
        ),
        ("training.hypotheses.best_until", 0.2, "best_until' must be 0.3 or more, as `best_from` is 0.3; found 0.2"),
        (
            "variants.ours",
            {"loss": {"depth": -1}},
            "variants.ours: parameter 'loss.depth' must be 0 or more",
        ),
        (
            "variants.mp_pose",
            {"training": {"steps": 0}},
            "mp_pose: parameter 'training.steps' must be 1 or more",
        ),
        ("features.backbones.dino", {"grid": 9}, "backbones.dino: parameter 'features.grid' must be one of 8, 16"),
        (
            "variants",
            {"a/b": {}, "ours": {}},
            r"'variants.a/b' must be named by letters, .*; found 'a/b'",
        ),
        ("features.backbones", {"..": {}}, r"'features.backbones.\.\.' must be named by letters"),
    ],
)
def test_what_makes_no_sense_is_named_with_its_range(key, value, message):
    with pytest.raises(InputError, match=f"^my.yaml: .*{message}"):
        parse_params(with_value(key, value), "my.yaml")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("reconstruction.variants", []),
        ("data.fetch", []),
        ("data.max_training_images", 0),
        ("loss.pose", 0),
        ("training.deform_from", 1),
        ("training.hypotheses.best_until", 0.3),
        ("evaluation.alphas", [0.1]),
        ("simulation.cad_dir", ""),
        ("pretrained.device", "cuda:1"),
    ],
)
def test_what_switches_something_off_or_lies_on_a_bound_is_accepted(key, value):
    parse_params(with_value(key, value))


def test_ranges_say_what_belongs_to_them():
    assert [v for v in (0, 1, 2) if v in AtLeast(1)] == [1, 2] and str(AtLeast(1)) == "1 or more"
    assert [v for v in (0, 1, 2) if v in Above(1)] == [2] and str(Above(1)) == "above 1"
    assert [v for v in (0, 1, 2) if v in AtMost(1)] == [0, 1] and str(AtMost(1)) == "1 or less"
    assert [v for v in (0, 1, 2) if v in Below(1)] == [0] and str(Below(1)) == "below 1"
    assert [v for v in (0, 1, 2, 3) if v in Between(1, 2)] == [1, 2] and str(Between(1, 2)) == "from 1 to 2"
    assert (1,) in NotEmpty() and () not in NotEmpty()
    assert (1, 2) in Unique() and (1, 2, 1) not in Unique()
    assert (1, 2) in Ascending() and () in Ascending() and (1, 1) not in Ascending() and (2, 1) not in Ascending()
    assert "ab" in Like("a.", "it") and "abc" not in Like("a.", "it") and "ab\n" not in Like("a.", "it")


def test_the_threshold_of_the_tables_is_the_one_that_must_be_listed():
    assert any(TABLE_ALPHA == getattr(each, "item", None) for each in KEYS["evaluation.alphas"].ranges)
