"""From a fresh clone a profile runs through: what a stage needs, another makes or git brings."""

import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.base.yaml_text import parse_yaml
from pipeline.config.categories import CATEGORIES
from pipeline.config.profiles import merge_text, read_profile
from pipeline.reporting.rows import BEYOND_ROWS, PAPER_ROWS
from support.dag import Stage, resolve_stages, without_source
from support.paths import ROOT
from support.profiles import PROFILES, generates_or_fetches

TEXT = (ROOT / "params.yaml").read_text(encoding="utf-8")
DEFINITION = parse_yaml((ROOT / "dvc.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tracked() -> set[Path]:
    """Files of a fresh clone, once this tree is committed."""
    if not (ROOT / ".git").exists():
        pytest.skip("without its repository a copy cannot say which files a clone has")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return {Path(name) for name in listed.split("\0") if name and (ROOT / name).exists()}


def stages_with(text: str) -> list[Stage]:
    return resolve_stages(DEFINITION, parse_yaml(text))


def with_profile(name: str) -> str:
    return merge_text(TEXT, read_profile(ROOT / "profiles", name), name)


def test_the_shipped_parameters_run_from_a_clone(tracked):
    assert without_source(stages_with(TEXT), tracked) == {}


@pytest.mark.parametrize("name", [*filter(generates_or_fetches, PROFILES)])
def test_a_profile_runs_from_a_clone(name, tracked):
    assert without_source(stages_with(with_profile(name)), tracked) == {}


@pytest.mark.parametrize(
    "change", [{"reconstruction": {"variants": []}}, {"trained": [], "reconstruction": {"variants": []}}]
)
def test_what_is_not_run_is_not_needed(change, tracked):
    assert without_source(stages_with(merge_text(TEXT, change, "test")), tracked) == {}


def test_a_missing_source_is_found():
    stages = [
        Stage("make", "", frozenset({Path("code/make.py")}), frozenset({Path("made/car")})),
        Stage("use", "", frozenset(map(Path, ("made", "made/car/file", "made/bus", "code"))), frozenset()),
    ]
    assert without_source(stages, [Path("code/make.py")]) == {Path("made/bus"): "use"}
    assert without_source(stages, []) == {
        Path("code/make.py"): "make", Path("code"): "use", Path("made/bus"): "use"
    }  # fmt: skip


def test_stages_are_resolved_as_dvc_resolves_them(tmp_path):
    from dvc.repo import Repo

    text = merge_text(with_profile("smoke"), {"seeds": [0, 3], "data": {"fetch": ["spair"]}}, "test")
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    Repo.init(str(tmp_path), no_scm=True).close()
    with Repo(str(tmp_path)) as repo:
        expected = [
            Stage(
                stage.name,
                stage.cmd,
                frozenset(Path(dependency.def_path) for dependency in stage.deps),
                frozenset(Path(output.def_path) for output in stage.outs),
            )
            for stage in repo.index.stages
        ]
    assert sorted(stages_with(text)) == sorted(expected)


@pytest.mark.parametrize("name", ["paper", "real", "permissive"])
def test_real_data_is_fetched_and_not_generated(name):
    names = {stage.name for stage in stages_with(with_profile(name))}
    assert {"fetch@pascal3d", "fetch@spair", "report"} <= names
    assert not any(name.startswith("data@") for name in names)


def test_the_papers_experiment_trains_each_row_on_each_category_with_three_seeds():
    stages = stages_with(with_profile("paper"))
    trainings = {stage.command for stage in stages if stage.name.startswith("train@")}
    assert len(trainings) == len(CATEGORIES) * len(PAPER_ROWS | BEYOND_ROWS) * 3
    assert len({stage.name for stage in stages}) == len(stages)


def test_a_folder_of_the_users_replaces_what_would_be_fetched(tmp_path):
    overrides = read_profile(ROOT / "profiles", "paper")
    overrides["data"] |= {"fetch": [], "pascal3d": str(tmp_path / "P3D"), "spair": str(tmp_path / "SPair")}
    stages = {stage.name: stage for stage in stages_with(merge_text(TEXT, overrides, "mine"))}
    assert not any(name.startswith(("fetch", "data")) for name in stages)
    assert tmp_path / "SPair/JPEGImages/car" in stages["masks@car"].inputs
    assert not any(output.is_relative_to(tmp_path) for stage in stages.values() for output in stage.outputs)
