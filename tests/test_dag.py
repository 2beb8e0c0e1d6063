"""dvc.yaml against the code: dependencies are the real imports, parameters those read, outputs the workspace."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.base.sources import imported_files
from pipeline.base.yaml_text import parse_yaml
from pipeline.config.cell_files import cell_parameters
from pipeline.config.cells import Cell
from pipeline.config.params import load_params, parse_params
from pipeline.config.workspace import Workspace
from pipeline.fanout.dependencies import with_dependencies
from support.parameter_accesses import parameter_accesses
from support.paths import ROOT

PARAMS = parse_yaml((ROOT / "params.yaml").read_text())
STAGES = parse_yaml((ROOT / "dvc.yaml").read_text())["stages"]
CODE = ("pipeline", "stages")
NAMES = [
    "fetch",
    "data",
    "instances",
    "masks",
    "depth",
    "poses",
    "features",
    "pca",
    "baselines",
    "resolve",
    "train",
    "predict",
    "evaluate",
    "reconstruct",
    "gallery",
    "overview",
    "report",
]
CELL = Cell("ours", "dinov2", "car", 0)
PINS = "downloads.yaml"
TRAINED = ("train", "predict", "evaluate", "reconstruct")
"""Stages with a cell for each variant, backbone, category and seed."""
PLUMBING = ("workspace.py", "params.py", "consistency.py", "cells.py")
"""Modules that pass parameters on."""
WITHOUT_EFFECT = {"fetch", "pretrained", "tracking", "trained", "backbones", "seeds", "categories", "variants"}
"""Sections that change no output of a stage: where files are kept and networks run, and which cells there are."""


def parameter(name: str) -> Any:
    """Value of a dotted name in params.yaml; KeyError where there is none."""
    value = PARAMS
    for part in re.findall(r"\w+", name):
        value = value[int(part) if part.isdigit() else part]
    return value


def entries(stage: str, kind: str) -> list[str]:
    """Declared paths or names, for `CELL`; of parameters in the cell's own file those in the file."""
    names = []
    for entry in STAGES[stage].get(kind, []):
        if kind == "params" and isinstance(entry, dict):
            names += [name for file, inside in entry.items() if file != PINS for name in inside]
        else:
            names.append(next(iter(entry)) if isinstance(entry, dict) else entry)
    return [filled(name) for name in names]


def pins(stage: str) -> list[str]:
    """Entries of downloads.yaml that a stage depends on."""
    files = [entry for entry in STAGES[stage].get("params", []) if isinstance(entry, dict)]
    return [filled(name) for entry in files for name in entry.get(PINS, [])]


def filled(name: str) -> str:
    """A templated name as it is for `CELL`."""
    for dimension, value in {**CELL._asdict(), "release": "pascal3d"}.items():
        name = name.replace(f"${{item.{dimension}}}", str(value))
    return re.sub(r"\$\{([\w.\[\]]+)\}", lambda match: str(parameter(match[1])), name)


def code_entries(stage: str) -> set[str]:
    return {entry for entry in entries(stage, "deps") if entry.split("/")[0] in CODE}


def sources(entry: str) -> set[Path]:
    """Source files that a declared file or folder covers."""
    path = ROOT / entry
    files = path.rglob("*.py") if path.is_dir() else [path]
    return {file.relative_to(ROOT) for file in files}


def has_code(path: Path) -> bool:
    """Whether a source file holds more than a docstring."""
    body = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
    return any(not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) for node in body)


def packages() -> list[str]:
    """Packages of the library."""
    return sorted(path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "pipeline").glob("*/__init__.py"))


def stages_after(place: str) -> set[str]:
    """Stages that a change of any file in a folder runs again: those that depend on one, and what follows from them."""
    stale: set[str] = set()
    for stage in NAMES:
        inputs = [Path(entry) for entry in entries(stage, "deps")]
        made = [Path(out) for earlier in stale for out in outputs(earlier)]
        touched = any(path.is_relative_to(place) or Path(place).is_relative_to(path) for path in inputs)
        if touched or any(path.is_relative_to(out) or out.is_relative_to(path) for path in inputs for out in made):
            stale.add(stage)
    return stale


