"""The Depth Anything backend on a tiny random network, against the model called by hand."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.base.errors import InputError
from pipeline.config.label_params import DepthAnythingParams
from pipeline.labels.depth.depth_anything import DepthAnything, at_most, network_size
from pipeline.photographs.photo import Photo
from support.photographs import make_photo
from support.tiny_networks import write_tiny_depth_anything

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights") / "tiny-depth"
    write_tiny_depth_anything(folder)
    return folder


def backend(folder: Path, short_side: int = 70) -> DepthAnything:
    return DepthAnything(DepthAnythingParams("tiny-depth", short_side), folder, CPU)


def photo(height: int, width: int, seed: int = 0) -> Photo:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return make_photo("a")._replace(image=image)


@pytest.mark.parametrize(
    ("shape", "short_side", "expected"),
    [
        ((480, 640), 518, (518, 686)),
        ((333, 500), 518, (518, 784)),
        ((500, 333), 518, (784, 518)),
        ((518, 518), 518, (518, 518)),
        ((100, 100), 3, (14, 14)),
        ((500, 2000), 518, (518, 2072)),
        ((500, 2001), 518, (518, 2072)),
        ((500, 4000), 518, (252, 2072)),
        ((10, 1500), 518, (14, 2072)),
        ((3000, 1), 70, (280, 14)),
    ],
)
def test_shorter_side_has_the_declared_size(shape: tuple, short_side: int, expected: tuple) -> None:
    assert network_size(shape, short_side, 14) == expected


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(1, 700), st.sampled_from([14, 16]))
def test_sizes_are_the_nearest_multiples(height: int, width: int, short_side: int, patch: int) -> None:
    scale = min(short_side / min(height, width), 4 * short_side / max(height, width))
    for length, size in zip((height, width), network_size((height, width), short_side, patch), strict=True):
        assert size % patch == 0 and size >= patch
        assert size == patch or abs(size - length * scale) <= patch / 2 + 1e-6


@given(st.integers(1, 100_000), st.integers(1, 100_000), st.sampled_from([70, 518, 2048]))
def test_work_is_bounded_by_the_short_side(height: int, width: int, short_side: int) -> None:
    rows, columns = (length // 14 for length in network_size((height, width), short_side, 14))
    assert rows * columns <= 4 * (short_side / 14 + 1) ** 2
    if max(height, width) <= 4 * min(height, width):
        free = [max(1, round(length * short_side / min(height, width) / 14)) for length in (height, width)]
        assert [rows, columns] == free, "photographs are seen as if there were no bound"


@pytest.mark.parametrize("shape", [(10, 1500), (1500, 10), (1, 300)])
def test_strip_is_a_small_picture(folder: Path, shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    network, seen = backend(folder), []
    forward = network.network.forward
    monkeypatch.setattr(network.network, "forward", lambda pixels: (seen.append(pixels.shape), forward(pixels))[1])
    (found,) = network.disparities([photo(*shape)])
    assert sorted(seen[0][2:]) == [14, 280]
    assert np.isfinite(found).all() and found.size <= 14 * 280


def by_hand(folder: Path, image: np.ndarray, height: int, width: int) -> np.ndarray:
    from transformers import DepthAnythingForDepthEstimation

    pixels = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC), np.float64)
    for channel, (mean, std) in enumerate([(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)]):
        pixels[..., channel] = (pixels[..., channel] / 255 - mean) / std
    network = DepthAnythingForDepthEstimation.from_pretrained(folder, local_files_only=True).eval()
    with torch.no_grad():
        batch = torch.tensor(pixels, dtype=torch.float32).permute(2, 0, 1)[None]
        return network(pixel_values=batch).predicted_depth[0].numpy()


def test_map_is_that_of_the_model_called_by_hand(folder: Path) -> None:
    given_photo = photo(150, 211)
    (found,) = backend(folder).disparities([given_photo])
    expected = by_hand(folder, given_photo.image, 70, 98)
    assert found.shape == (70, 98) and found.dtype == np.float32
    assert expected.std() > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_map_of_a_small_photograph_has_its_size(folder: Path) -> None:
    given_photo = photo(40, 57)
    (found,) = backend(folder).disparities([given_photo])
    np.testing.assert_allclose(found, bilinear(by_hand(folder, given_photo.image, 70, 98), (40, 57)), atol=1e-4)


def bilinear(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Linear interpolation at the centres of other pixels, one by one; the border continues outwards."""
    result = np.zeros(shape)
    for i, j in np.ndindex(shape):
        y = np.clip((i + 0.5) * values.shape[0] / shape[0] - 0.5, 0, values.shape[0] - 1)
        x = np.clip((j + 0.5) * values.shape[1] / shape[1] - 0.5, 0, values.shape[1] - 1)
        y0, x0 = int(y), int(x)
        y1, x1 = min(y0 + 1, values.shape[0] - 1), min(x0 + 1, values.shape[1] - 1)
        upper = values[y0, x0] * (1 - (x - x0)) + values[y0, x1] * (x - x0)
        lower = values[y1, x0] * (1 - (x - x0)) + values[y1, x1] * (x - x0)
        result[i, j] = upper * (1 - (y - y0)) + lower * (y - y0)
    return result


def test_interpolation_keeps_a_ramp_in_place() -> None:
    ramp = np.broadcast_to((np.arange(60) + 0.5) / 60, (20, 60)).astype(np.float32)
    expected = np.broadcast_to((np.arange(25) + 0.5) / 25, (10, 25))
    np.testing.assert_allclose(at_most(ramp, (10, 25)), expected, atol=1e-6)
    assert at_most(ramp, (100, 100)) is ramp


def test_equal_shapes_share_a_pass_and_results_keep_their_order(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network, passes = backend(folder), []
    photos = [photo(90, 120), photo(120, 90, 1), photo(181, 240, 2), photo(100, 100, 3)]
    forward = network.network.forward

    def recorded(pixels: torch.Tensor):
        passes.append(tuple(pixels.shape))
        return forward(pixels)

    monkeypatch.setattr(network.network, "forward", recorded)
    found = network.disparities(photos)
    assert passes == [(2, 3, 70, 98), (1, 3, 98, 70), (1, 3, 70, 70)]
    for values, one in zip(found, photos, strict=True):
        np.testing.assert_allclose(values, network.disparities([one])[0], atol=1e-5)
    assert network.disparities([]) == []


def test_same_photographs_give_same_bytes(folder: Path) -> None:
    photos = [photo(90, 120), photo(91, 120, 1)]
    first, second = (backend(folder).disparities(photos) for _ in range(2))
    assert [values.tobytes() for values in first] == [values.tobytes() for values in second]


def test_network_for_metres_is_refused(tmp_path: Path) -> None:
    write_tiny_depth_anything(tmp_path / "metres", kind="metric")
    with pytest.raises(InputError, match="metres: expected a network for relative depth.*depth_anything.model"):
        backend(tmp_path / "metres")
