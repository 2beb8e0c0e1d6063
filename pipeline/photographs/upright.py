"""Photographs of one's own, as people see them: turned as the camera's mark says, in any format that cameras write."""

import io
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from pipeline.base.errors import InputError
from pipeline.photographs.encoded import MOST_PIXELS
from pipeline.photographs.image_files import read_image

ORIENTATION = 0x0112
"""Tag of EXIF."""
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1")
"""Kinds of files of the container that HEIC shares with films."""
HEIF = (".heic", ".heif")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", *HEIF)
"""Endings of the names of photographs, in lower case."""


def read_upright(path: Path) -> UInt8[np.ndarray, "H W 3"]:
    """Read a photograph as RGB, with its EXIF orientation applied; stages read the pixels as they are stored.

    HEIC needs the package pillow-heif.

    Raises:
        InputError: the file is missing, truncated or damaged, has more than 100 megapixels, or is no photograph.
    """
    kind = _container(path)
    if kind == "HEIC":
        return _read_heif(path)
    if kind:
        raise InputError(f"{path}: expected a photograph, found {kind}. Save one picture of it as JPEG or PNG.")
    image = read_image(path)
    try:
        with Image.open(io.BytesIO(path.read_bytes())) as header:
            turn = header.getexif().get(ORIENTATION, 1)
    except Exception:
        # An image without a readable mark is taken as it is; its pixels have been checked.
        turn = 1
    return _turned(image, turn)


def _container(path: Path) -> str | None:
    """What a file is that other libraries than the pipeline's read, by its first bytes; None where it is none."""
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        start = stream.read(16)
    if start[4:8] == b"ftyp":
        return "HEIC" if start[8:12] in HEIC_BRANDS else "a video"
    if start[:4] == b"\x1aE\xdf\xa3" or (start[:4] == b"RIFF" and start[8:12] == b"AVI "):
        return "a video"
    return "a GIF, which may be a film" if start[:4] == b"GIF8" else None


def _turned(image: UInt8[np.ndarray, "H W 3"], orientation: int) -> UInt8[np.ndarray, "h w 3"]:
    """Undo what EXIF's orientation says was done: 2 to 8 are the turns and mirrorings of a square besides none."""
    if orientation in (5, 6, 7, 8):
        image = image.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)


def _read_heif(path: Path) -> UInt8[np.ndarray, "H W 3"]:
    try:
        import pillow_heif  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise InputError(
            f"{path}: expected a format that is read without further packages, found HEIC. Install the package for it "
            "(pip install pillow-heif), or convert the photograph to JPEG."
        ) from None
    try:
        # Its pixels are upright already.
        file = pillow_heif.open_heif(path, convert_hdr_to_8bit=True)
        if file.size[0] * file.size[1] > MOST_PIXELS:
            raise ValueError(f"{file.size[0]} x {file.size[1]} pixels, more than {MOST_PIXELS:,}")
        return np.asarray(file.to_pillow().convert("RGB"))
    except Exception as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise InputError(f"{path}: expected a readable HEIC image, found something else ({reason}).") from None
