"""`semagic profile`: where it writes, what it prints, and what it refuses."""

import pytest

from pipeline.config.params import load_params
from support.command_line import semagic
from support.paths import ROOT


@pytest.fixture(autouse=True)
def in_the_checkout(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_a_profile_is_written_elsewhere_and_its_time_projected(tmp_path):
    before = (ROOT / "params.yaml").read_text()
    output = tmp_path / "made" / "params.yaml"
    done = semagic(
        "profile", "full", "--output", output, "--set", "trained=[ours]", "--set", "reconstruction.variants=[ours]"
    )
    assert done.exit_code == 0
    assert done.stdout.startswith(
        f"{output}: parameters of the profile 'full': 30 trainings.\nProjected time from nothing"
    )
    assert load_params(output).trained == ("ours",)
    assert (ROOT / "params.yaml").read_text() == before


def test_by_default_the_input_is_rewritten(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text((ROOT / "params.yaml").read_text())
    assert semagic("profile", "quick", "--input", path).exit_code == 0
    assert load_params(path).trained == ("ours",)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["smok"], 1, "error: Unknown profile 'smok' in profiles. Did you mean 'smoke'?"),
        (["smoke", "--set", "loss.feat_con=0"], 1, "Did you mean 'feat_cons'?"),
        (["smoke", "--set", "loss.feat_cons=["], 1, "error: --set loss.feat_cons=[, line 1: expected YAML"),
        (["smoke", "--set", "training.batch=0"], 1, "parameter 'training.batch' must be 1 or more; found 0."),
        (["smoke", "--set", "loss.feat_cons"], 2, "expected KEY=VALUE, for instance training.steps=100"),
        ([], 2, "NAME"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_written(tmp_path, arguments, code, message):
    output = tmp_path / "params.yaml"
    done = semagic("profile", *arguments, "--output", output)
    assert done.exit_code == code and message in done.stderr
    assert not output.exists()
