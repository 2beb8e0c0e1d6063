"""Changes to the text of a YAML file that keep its comments, its quotes and the order of its keys."""

import io
from collections.abc import Callable
from typing import Any

from ruamel.yaml import YAML


def edited(text: str, change: Callable[[Any], None]) -> str:
    """`text` after `change` has modified its content in place; a change of nothing changes no byte."""
    editor = YAML()
    editor.preserve_quotes = True
    editor.width = 1000
    editor.indent(mapping=2, sequence=4, offset=2)
    content = editor.load(text)
    change(content)
    stream = io.StringIO()
    editor.dump(content, stream)
    return stream.getvalue()
