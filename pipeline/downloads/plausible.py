"""Whether a file without a recorded hash is what its name says: what is recorded first is believed ever after."""

import json
import zipfile
from pathlib import Path

from safetensors import SafetensorError, safe_open

from pipeline.base.errors import InputError


def check_weights_file(path: Path) -> None:
    """Check the form of a JSON, safetensors or PyTorch file; of others nothing is known.

    Raises:
        InputError: it has another form, as a page that asks for a login has. The file is removed.
    """
    try:
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix == ".safetensors":
            with safe_open(path, "np"):
                pass
        elif path.suffix in (".pt", ".pth") and not zipfile.is_zipfile(path):
            raise ValueError("no archive of tensors")
    except (ValueError, SafetensorError) as error:
        size = path.stat().st_size
        path.unlink()
        raise InputError(
            f"{path}: expected {path.suffix[1:]}, found {size} bytes of something else ({error}). Something on the way "
            "may have changed it (a proxy, a login page). It was removed; run this again."
        ) from error
