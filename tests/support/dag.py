"""The stages of dvc.yaml for given parameters: templates and matrices resolved as DVC resolves them, but in no time."""

import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple


class Stage(NamedTuple):
    """One cell of a stage."""

    name: str
    """The name that DVC gives the cell, such as 'train@ours-dinov2-car-0'."""
    command: str
    inputs: frozenset[Path]
    """Files and folders that the stage depends on, files of parameters included."""
    outputs: frozenset[Path]


def resolve_stages(definition: Mapping[str, Any], params: Mapping[str, Any]) -> list[Stage]:
    """All cells of all stages.

    Args:
        definition: the content of dvc.yaml.
        params: the content of params.yaml.
    """
    return [cell for name, stage in definition["stages"].items() for cell in _cells(name, stage, params)]


def without_source(stages: Collection[Stage], tracked: Iterable[Path]) -> dict[Path, str]:
    """Inputs that neither a stage makes nor git tracks, each with the first stage that needs it.

    A folder is there if anything in it is.

    Args:
        tracked: files in a fresh clone.
    """
    files = {*tracked, *(output for stage in stages for output in stage.outputs)}
    there = files.union(*(path.parents for path in files))
    missing: dict[Path, str] = {}
    for stage in stages:
        for path in stage.inputs:
            if path not in there and files.isdisjoint(path.parents):
                missing.setdefault(path, stage.name)
    return missing


def _cells(name: str, stage: Mapping[str, Any], params: Mapping[str, Any]) -> Iterator[Stage]:
    matrix = {dimension: _value(template, params) for dimension, template in stage.get("matrix", {}).items()}
    for values in itertools.product(*matrix.values()):
        scope = {**params, "item": dict(zip(matrix, values, strict=True))}
        listed = {
            kind: [_filled(_path(entry, kind), scope) for entry in stage.get(kind, [])]
            for kind in ("deps", "params", "outs", "metrics", "plots")
        }
        yield Stage(
            f"{name}@{'-'.join(map(str, values))}" if matrix else name,
            _filled(stage["cmd"], scope),
            frozenset(map(Path, listed["deps"] + listed["params"])),
            frozenset(map(Path, listed["outs"] + listed["metrics"] + listed["plots"])),
        )


def _path(entry: str | Mapping[str, Any], kind: str) -> str:
    """The file or folder of an entry; of the name of a parameter, the file that it is in."""
    if isinstance(entry, Mapping):
        return next(iter(entry))
    return "params.yaml" if kind == "params" else entry


def _filled(template: str, scope: Mapping[str, Any]) -> str:
    return re.sub(r"\$\{([\w.\[\]]+)\}", lambda match: str(_value(match[0], scope)), template)


def _value(template: str, scope: Mapping[str, Any]) -> Any:
    """The value that '${a.b}' stands for."""
    value: Any = scope
    for name in re.findall(r"\w+", template.removeprefix("${").removesuffix("}")):
        value = value[int(name) if name.isdigit() else name]
    return value
