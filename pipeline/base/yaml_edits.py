"""Edits of the text of a YAML file that preserve its comments, quotes and key order."""

import io
from collections.abc import Callable
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.representer import RoundTripRepresenter

from pipeline.base.errors import InputError
from pipeline.base.yaml_text import parse_yaml


def edited(text: str, change: Callable[[Any], None], source: str) -> str:
    """Apply `change`, which modifies the parsed content in place, to YAML text. Unchanged content keeps every byte.

    Args:
        source: names the text in errors.

    Raises:
        InputError: the text is not what `parse_yaml` accepts.
    """
    parse_yaml(text, source)
    editor = YAML()
    editor.Representer = _Representer
    editor.preserve_quotes = True
    editor.width = 1000
    editor.indent(mapping=2, sequence=4, offset=2)
    try:
        content = editor.load(text)
    except YAMLError as error:
        raise InputError(f"{source}: expected YAML that can be edited, found {error}. Simplify that line.") from None
    change(content)
    stream = io.StringIO()
    editor.dump(content, stream)
    return stream.getvalue()


class _Representer(RoundTripRepresenter):
    """Representer that writes None as `null`, not as an empty value."""


_Representer.add_representer(type(None), lambda writer, _: writer.represent_scalar("tag:yaml.org,2002:null", "null"))
