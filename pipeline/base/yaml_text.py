"""Edits of the text of a YAML file that preserve its comments, quotes and key order."""

import io
from collections.abc import Callable
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.representer import RoundTripRepresenter


def edited(text: str, change: Callable[[Any], None]) -> str:
    """Apply `change`, which modifies the parsed content in place, to YAML text. Unchanged content keeps every byte."""
    editor = YAML()
    editor.Representer = _Representer
    editor.preserve_quotes = True
    editor.width = 1000
    editor.indent(mapping=2, sequence=4, offset=2)
    content = editor.load(text)
    change(content)
    stream = io.StringIO()
    editor.dump(content, stream)
    return stream.getvalue()


class _Representer(RoundTripRepresenter):
    """Representer that writes None as `null`, not as an empty value."""


_Representer.add_representer(type(None), lambda writer, _: writer.represent_scalar("tag:yaml.org,2002:null", "null"))
