"""Files of the pipeline's own making, which lie beside a list of checksums."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from faults.kind import Form, Kind, accept, file_kind
from pipeline.base.checksums import CHECKSUMS, write_checksums


def own(
    name: str,
    make: Callable[[Path], None],
    path: str,
    reader: Callable[[Path], Any],
    form: Form = "bytes",
    check: Callable[[Any], None] = accept,
) -> tuple[Kind, Kind]:
    """Two kinds: a damaged file beside the checksums of the whole one, and a stranger's, whose checksums fit.

    Args:
        reader: function of the path of the file.
    """
    kind = file_kind(name, make, path, reader, form, check)

    def sign(root: Path) -> None:
        write_checksums((root / path).parent)

    return (
        replace(kind, exact=True, names=(CHECKSUMS,)),
        replace(kind, name=f"{name}, a stranger's", prepare=sign),
    )