def documented_stages() -> dict[str, set[str]]:
    """The table of docs/architecture.md that says which stages a change of each package runs again, in its words."""
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    table: dict[str, set[str]] = {}
    for package, words in re.findall(r"^\| `(pipeline/\w+)/` \| (.*?) \|$", text, re.MULTILINE):
        named = set(re.findall(r"`(\w+)`", words))
        if words.startswith("all stages"):
            table[package] = set(NAMES) - named
        elif words.startswith("nothing"):
            table[package] = set()
        else:
            table[package] = named
    return table


def closure(stage: str) -> set[Path]:
    return imported_files(ROOT, Path("stages") / f"{stage}.py")


def declared(name: str, names: list[str]) -> bool:
    """Whether a parameter, or a section round it or within it, is among `names`."""
    parts = name.split(".")
    return any(".".join(parts[: i + 1]) in names for i in range(len(parts)))


def test_stages_follow_the_method():
    assert list(STAGES) == NAMES


def test_code_dependencies_are_those_that_the_command_writes():
    text = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    assert with_dependencies(ROOT, text) == text, "run `make deps`"


@pytest.mark.parametrize("stage", NAMES)
def test_imports_are_declared(stage):
    covered = set().union(*map(sources, code_entries(stage)))
    assert {path for path in closure(stage) - covered if has_code(path)} == set()


@pytest.mark.parametrize("stage", NAMES)
def test_every_dependency_on_code_is_used(stage):
    for entry in code_entries(stage):
        assert sources(entry) & closure(stage), entry


def test_packages_run_again_the_stages_that_the_documentation_names():
    found = {package: stages_after(package) for package in packages()}
    assert documented_stages() == found


def test_a_change_to_a_report_a_test_or_a_document_trains_nothing():
    assert stages_after("pipeline/reporting") == {"gallery", "overview", "report"}
    for untouched in ("tests", "docs", "README.md", "pipeline/tracking", "semagic", "benchmarks"):
        assert stages_after(untouched) == set()


@pytest.mark.parametrize("stage", NAMES)
def test_parameters_that_are_read_are_declared(stage):
    read = set().union(*(parameter_accesses(ROOT / path) for path in closure(stage) if path.name not in PLUMBING))
    read = {name for name in read if name.split(".")[0] in PARAMS.keys() - WITHOUT_EFFECT}
    names = entries(stage, "params")
    missing = sorted(name for name in read if not declared(name, names))
    assert not missing, f"add to the params of '{stage}' in dvc.yaml: {missing}"


@pytest.mark.parametrize("stage", NAMES)
def test_declared_parameters_exist(stage):
    for name in entries(stage, "params"):
        parameter(name)


@pytest.mark.parametrize("stage", NAMES)
def test_inputs_are_made_by_an_earlier_stage(stage):
    made = [Path(out) for earlier in NAMES[: NAMES.index(stage)] for out in outputs(earlier)]
    for entry in set(entries(stage, "deps")) - code_entries(stage):
        path = Path(entry)
        assert any(path.is_relative_to(out) or out.is_relative_to(path) for out in made), f"{entry}: no stage makes it"


def outputs(stage: str) -> list[str]:
    return [out for kind in ("outs", "metrics", "plots") for out in entries(stage, kind)]


def test_outputs_lie_where_the_layout_says():
    workspace = Workspace(Path(), load_params(ROOT / "params.yaml"))
    model = workspace.model(CELL)
    expected = {
        "data": [workspace.pascal3d, workspace.spair],
        "instances": [workspace.instances("car").parent],
        "masks": [workspace.masks("car")],
        "depth": [workspace.depth("car")],
        "poses": [workspace.poses("car")],
        "features": [workspace.features("dinov2", "car")],
        "pca": [workspace.pca("dinov2", "car").parent],
        "baselines": [workspace.baselines("dinov2", "car")],
        "resolve": [workspace.cell_files],
        "train": [model / name for name in ("model.safetensors", "model.json", "SHA256SUMS", "curve.csv")],
        "predict": [workspace.predictions(CELL)],
        "evaluate": [workspace.evaluation(CELL)],
        "reconstruct": [workspace.reconstruction(CELL)],
    }
    assert workspace.pairs("car").parent == workspace.instances("car").parent
    assert {stage: [Path(out) for out in outputs(stage)] for stage in expected} == expected
    assert all(Path(out).is_relative_to(workspace.reports) for out in outputs("report"))


