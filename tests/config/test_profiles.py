"""Profiles: merged values, kept comments, errors that name the nearest key."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.base.errors import InputError
from pipeline.config.categories import CATEGORIES
from pipeline.config.params import load_params, parse_params
from pipeline.config.profiles import main, merge_text, parse_assignment, read_profile
from support.paths import ROOT

TEXT = (ROOT / "params.yaml").read_text()
PROFILES = sorted(p.stem for p in (ROOT / "profiles").glob("*.yaml"))


def comments(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip().startswith("#")]


def test_nothing_to_merge_changes_no_byte():
    assert merge_text(TEXT, {}, "test") == TEXT


@pytest.mark.parametrize("name", PROFILES)
def test_profile_is_valid_and_keeps_every_comment(name):
    merged = merge_text(TEXT, read_profile(ROOT / "profiles", name), name)
    assert comments(merged) == comments(TEXT)
    assert merged != TEXT


@pytest.mark.parametrize("name", PROFILES)
def test_merging_twice_is_merging_once(name):
    overrides = read_profile(ROOT / "profiles", name)
    once = merge_text(TEXT, overrides, name)
    assert merge_text(once, overrides, name) == once


@settings(max_examples=15)
@given(st.lists(st.sampled_from(CATEGORIES), min_size=1, unique=True), st.integers(1, 10**6))
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


def test_command_line_writes_elsewhere(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    output = tmp_path / "photos" / "params.yaml"
    assert main(["photos", "--output", str(output), "--set", f"data.spair={tmp_path}"]) == 0
    params = load_params(output)
    assert params.data.spair == str(tmp_path)
    assert params.data.pascal3d == ""
    assert params.categories == ("bus",)
    assert (ROOT / "params.yaml").read_text() == TEXT


def test_command_line_reports_what_is_wrong(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert main(["smoke", "--output", str(tmp_path / "p.yaml"), "--set", "loss.feat_con=0"]) == 1
    assert "Did you mean 'feat_cons'" in capsys.readouterr().err
    assert not (tmp_path / "p.yaml").exists()


def test_overrides_have_to_be_valid_together_only(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    output = tmp_path / "params.yaml"
    sets = ["--set", "trained=[ours]", "--set", "reconstruction.variants=[ours]"]
    assert main(["full", "--output", str(output), *sets]) == 0
    assert load_params(output).trained == ("ours",)
    assert "30 trainings" in capsys.readouterr().out
    assert main(["full", "--output", str(output), *sets[:2]]) == 1
    assert "`reconstruction.variants`" in capsys.readouterr().err


def test_full_profile_is_the_paper_s_ten_categories():
    params = parse_params(yaml.safe_load(merge_text(TEXT, read_profile(ROOT / "profiles", "full"), "full")))
    assert params.categories == CATEGORIES
