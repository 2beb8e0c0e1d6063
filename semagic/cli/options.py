"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Root = Annotated[Path, typer.Option("--root", help="Folder with params.yaml.")]