def test_checkpoints_are_no_output():
    checkpoints = Workspace(Path(), load_params(ROOT / "params.yaml")).checkpoints(CELL)
    for out in (Path(out) for stage in NAMES for out in outputs(stage)):
        assert not (checkpoints.is_relative_to(out) or out.is_relative_to(checkpoints))


def test_a_path_to_a_real_release_never_becomes_an_output():
    """DVC empties outputs before a stage runs."""
    for stage in STAGES.values():
        for entry in stage.get("outs", []):
            assert "${data" not in str(entry)


@pytest.mark.parametrize("stage", NAMES)
def test_command_runs_the_stage_of_the_same_name_on_its_cell(stage):
    # `source` only says whether there is such a stage.
    dimensions = [name for name in STAGES[stage].get("matrix", {}) if name != "source"]
    options = "".join(f" --{name} ${{item.{name}}}" for name in dimensions)
    assert STAGES[stage]["cmd"] == f"python -m stages.{stage}{options}"
    assert (ROOT / "stages" / f"{stage}.py").is_file()


@pytest.mark.parametrize("stage", TRAINED)
def test_a_trained_cell_depends_on_no_shared_parameters_but_on_its_own_file(stage):
    expected = {"reconstruct": ["reconstruction"]}.get(stage, [])
    assert [entry for entry in STAGES[stage]["params"] if isinstance(entry, str)] == expected
    files = [name for entry in STAGES[stage]["params"] if isinstance(entry, dict) for name in entry]
    for name in files:
        for dimension, value in CELL._asdict().items():
            name = name.replace(f"${{item.{dimension}}}", str(value))
        workspace = Workspace(Path(), load_params(ROOT / "params.yaml"))
        assert Path(name) == workspace.cell_file(CELL)
        content = cell_parameters(workspace.params, CELL)
        for parameter_name in entries(stage, "params"):
            if parameter_name not in expected:
                value = content
                for part in parameter_name.split("."):
                    value = value[part]


@pytest.mark.parametrize("stage", NAMES)
def test_stage_is_described(stage):
    assert len(STAGES[stage]["desc"]) > 10


@pytest.mark.parametrize("stage", ["masks", "depth", "poses", "features", "pca", "train", "predict"])
def test_no_label_or_training_code_reads_the_annotated_viewpoint_or_model(stage):
    """They are for evaluation only; the readers and writers of the tables carry them."""
    assert Path("pipeline/photographs/records.py") in closure(stage)
    for path in closure(stage):
        if path != Path("pipeline/photographs/lists.py"):
            tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
            read = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
            assert not read & {"viewpoint", "cad_index"}, f"{path}, which '{stage}' imports"


@pytest.mark.parametrize("stage", NAMES)
def test_downloads_that_a_stage_depends_on_are_pinned(stage):
    content = parse_yaml((ROOT / PINS).read_text())
    for name in pins(stage):
        section, _, entry = name.partition(".")
        assert entry in content[section] if entry else content[section]


def test_only_report_files_are_kept_in_git():
    kept = [
        name
        for stage in (STAGES[name] for name in NAMES if name != "fetch")
        for kind in ("outs", "metrics", "plots")
        for entry in stage.get(kind, [])
        if isinstance(entry, dict)
        for name, options in entry.items()
        if (options or {}).get("cache") is False
    ]
    assert {Path(name).parts[0] for name in kept} == {"reports"}
    lines = (ROOT / ".gitignore").read_text().splitlines()
    ignored = [Path(line.strip("/*")) for line in lines if line.startswith("/")]
    for out in {out for stage in NAMES for out in outputs(stage)} - set(kept):
        assert any(Path(out).is_relative_to(path) for path in ignored), f"{out}: DVC would write a .gitignore beside it"


def test_parameters_that_are_read_are_found_by_their_names(tmp_path):
    (tmp_path / "c.py").write_text("x = params.loss.mask + self.params.training.seed")
    assert parameter_accesses(tmp_path / "c.py") == {"loss.mask", "training.seed"}


def test_shipped_parameters_are_complete():
    parse_params(PARAMS)
