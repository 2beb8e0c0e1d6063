"""params.yaml: complete, and strict about keys and types."""

import copy
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.base.errors import InputError
from pipeline.base.yaml_text import parse_yaml, to_yaml
from pipeline.config.params import load_params, parse_params
from pipeline.config.parsing import to_dict
from support.paths import ROOT

PATH = ROOT / "params.yaml"
CONTENT = parse_yaml(PATH.read_text())


@pytest.fixture
def content():
    return copy.deepcopy(CONTENT)


def leaves(nested: dict, prefix: tuple = ()) -> list[tuple]:
    return [
        leaf
        for name, value in nested.items()
        for leaf in (leaves(value, (*prefix, name)) if isinstance(value, dict) else [(*prefix, name)])
    ]


def put(nested: dict, key: tuple, value) -> None:
    for name in key[:-1]:
        nested = nested[name]
    nested[key[-1]] = value


def test_shipped_file_is_valid():
    load_params(PATH)


def test_every_key_of_the_file_is_read(content):
    read = to_dict(load_params(PATH))
    # The variants that are read have the changes of their bases, too.
    assert [leaf for leaf in leaves(read) if leaf[0] != "variants"] == [
        leaf for leaf in leaves(content) if leaf[0] != "variants"
    ]
    assert list(content["variants"]) == list(read["variants"])


def test_unknown_key_names_the_nearest(content):
    content["loss"]["feat_con"] = 1.0
    with pytest.raises(InputError, match=r"my\.yaml: unknown parameter 'loss\.feat_con'\. Did you mean 'feat_cons'\?"):
        parse_params(content, "my.yaml")


def test_unknown_section_names_the_nearest(content):
    content["los"] = content.pop("loss")
    with pytest.raises(InputError, match=r"unknown parameter 'los'\. Did you mean 'loss'\?"):
        parse_params(content)


def is_overlay(key: tuple) -> bool:
    return key[0] == "variants" or key[:2] == ("features", "backbones")


@pytest.mark.parametrize("key", [key for key in leaves(CONTENT) if not is_overlay(key)], ids=".".join)
def test_missing_and_mistyped_keys_are_named(content, key):
    name = re.escape(".".join(key))
    mistyped = copy.deepcopy(content)
    put(mistyped, key, {"no": "value of a leaf"})
    with pytest.raises(InputError, match=f"'{name}' must be"):
        parse_params(mistyped)
    put(content, key, None)
    with pytest.raises(InputError, match=f"'{name}' must be"):
        parse_params(content)
    section = content
    for part in key[:-1]:
        section = section[part]
    del section[key[-1]]
    with pytest.raises(InputError, match=f"'{name}' is missing"):
        parse_params(content)


@pytest.mark.parametrize("name", ["ours", "wo_pose", "mp"])
def test_a_variant_with_an_unknown_key_names_the_nearest(content, name):
    content["variants"][name]["loss"] = {"feat_con": 0}
    with pytest.raises(InputError, match=rf"variants\.{name}: unknown parameter 'loss\.feat_con'.*'feat_cons'"):
        parse_params(content)
    content["variants"][name]["loss"] = {"feat_cons": "none"}
    with pytest.raises(InputError, match=rf"variants\.{name}: parameter 'loss\.feat_cons' must be"):
        parse_params(content)


def test_a_variant_changes_nothing_that_cells_share(content):
    content["variants"]["ours"] = {"data": {"crop_margin": 1.5}}
    with pytest.raises(InputError, match=r"variants\.ours: a variant cannot change 'data'"):
        parse_params(content)


def test_a_backbone_with_an_unknown_key_names_the_nearest(content):
    content["features"]["backbones"]["dino"] = {"grit": 16}
    with pytest.raises(InputError, match=r"features\.backbones\.dino: unknown parameter 'features\.grit'.*'grid'"):
        parse_params(content)


@pytest.mark.parametrize(("key", "nearest"), [("trained", "ours"), ("backbones", "dinov2")])
def test_what_is_run_must_be_defined(content, key, nearest):
    content[key] = [nearest + "x"]
    content["reconstruction"]["variants"] = []
    with pytest.raises(InputError, match=f"unknown entry '{nearest}x' of `{key}`. Did you mean '{nearest}'"):
        parse_params(content)


