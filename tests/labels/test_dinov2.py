"""The DINOv2 backend on tiny random networks: what it is shown, and which token is whose."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from pipeline.base.errors import InputError
from pipeline.config.label_params import DinoV2Params
from pipeline.labels.features.dinov2 import DinoV2Features, crop_pixels
from pipeline.photographs.crops import Crop
from pipeline.photographs.photo import Photo
from pipeline.pretrained import pixels
from support.photographs import make_photo
from support.tiny_networks import write_tiny_dinov2

CPU = torch.device("cpu")
GRID = 5
SIZE = 14 * GRID


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "registers"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights") / "tiny-dinov2"
    write_tiny_dinov2(folder, registers=request.param)
    return folder


@pytest.fixture
def backend(folder: Path) -> DinoV2Features:
    return DinoV2Features(DinoV2Params("tiny-dinov2"), GRID, folder, CPU)


def photo(height: int = 90, width: int = 120, seed: int = 0) -> Photo:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return make_photo("a")._replace(image=image)


def kernel(x: np.ndarray) -> np.ndarray:
    """Keys' cubic with a = -1/2."""
    x = abs(x)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def crop_reference(image: np.ndarray, crop: Crop, size: int) -> np.ndarray:
    """Each output pixel is a weighted mean over the whole plane, which is black beyond the photograph."""
    scale = crop.side / size
    pad = 200
    plane = np.pad(image.astype(float), ((pad, pad), (pad, pad), (0, 0)))

    def weights(start: float, length: int) -> np.ndarray:
        centres = start + (np.arange(size) + 0.5) * scale
        places = np.arange(length) - pad + 0.5
        values = kernel((places[None] - centres[:, None]) / max(scale, 1.0))
        return values / values.sum(1, keepdims=True)

    rows, columns = weights(crop.y0, plane.shape[0]), weights(crop.x0, plane.shape[1])
    return np.clip(np.einsum("iy,yxc,jx->ijc", rows, plane, columns, optimize=True), 0, 255)


@pytest.mark.parametrize(
    ("crop", "size"),
    [
        (Crop(10.0, 5.0, 70.0), 70),
        (Crop(20.3, 11.7, 41.5), 70),
        (Crop(20.3, 11.7, 60.0), 14),
        (Crop(12.5, -10.25, 104.0), 70),
        (Crop(-60.75, -40.5, 210.0), 70),
        (Crop(90.0, 60.0, 55.3), 70),
    ],
)
def test_crop_equals_slow_bicubic_reference(crop: Crop, size: int) -> None:
    image = photo().image // 2 + 60
    # What lies beside the crop reaches into it as far as the kernel does.
    image[:14] = image[:, :20] = 20
    found = crop_pixels(image, crop, size).astype(float)
    expected = crop_reference(image, crop, size)
    # Pillow rounds between its passes along the two axes.
    assert abs(found - expected).max() <= 2
    assert abs((found - expected).mean()) < 0.1


