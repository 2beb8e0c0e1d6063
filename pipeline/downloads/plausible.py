"""Format check of a downloaded file that has no recorded hash yet.

Without this check, a login page in place of the file would be recorded as the expected content.
"""

import json
import zipfile
from pathlib import Path

from safetensors import SafetensorError, safe_open

from pipeline.base.errors import InputError


def check_weights_file(path: Path) -> None:
    """Check the format of a JSON, safetensors or PyTorch file. Files with other suffixes pass unchecked.

    Raises:
        InputError: the content does not have the format that the suffix announces. The file is removed.
    """
    try:
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix == ".safetensors":
            with safe_open(path, "np"):
                pass
        elif path.suffix in (".pt", ".pth") and not zipfile.is_zipfile(path):
            raise ValueError("no archive of tensors")
    # Each bracket of JSON that is nested too deeply is a call.
    except (ValueError, RecursionError, SafetensorError) as error:
        size = path.stat().st_size
        path.unlink()
        raise InputError(
            f"{path}: expected {path.suffix[1:]}, found {size} bytes of something else ({error}). Something on the way "
            "may have changed it (a proxy, a login page). It was removed; run this again."
        ) from error
