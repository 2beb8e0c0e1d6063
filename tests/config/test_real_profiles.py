"""The profiles for real data: their stages are complete, and their parameters are what the text promises."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipeline.config.categories import CATEGORIES
from pipeline.config.params import load_params, parse_params
from pipeline.config.profiles import merge_text, read_profile
from pipeline.config.workspace import Workspace
from pipeline.reporting.rows import PAPER_ROWS
from support.paths import ROOT


@pytest.fixture
def project(tmp_path):
    """The stages as in a fresh clone, without data; parameters are written by the test."""
    for name in ("dvc.yaml", "downloads.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("pipeline", "stages"):
        (tmp_path / name).symlink_to(ROOT / name)
    run(tmp_path, "init", "--no-scm", "--quiet")
    return tmp_path


def run(folder, *arguments):
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=folder, env=dict(os.environ), check=True, capture_output=True, text=True).stdout


def merge(folder, name):
    text = merge_text((ROOT / "params.yaml").read_text(), read_profile(ROOT / "profiles", name), name)
    (folder / "params.yaml").write_text(text)
    return load_params(folder / "params.yaml")


def stages_of(folder):
    from dvc.repo import Repo

    with Repo(str(folder)) as repo:
        return {
            stage.name: ([dep.def_path for dep in stage.deps], [out.def_path for out in stage.outs])
            for stage in repo.index.stages
        }


@pytest.mark.parametrize("name", ["paper", "real", "permissive"])
def test_every_input_is_code_or_made_by_a_stage(project, name):
    merge(project, name)
    stages = stages_of(project)
    made = {Path(out) for _, outs in stages.values() for out in outs}
    # `report` reads what all cells of a stage have made: the folder above their outputs.
    above = {parent for out in made for parent in out.parents}
    needed = {Path(dep): stage for stage, (deps, _) in stages.items() for dep in deps}
    for dep, stage in needed.items():
        code = dep.parts[0] in ("pipeline", "stages", "params.yaml", "downloads.yaml", "cells")
        produced = dep in above or not made.isdisjoint([dep, *dep.parents])
        assert (code and (project / dep).exists()) or produced, f"{stage} needs {dep}"
    assert {"fetch@pascal3d", "fetch@spair", "report"} <= stages.keys()
    assert not any(stage.startswith("data") for stage in stages)


def test_the_papers_experiment_runs_dry(project):
    params = merge(project, "paper")
    shown = run(project, "repro", "--dry", "--force")
    commands = [line.removeprefix("> ") for line in shown.splitlines() if line.startswith("> ")]
    trainings = [command for command in commands if command.startswith("python -m stages.train ")]
    assert len(trainings) == len(set(trainings)) == len(CATEGORIES) * len(PAPER_ROWS) * 3
    assert len(commands) == len(stages_of(project))
    order = {command: i for i, command in enumerate(commands)}
    assert order["python -m stages.fetch --release spair"] < order["python -m stages.instances --category car"]
    assert commands[-1] == "python -m stages.report"
    assert params.categories == CATEGORIES and set(params.trained) == set(PAPER_ROWS) and params.seeds == (0, 1, 2)


def test_the_papers_experiment_is_not_simulated():
    params = parse_params(yaml.safe_load(merge_text((ROOT / "params.yaml").read_text(), profile("paper"), "paper")))
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


def test_a_folder_of_the_users_replaces_what_would_be_fetched(project):
    overrides = profile("paper")
    overrides["data"] |= {"fetch": [], "pascal3d": str(project / "mine/P3D"), "spair": str(project / "mine/SPair")}
    (project / "params.yaml").write_text(merge_text((ROOT / "params.yaml").read_text(), overrides, "mine"))
    stages = stages_of(project)
    assert not any(stage.startswith(("fetch", "data")) for stage in stages)
    deps, _ = stages["masks@car"]
    assert any(str(dep).endswith("mine/SPair/JPEGImages/car") for dep in deps)
    assert not any("mine" in str(out) for _, outs in stages.values() for out in outs)


def test_the_small_profile_differs_from_the_papers_in_sizes_only():
    paper, real = profile("paper"), profile("real")
    for section in ("categories", "data", "masks", "depth", "poses", "features", "pretrained"):
        assert paper[section] == real[section]
    assert paper.keys() - real.keys() == {
        "seeds", "model", "loss", "training", "correspondence", "evaluation", "reconstruction"
    }  # fmt: skip
