"""Profiles: merged values, kept comments, errors that name the nearest key."""

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.base.errors import InputError
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
    merged = yaml.safe_load(merge_text(TEXT, {"categories": categories, "training": {"steps": steps}}, "test"))
    expected = yaml.safe_load(TEXT)
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
    with pytest.raises(InputError, match="KEY=VALUE"):
        parse_assignment("training.steps")


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
    params = parse_params(yaml.safe_load(merge_text(TEXT, read_profile(ROOT / "profiles", "full"), "full")))
    assert params.categories == tuple(CATEGORIES)
