"""Files of the pipeline's own making, which lie beside a list of checksums."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from faults.kind import Form, Kind, accept
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

    def read(root: Path) -> Any:
        return reader(root / path)

    def sign(root: Path) -> None:
        write_checksums((root / path).parent)

    return (
        Kind(name, make, path, read, form, check, exact=True, names=(CHECKSUMS,)),
        Kind(f"{name}, a stranger's", make, path, read, form, check, prepare=sign),
    )
