"""Named sets of parameters: `python -m pipeline.config.profiles NAME` merges profiles/NAME.yaml into params.yaml."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from pipeline.base.errors import InputError, nearest
from pipeline.base.files import write_text
from pipeline.base.yaml_text import edited
from pipeline.config.params import load_params, parse_params
from pipeline.config.parsing import merged
from pipeline.fanout.machine import cores
from pipeline.fanout.projection import in_words, projected_seconds, stage_counts


def merge_text(text: str, overrides: Mapping[str, Any], source: str) -> str:
    """Replace values in the text of a parameter file; comments and the order of the keys stay.

    Args:
        overrides: nested mappings with the keys of `text`; lists and values replace what stands there.
        source: names the overrides in errors.

    Raises:
        InputError: a key that `text` lacks, or a result that is no valid set of parameters.
    """
    text = edited(text, lambda content: _merge(content, overrides, source, ""))
    parse_params(yaml.safe_load(text), source)
    return text


def read_profile(folder: Path, name: str) -> dict[str, Any]:
    """The overrides of one profile.

    Raises:
        InputError: there is no such profile.
    """
    path = folder / f"{name}.yaml"
    if not path.is_file():
        raise InputError(
            f"Unknown profile '{name}' in {folder}. {nearest(name, (p.stem for p in folder.glob('*.yaml')))}"
        )
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def parse_assignment(text: str) -> dict[str, Any]:
    """'a.b=1' as {'a': {'b': 1}}; the value is YAML.

    Raises:
        InputError: there is no '='.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"--set {text}: expected KEY=VALUE, for instance training.steps=100.")
    nested = yaml.safe_load(value)
    for part in reversed(name.split(".")):
        nested = {part: nested}
    return nested


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.config.profiles", description=__doc__)
    parser.add_argument("name", help="file in profiles/, without .yaml")
    parser.add_argument("--input", type=Path, default=Path("params.yaml"), help="parameters to start from")
    parser.add_argument("--output", type=Path, help="where to write them (default: where they came from)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="one more override")
    options = parser.parse_args(arguments)
    output = options.output or options.input
    try:
        text = options.input.read_text(encoding="utf-8")
        overrides = read_profile(Path("profiles"), options.name)
        for assignment in options.set:
            overrides = merged(overrides, parse_assignment(assignment))
        # At once: only the whole has to be valid.
        source = " ".join([f"profiles/{options.name}.yaml", *(f"--set {assignment}" for assignment in options.set)])
        text = merge_text(text, overrides, source)
        write_text(output, text)
    except (InputError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    params = load_params(output)
    counts, jobs = stage_counts(params), cores()
    print(f"{output}: parameters of the profile '{options.name}': {counts['train']} trainings.")
    print(f"Projected time from nothing on {jobs} cores: {in_words(projected_seconds(counts, params, jobs))}.")
    return 0


def _merge(content: Any, overrides: Mapping[str, Any], source: str, prefix: str) -> None:
    for name, value in overrides.items():
        if name not in content:
            raise InputError(f"{source}: unknown parameter '{prefix}{name}'. {nearest(str(name), content)}")
        if isinstance(value, Mapping) and isinstance(content[name], Mapping):
            _merge(content[name], value, source, f"{prefix}{name}.")
        elif isinstance(value, list) and isinstance(content[name], list) and value:
            # In place: the comment before the next key hangs on the last item of the old list.
            _replace_items(content[name], value)
        else:
            content[name] = value


def _replace_items(items: Any, values: Sequence[Any]) -> None:
    trailing = items.ca.items.pop(len(items) - 1, None)
    items[:] = list(values)
    if trailing is not None:
        items.ca.items[len(items) - 1] = trailing


if __name__ == "__main__":
    sys.exit(main())