def test_only_trained_variants_are_compared_with_cad_models(content):
    content["trained"] = ["ours"]
    with pytest.raises(InputError, match=r"unknown entry 'mp' of `reconstruction\.variants`\. .*Valid: ours"):
        parse_params(content)


def test_integer_stands_for_a_float(content):
    content["loss"]["feat_cons"] = 0
    value = parse_params(content).loss.feat_cons
    assert value == 0.0
    assert isinstance(value, float)


@pytest.mark.parametrize("value", [1.0, True, "1"])
def test_nothing_else_stands_for_an_integer(content, value):
    content["training"]["steps"] = value
    with pytest.raises(InputError, match=r"training\.steps' must be a value of type int"):
        parse_params(content)


def test_boolean_is_no_number(content):
    content["loss"]["feat_cons"] = True
    with pytest.raises(InputError, match=r"loss\.feat_cons"):
        parse_params(content)


def test_choice_lists_what_is_valid(content):
    content["data"]["evaluation_split"] = "tset"
    with pytest.raises(InputError, match="one of 'trn', 'val', 'test'; found 'tset'"):
        parse_params(content)


def test_list_items_are_checked(content):
    content["evaluation"]["alphas"] = [0.1, "wide"]
    with pytest.raises(InputError, match=r"evaluation\.alphas\[1\]"):
        parse_params(content)


def test_unknown_category_names_the_nearest(content):
    content["categories"] = ["cars"]
    with pytest.raises(InputError, match="Did you mean 'car'"):
        parse_params(content)


def test_missing_file_says_where_to_run(tmp_path):
    with pytest.raises(InputError, match=r"params\.yaml: no parameter file here"):
        load_params(tmp_path / "params.yaml")


def test_empty_file_is_an_error(tmp_path):
    (tmp_path / "params.yaml").write_text("")
    with pytest.raises(InputError, match=r"params\.yaml: expected `key: value` lines, found nothing\. .*git checkout"):
        load_params(tmp_path / "params.yaml")


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("loss.feat_cons=0", ("loss", "feat_cons"), 0),
        ("categories=[chair]", ("categories",), ["chair"]),
        ("reconstruction.variants=[]", ("reconstruction", "variants"), []),
        ("variants.wo_depth.loss.depth=0.01", ("variants", "wo_depth", "loss", "depth"), 0.01),
    ],
)
def test_dvc_experiments_keep_every_comment(tmp_path, override, key, value):
    """DVC loses a comment between a list and the next key; hence each stands beside its key."""
    from dvc.utils.hydra import apply_overrides

    path = tmp_path / "params.yaml"
    path.write_text(PATH.read_text())
    apply_overrides(path, [override])
    before, after = (re.findall("#.*", file.read_text()) for file in (PATH, path))
    assert after == before
    expected = copy.deepcopy(CONTENT)
    put(expected, key, value)
    assert parse_yaml(path.read_text()) == expected
    load_params(path)


NUMBERS = {
    "loss.mask": ("0.00001", 1e-05),
    "loss.distance": ("1e-05", 1e-05),
    "loss.rgb": ("1e5", 1e5),
    "loss.feature": ("1E+3", 1e3),
    "loss.eikonal": ("1e-300", 1e-300),
    "loss.surface_size": ("123456789012345678", 123456789012345678.0),
    "loss.deformation": ("1e22", 1e22),
    "loss.laplacian": ("-0.0", -0.0),
    "loss.feat_cons": ("0.1", 0.1),
    "loss.depth": ("5", 5.0),
    "loss.pose": (".5", 0.5),
    "loss.logit": ("5.", 5.0),
    "loss.logit_feature_boost": ("1.7976931348623157e308", 1.7976931348623157e308),
    "training.lr_prior": ("0.000000001", 1e-09),
    "training.steps": ("100000000", 100_000_000),
    "training.batch": ("1_000", 1000),
}
"""What is written behind `-S`, and what it is."""


def test_a_number_of_any_size_passes_through_dvc_unchanged(tmp_path):
    """`dvc exp run -S` rewrites the file in YAML 1.2, where 1e-05 is a number."""
    from dvc.utils.hydra import apply_overrides

    path = tmp_path / "params.yaml"
    path.write_text(PATH.read_text())
    apply_overrides(path, [f"{key}={text}" for key, (text, _) in NUMBERS.items()])
    read = to_dict(load_params(path))
    for key, (_, value) in NUMBERS.items():
        section, name = key.split(".")
        assert repr(read[section][name]) == repr(value), key