@pytest.mark.parametrize("crop", [Crop(3.5, 7.25, 100.0), Crop(-40.0, -30.0, 260.0)])
def test_large_crop_is_shrunk_first(crop: Crop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nearly the same pixels as in one step, from a window of a bounded size."""
    image = cv2.GaussianBlur(photo(180, 180).image, (0, 0), 6)
    whole = crop_pixels(image, crop, 14).astype(float)
    windows, open_image = [], Image.fromarray
    monkeypatch.setattr(pixels, "LARGEST_SQUARE", 64)
    monkeypatch.setattr(Image, "fromarray", lambda array: (windows.append(array.shape), open_image(array))[1])
    shrunk = crop_pixels(image, crop, 14).astype(float)
    assert max(windows[-1]) <= 64 + 2 * (2 * 64 / 14 + 2)
    assert abs(shrunk - whole).max() <= 6 and abs((shrunk - whole).mean()) < 0.5


def test_network_with_other_tokens_is_refused(backend: DinoV2Features, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend.network.config, "num_register_tokens", 7, raising=False)
    with pytest.raises(InputError, match=r"tiny-dinov2: expected 8 \+ 25 tokens of the network, found"):
        backend.token_maps([photo()], [Crop(0.0, 0.0, 50.0)], flip=False)


def test_beyond_the_photograph_all_is_black() -> None:
    white = np.full((40, 40, 3), 255, np.uint8)
    assert not crop_pixels(white, Crop(60.0, 60.0, 30.0), SIZE).any()
    assert not crop_pixels(white, Crop(-90.0, 0.0, 30.0), SIZE).any()
    half = crop_pixels(white, Crop(20.0, 0.0, 40.0), 80)
    assert (half[8:-8, :36] == 255).all() and not half[:, 44:].any()


def by_hand(folder: Path, pixels: np.ndarray, others: int) -> np.ndarray:
    from transformers import AutoModel

    network = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    batch = ((torch.tensor(pixels) / 255 - mean) / std).permute(2, 0, 1)[None]
    with torch.no_grad():
        states = network(pixel_values=batch).last_hidden_state[0]
    assert len(states) == others + GRID**2
    return states[others:].numpy().reshape(GRID, GRID, -1)


def test_tokens_are_those_of_the_model_called_by_hand(folder: Path, backend: DinoV2Features) -> None:
    others = 5 if "registers" in (folder / "config.json").read_text() else 1
    given_photo = photo()
    (tokens,) = backend.token_maps([given_photo], [Crop(20.0, 10.0, 60.0)], flip=False)
    assert tokens.shape == (GRID, GRID, 32) and tokens.dtype == np.float32
    part = Image.fromarray(given_photo.image)
    pixels = np.array(part.resize((SIZE, SIZE), Image.Resampling.BICUBIC, box=(20, 10, 80, 70)))
    np.testing.assert_allclose(tokens, by_hand(folder, pixels, others), atol=1e-4)
    assert tokens.std() > 0.5


@pytest.mark.parametrize(("row", "column"), [(0, 0), (1, 3), (4, 2)])
@pytest.mark.parametrize("flip", [False, True])
def test_token_changes_most_where_the_photograph_does(
    backend: DinoV2Features, row: int, column: int, flip: bool
) -> None:
    """Token [i, j] belongs to crop coordinates ((j + 0.5) / T, (i + 0.5) / T), of the mirrored crop if flipped."""
    before, crop = photo(150, 200), Crop(30.0, 20.0, 2.0 * SIZE - 40)
    patch = crop.side / GRID
    image = before.image.copy()
    x, y = crop.x0 + column * patch, crop.y0 + row * patch
    image[round(y) : round(y + patch), round(x) : round(x + patch)] = 255
    maps = [backend.token_maps([p], [crop], flip)[0] for p in (before, before._replace(image=image))]
    change = abs(maps[1] - maps[0]).sum(-1)
    expected = (row, GRID - 1 - column if flip else column)
    assert np.unravel_index(change.argmax(), change.shape) == expected


def test_flip_shows_mirrored_pixels(backend: DinoV2Features) -> None:
    given_photo, crop = photo(), Crop(7.0, 11.0, float(SIZE))
    mirrored = given_photo._replace(image=np.ascontiguousarray(given_photo.image[:, ::-1]))
    mirrored_crop = Crop(120 - 7.0 - SIZE, 11.0, float(SIZE))
    (flipped,) = backend.token_maps([given_photo], [crop], flip=True)
    (expected,) = backend.token_maps([mirrored], [mirrored_crop], flip=False)
    np.testing.assert_allclose(flipped, expected, atol=1e-5)
    (tokens,) = backend.token_maps([given_photo], [crop], flip=False)
    assert abs(flipped - tokens[:, ::-1]).max() > 0.1, "mirrored tokens are not tokens of the mirrored crop"


def test_batch_is_one_pass_and_equals_single_photographs(
    backend: DinoV2Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = [photo(90, 120), photo(200, 60, 1), photo(50, 50, 2)]
    crops = [Crop(10.0, 10.0, 70.0), Crop(-20.0, 50.5, 100.0), Crop(30.0, -5.0, 33.3)]
    singles = [backend.token_maps([p], [c], flip=False)[0] for p, c in zip(photos, crops, strict=True)]
    passes, forward = [], backend.network.forward

    def recorded(pixels: torch.Tensor):
        passes.append(tuple(pixels.shape))
        return forward(pixels)

    monkeypatch.setattr(backend.network, "forward", recorded)
    maps = backend.token_maps(photos, crops, flip=False)
    assert passes == [(3, 3, SIZE, SIZE)]
    np.testing.assert_allclose(maps, singles, atol=1e-5)
    assert backend.token_maps([], [], flip=True) == [] and len(passes) == 1


def test_same_photographs_give_same_bytes(folder: Path) -> None:
    arguments = [photo(), photo(80, 80, 1)], [Crop(0.0, 0.0, 90.0), Crop(5.5, 5.5, 40.0)], True
    first, second = (
        DinoV2Features(DinoV2Params("tiny-dinov2"), GRID, folder, CPU).token_maps(*arguments) for _ in range(2)
    )
    assert [tokens.tobytes() for tokens in first] == [tokens.tobytes() for tokens in second]


def test_size_of_patches_is_the_networks(tmp_path: Path) -> None:
    write_tiny_dinov2(tmp_path / "wide", patch=16)
    backend = DinoV2Features(DinoV2Params("wide"), GRID, tmp_path / "wide", CPU)
    (tokens,) = backend.token_maps([photo()], [Crop(10.0, 10.0, 50.0)], flip=False)
    assert tokens.shape == (GRID, GRID, 32)
