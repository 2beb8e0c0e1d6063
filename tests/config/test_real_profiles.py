"""The profiles for real data: the paper's experiment runs dry, and parameters are what the text promises."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.base.yaml_text import parse_yaml
from pipeline.config.params import load_params, parse_params
from pipeline.config.profiles import merge_text, read_profile
from pipeline.config.workspace import Workspace
from pipeline.reporting.rows import BEYOND_ROWS, PAPER_ROWS
from support.paths import ROOT


@pytest.fixture
def project(tmp_path):
    """The stages as in a fresh clone, without data; parameters are written by the test."""
    for name in ("dvc.yaml", "downloads.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("pipeline", "stages"):
        (tmp_path / name).symlink_to(ROOT / name)
    run_dvc(tmp_path, "init", "--no-scm", "--quiet")
    return tmp_path


def run_dvc(folder, *arguments):
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def test_the_papers_experiment_runs_dry(project):
    """With two of its ten categories and one of its three seeds; tests/config/test_profile_dags.py counts all cells."""
    overrides = profile("paper") | {"categories": ["car", "chair"], "seeds": [0]}
    text = merge_text((ROOT / "params.yaml").read_text(), overrides, "paper")
    (project / "params.yaml").write_text(text)
    shown = run_dvc(project, "repro", "--dry", "--force")
    commands = [line.removeprefix("> ") for line in shown.splitlines() if line.startswith("> ")]
    trainings = [command for command in commands if command.startswith("python -m stages.train ")]
    assert len(trainings) == len(set(trainings)) == 2 * len(PAPER_ROWS | BEYOND_ROWS)
    order = {command: i for i, command in enumerate(commands)}
    assert order["python -m stages.fetch --release spair"] < order["python -m stages.instances --category car"]
    assert order["python -m stages.resolve"] < order[trainings[0]]
    assert commands[-1] == "python -m stages.report"
    assert set(load_params(project / "params.yaml").trained) == {*PAPER_ROWS, *BEYOND_ROWS}


def test_the_papers_experiment_is_not_simulated():
    params = parse_params(parse_yaml(merge_text((ROOT / "params.yaml").read_text(), profile("paper"), "paper")))
    assert "simulated" not in (
        params.masks.backend,
        params.depth.backend,
        params.poses.backend,
        params.features.backend,
    )
    assert params.data.generate == ()
    # 32 x 32 patches of 14 pixels.
    assert 14 * params.features.grid == 448
    workspace = Workspace(Path(), params)
    for name in params.data.fetch:
        assert getattr(workspace, name).is_relative_to(workspace.releases / name)


def profile(name):
    return read_profile(ROOT / "profiles", name)


def test_the_small_profile_differs_from_the_papers_in_sizes_only():
    paper, real = profile("paper"), profile("real")
    for section in ("categories", "data", "masks", "depth", "poses", "features", "pretrained"):
        assert paper[section] == real[section]
    assert paper.keys() - real.keys() == {
        "seeds", "model", "loss", "training", "correspondence", "evaluation", "reconstruction"
    }  # fmt: skip
