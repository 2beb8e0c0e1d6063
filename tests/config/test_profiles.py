"""Profiles: merged values, kept comments, errors that name the nearest key."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.base.errors import InputError
from pipeline.base.yaml_text import parse_yaml
from pipeline.config.categories import CATEGORIES
from pipeline.config.params import load_params, parse_params
from pipeline.config.profiles import apply_profile, merge_text, parse_assignment, read_profile
from support.paths import ROOT
from support.profiles import PROFILES

TEXT = (ROOT / "params.yaml").read_text()


def comments(text: str) -> list[str]:
    return re.findall("#.*", text)


def test_nothing_to_merge_changes_no_byte():
    assert merge_text(TEXT, {}, "test") == TEXT


@pytest.mark.parametrize("name", PROFILES)
def test_profile_is_valid_and_keeps_every_comment(name):
    merged = merge_text(TEXT, read_profile(ROOT / "profiles", name), name)
    assert comments(merged) == comments(TEXT)
    assert merged != TEXT


@pytest.mark.parametrize("name", PROFILES)
def test_profile_begins_by_saying_what_it_is_for(name):
    first = (ROOT / "profiles" / f"{name}.yaml").read_text().partition("\n\n")[0].splitlines()
    assert first[0].startswith("# ") and all(line.startswith("#") for line in first)
    assert first[-1].endswith(".")


@pytest.mark.parametrize("name", PROFILES)
def test_merging_twice_is_merging_once(name):
    overrides = read_profile(ROOT / "profiles", name)
    once = merge_text(TEXT, overrides, name)
    assert merge_text(once, overrides, name) == once


@settings(max_examples=5)
@given(st.lists(st.sampled_from(list(CATEGORIES)), min_size=1, unique=True), st.integers(1, 10**6))
def test_only_what_is_named_changes(categories, steps):
    merged = parse_yaml(merge_text(TEXT, {"categories": categories, "training": {"steps": steps}}, "test"))
    expected = parse_yaml(TEXT)
    expected["categories"], expected["training"]["steps"] = categories, steps
    assert merged == expected


def test_unknown_key_names_the_nearest():
    with pytest.raises(InputError, match=r"profile\.yaml: unknown parameter 'training\.stepz'.*'steps'"):
        merge_text(TEXT, {"training": {"stepz": 1}}, "profile.yaml")


def test_value_of_the_wrong_type_is_refused():
    with pytest.raises(InputError, match=r"training\.steps.*int.*'many'"):
        merge_text(TEXT, {"training": {"steps": "many"}}, "test")


def test_unknown_profile_names_the_nearest():
    with pytest.raises(InputError, match="'smok'.*Did you mean 'smoke'"):
        read_profile(ROOT / "profiles", "smok")


def test_assignment_is_nested_yaml():
    assert parse_assignment("data.spair=/some/where") == {"data": {"spair": "/some/where"}}
    assert parse_assignment("evaluation.alphas=[0.1]") == {"evaluation": {"alphas": [0.1]}}
    assert parse_assignment("loss.rgb=1e-05") == {"loss": {"rgb": 1e-05}}
    assert parse_assignment("data.cad_dir=") == {"data": {"cad_dir": None}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("training.steps", "expected KEY=VALUE"),
        ("=5", "expected KEY=VALUE"),
        (".steps=5", "expected KEY=VALUE"),
        ("training..steps=5", "expected KEY=VALUE"),
        (f"training.steps{1000 * '.a'}=5", "expected KEY=VALUE"),
        ("evaluation.alphas=[0.1", "line 1: expected YAML, but "),
        ("loss.rgb=!!float 1", "expected a value without a tag"),
        ("loss.rgb=.inf", "expected a finite number"),
        ("loss.rgb=*x", r"expected &x on a value above"),
        ("data.spair=a\tb", "expected spaces, found a tab"),
        ("data.spair=\udcff", r"found the character U\+DCFF"),
        ("data.spair={a: 1, a: 2}", "expected each key once"),
    ],
)
def test_a_bad_assignment_is_named(text, message):
    with pytest.raises(InputError, match=rf"(?s)^--set {re.escape(text)}.*{message}"):
        parse_assignment(text)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"seeds: [\xff]", r"bad\.yaml, line 1: expected text in UTF-8"),
        (b"training:\n\tsteps: 5", r"bad\.yaml, line 2: expected spaces, found a tab"),
        (b"seeds: [0]\nseeds: [1]", r"bad\.yaml, line 2: expected each key once"),
        (b"- seeds", r"bad\.yaml: expected `key: value` lines, found a list\. .*git checkout"),
        (b"# Nothing.", r"bad\.yaml: expected `key: value` lines, found nothing"),
        (b"1: 2", r"bad\.yaml, line 1: expected text as a key"),
    ],
)
def test_a_profile_that_cannot_be_read_is_named(tmp_path, content, message):
    (tmp_path / "bad.yaml").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_profile(tmp_path, "bad")


@pytest.mark.parametrize("content", ["- a\n", "", "a: 1\na: 2\n", "\t"])
def test_the_file_to_start_from_is_blamed_for_its_own_faults(tmp_path, monkeypatch, content):
    monkeypatch.chdir(ROOT)
    source = tmp_path / "start.yaml"
    source.write_text(content)
    with pytest.raises(InputError, match=r"start\.yaml.*: expected "):
        apply_profile("smoke", source, tmp_path / "p.yaml")
    assert not (tmp_path / "p.yaml").exists()


def test_a_profile_is_applied_to_another_file(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    output = tmp_path / "photos" / "params.yaml"
    params = apply_profile("photos", Path("params.yaml"), output, [f"data.spair={tmp_path}"])
    assert load_params(output) == params
    assert params.data.spair == str(tmp_path)
    assert params.data.pascal3d == ""
    assert params.categories == ("bus",)
    assert (ROOT / "params.yaml").read_text() == TEXT


def test_a_wrong_assignment_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(InputError, match=r"smoke\.yaml --set loss\.feat_con=0: .*Did you mean 'feat_cons'"):
        apply_profile("smoke", Path("params.yaml"), tmp_path / "p.yaml", ["loss.feat_con=0"])
    assert not (tmp_path / "p.yaml").exists()


def test_overrides_have_to_be_valid_together_only(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    source, output = Path("params.yaml"), tmp_path / "params.yaml"
    sets = ["trained=[ours]", "reconstruction.variants=[ours]"]
    assert apply_profile("full", source, output, sets).trained == ("ours",)
    with pytest.raises(InputError, match=r"`reconstruction\.variants`"):
        apply_profile("full", source, output, sets[:1])


def test_files_that_cannot_be_read_or_written_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(InputError, match=r"none\.yaml: expected a parameter file.*--input"):
        apply_profile("smoke", tmp_path / "none.yaml", tmp_path / "p.yaml")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"p\.yaml: cannot be written.*--output"):
        apply_profile("smoke", Path("params.yaml"), tmp_path / "file" / "p.yaml")


def test_full_profile_is_the_paper_s_ten_categories():
    params = parse_params(parse_yaml(merge_text(TEXT, read_profile(ROOT / "profiles", "full"), "full")))
    assert params.categories == tuple(CATEGORIES)
