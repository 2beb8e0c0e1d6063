"""The embedded benchmark's truth, in a file beside each photograph: what the simulated label backends distort."""

import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float16, Float32

from pipeline.base.errors import InputError
from pipeline.base.files import write_atomically


class Truth(NamedTuple):
    """Exact answers for one photograph."""

    mask: Bool[np.ndarray, "H W"]
    """Visible pixels of the object."""
    depth: Float32[np.ndarray, "H W"]
    """Camera depth in CAD units, positive everywhere; the background is farther than the object."""
    pose: Float[np.ndarray, "4"]
    """Azimuth, elevation, theta in degrees (PASCAL3D+), distance in CAD units."""
    surface: Float16[np.ndarray, "H W 3"]
    """Semantic surface coordinate (CAD frame of the category's mean shape) on the mask, zero elsewhere."""
    fold: int
    """Rotational symmetry of the category about the vertical: 1 none, 2 or 4 equal fronts, 0 any."""


def truth_path(photograph: Path) -> Path:
    """The sidecar of a photograph."""
    return photograph.with_suffix(".truth.npz")


def write_truth(path: Path, truth: Truth) -> None:
    """Write the sidecar as a compressed archive; equal content gives equal bytes."""
    write_atomically(path, lambda stream: np.savez_compressed(stream, **truth._asdict()))


def read_truth(path: Path) -> Truth:
    """Read one sidecar.

    Raises:
        InputError: there is none, as the image is not one of the embedded benchmark's, or it is damaged.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: no truth beside this photograph. The backends named 'simulated' only work on the embedded "
            "benchmark; for photographs choose another backend in params.yaml, or run the stage `data` again."
        )
    try:
        # The archive has a checksum of each array, which reading compares.
        with np.load(path, allow_pickle=False) as archive:
            content = {name: archive[name] for name in Truth._fields}
        return Truth(**{**content, "fold": int(content["fold"])})
    except (
        ValueError,
        KeyError,
        TypeError,
        EOFError,
        OSError,
        NotImplementedError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise InputError(
            f"{path}: expected the truth of a generated photograph, found a damaged file ({error}). Run the stage "
            "`data` again."
        ) from None