@pytest.mark.parametrize("text", [".inf", "inf", "-inf", "nan", ".nan"])
def test_what_is_no_number_is_refused_behind_dvc_too(tmp_path, text):
    from dvc.utils.hydra import apply_overrides

    path = tmp_path / "params.yaml"
    path.write_text("loss:\n  rgb: 1.0\n")
    apply_overrides(path, [f"loss.rgb={text}"])
    with pytest.raises(InputError, match=r"params\.yaml(, line 2: expected a finite number|: parameter)"):
        load_params(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace(b"aeroplane", b"a\xe9roplane", 1), r"line \d+: expected text in UTF-8, found 0xe9"),
        (lambda text: text.replace(b"  steps: 800", b"\tsteps: 800"), r"line \d+: expected spaces, found a tab"),
        (lambda text: text.replace(b"  steps: 800", b"  steps: 800\n  steps: 9"), r"line \d+: expected each key once"),
        (lambda text: text + b"\nloss: {}\n", r"line \d+: expected each key once, found 'loss' again"),
        (lambda text: text.replace(b"steps: 800", b"steps: 8\x000"), r"line \d+: expected printable text, .*U\+0000"),
        (lambda text: text.replace(b"steps: 800", b"steps: !!int 800"), r"line \d+: expected a value without a tag"),
        (lambda text: b"- " + text, r"line \d+: expected YAML, but "),
        (lambda text: b"[]", r": expected `key: value` lines, found a list"),
        (lambda text: text[:5000], r"parameter '.*' (is missing|must be)|expected YAML"),
        (lambda text: b"\x00" * (1 << 21), r"expected a text file of at most \d+ bytes"),
    ],
)
def test_damage_is_named_with_file_and_line(tmp_path, change, message):
    path = tmp_path / "params.yaml"
    path.write_bytes(change(PATH.read_bytes()))
    with pytest.raises(InputError, match=rf"^{path}.*{message}"):
        load_params(path)


@settings(max_examples=20)
@given(st.data())
def test_a_changed_byte_is_accepted_or_an_error_that_names_the_file(data):
    content = bytearray(PATH.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "params.yaml"
        path.write_bytes(content)
        try:
            load_params(path)
        except InputError as error:
            assert str(error).startswith(str(path))


@pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")
def test_no_parameter_has_a_name_that_dvc_overlooks(tmp_path, monkeypatch):
    """DVC's run cache leaves out keys of some names, and restores the output of another value."""
    monkeypatch.chdir(tmp_path)
    overlooked = overlooked_by_the_run_cache(["size", "nfiles", "image_size"])
    assert overlooked == {"size", "nfiles"}
    assert not {part for key in leaves(CONTENT) for part in key} & overlooked


def overlooked_by_the_run_cache(names: list[str]) -> set[str]:
    """Names of parameters whose change does not keep DVC from restoring what a stage wrote before it.

    The current folder becomes a repository of DVC.
    """
    from dvc.repo import Repo

    stages = {
        name: {"cmd": f"cp params.yaml {name}.yaml", "params": [f"about_{name}"], "outs": [f"{name}.yaml"]}
        for name in names
    }
    Path("dvc.yaml").write_text(to_yaml({"stages": stages}))
    Repo.init(no_scm=True).close()
    for value in (1, 2):
        Path("params.yaml").write_text(to_yaml({f"about_{name}": {name: value} for name in names}))
        with Repo() as repo:
            repo.reproduce()
    written = {name: parse_yaml(Path(f"{name}.yaml").read_text()) for name in names}
    return {name for name in names if written[name][f"about_{name}"][name] == 1}


def test_lists_are_blocks():
    """`dvc exp run -S` rewrites flow lists as block lists, so the file starts with those."""
    assert not re.search(r"^\s*\w+: \[(?!\])", PATH.read_text(), re.MULTILINE)


@pytest.mark.parametrize("backend", ["dinov2", "sift"])
def test_a_backbone_that_another_backend_would_stand_in_for_is_refused(backend):
    """`dino` changes the noise of simulated features; with real ones it would be DINOv2 under another name."""
    content = parse_yaml(PATH.read_text())
    content["features"]["backend"] = backend
    parse_params(content)
    content["backbones"] = ["dinov2", "dino"]
    with pytest.raises(
        InputError, match=rf"backbones\.dino: changes 'simulated', which the backend '{backend}' does not"
    ):
        parse_params(content)
