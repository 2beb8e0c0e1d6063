"""Changes to the text of a YAML file that keep its comments, its quotes and the order of its keys."""

import io
from collections.abc import Callable
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.representer import RoundTripRepresenter


def edited(text: str, change: Callable[[Any], None]) -> str:
    """`text` after `change` has modified its content in place; a change of nothing changes no byte."""
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
    """Writes None as it stands in the files, instead of as nothing."""


_Representer.add_representer(type(None), lambda writer, _: writer.represent_scalar("tag:yaml.org,2002:null", "null"))
