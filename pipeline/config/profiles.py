"""Named sets of parameters: `semagic profile NAME` merges profiles/NAME.yaml into params.yaml."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.base.errors import InputError, nearest
from pipeline.base.files import write_text
from pipeline.base.text_files import read_text
from pipeline.base.yaml_edits import edited
from pipeline.base.yaml_text import DEEPEST, parse_yaml, read_yaml
from pipeline.config.params import Params, parse_params
from pipeline.config.parsing import merged

OTHER_INPUT = "Mend the file, or name another with --input."


def merge_text(text: str, overrides: Mapping[str, Any], source: str) -> str:
    """Replace values in the text of a parameter file; comments and the order of the keys stay.

    Args:
        overrides: nested mappings with the keys of `text`; lists and values replace what stands there.
        source: names the overrides in errors.

    Raises:
        InputError: a key that `text` lacks, or a result that is no valid set of parameters.
    """
    text = edited(text, lambda content: _merge(content, overrides, source, ""), source)
    parse_params(parse_yaml(text, source), source)
    return text


def read_profile(folder: Path, name: str) -> dict[str, Any]:
    """The overrides of one profile.

    Raises:
        InputError: there is no such profile, or it is no YAML.
    """
    path = folder / f"{name}.yaml"
    if not path.is_file():
        raise InputError(
            f"Unknown profile '{name}' in {folder}. {nearest(name, (p.stem for p in folder.glob('*.yaml')))}"
        )
    return read_yaml(path, f"Mend the file, or restore it: git checkout {path.as_posix()}.")


def parse_assignment(text: str) -> dict[str, Any]:
    """'a.b=1' as {'a': {'b': 1}}; the value is YAML.

    Raises:
        InputError: there is no '=', a part of the key is empty, or the value is no YAML.
    """
    name, equals, value = text.partition("=")
    parts = name.strip().split(".")
    if not (equals and all(parts) and len(parts) <= DEEPEST):
        raise InputError(f"--set {text}: expected KEY=VALUE, for instance training.steps=100.")
    nested = parse_yaml(value, f"--set {text}")
    for part in reversed(parts):
        nested = {part: nested}
    return nested


def apply_profile(name: str, source: Path, target: Path, assignments: Sequence[str] = ()) -> Params:
    """Merge a profile of the folder profiles/, and then `assignments`, into a parameter file.

    Args:
        name: of a file in profiles/, without .yaml.
        source: the parameter file to start from.
        target: where the result is written; may be `source`.
        assignments: more overrides, each as 'KEY=VALUE'. Only the whole has to be valid.

    Returns:
        The parameters in `target`.

    Raises:
        InputError: `source` cannot be read, `target` cannot be written, or a name, a key or a value is not valid.
    """
    overrides = read_profile(Path("profiles"), name)
    for assignment in assignments:
        overrides = merged(overrides, parse_assignment(assignment))
    if not source.is_file():
        raise InputError(f"{source}: expected a parameter file to start from, found none. {OTHER_INPUT}")
    # Before the merge, whose errors are about the profile.
    read_yaml(source, OTHER_INPUT)
    origin = " ".join([f"profiles/{name}.yaml", *(f"--set {assignment}" for assignment in assignments)])
    text = merge_text(read_text(source, OTHER_INPUT), overrides, origin)
    try:
        write_text(target, text)
    except OSError as error:
        raise InputError(f"{target}: cannot be written ({error.strerror}). Name another with --output.") from error
    return parse_params(parse_yaml(text, str(target)), str(target))


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
