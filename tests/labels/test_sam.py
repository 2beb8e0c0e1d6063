"""The Segment Anything backend on a tiny random network, against the processor of transformers."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pipeline.base.checksums import write_checksums
from pipeline.labels.masks import MaskLabel, choice, write_mask_label
from pipeline.labels.masks.cleaning import clean
from pipeline.labels.masks.label import count_single
from pipeline.labels.masks.sam import SamMasks, network_input, network_scale, network_size, photo_logits
from pipeline.photographs.photo import Photo
from pipeline.photographs.records import Box
from support.photographs import make_instance, make_photo
from support.tiny import tiny_params
from support.tiny_networks import write_tiny_sam

CPU = torch.device("cpu")
SHAPES = [(90, 120), (120, 90), (64, 64), (333, 500), (31, 200), (7, 5), (100, 99)]
STRIPS = [(1, 200), (3000, 1), (10, 1500)]
"""Shapes of which the processor makes a picture without rows, or nearly."""
PARAMS = tiny_params(masks__choice__box_overlap=0.0, masks__choice__box_share=0.0).masks
"""Every mask with a pixel fits: a random network draws no objects."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights") / "tiny-sam"
    write_tiny_sam(folder)
    return folder


@pytest.fixture
def backend(folder: Path) -> SamMasks:
    return SamMasks(PARAMS, folder, CPU)


def processor(side: int):
    from transformers import SamImageProcessorPil

    sizes = {"size": {"longest_edge": side}, "pad_size": {"height": side, "width": side}}
    return SamImageProcessorPil(**sizes)


def noise_photo(height: int, width: int, box: Box, seed: int = 0) -> Photo:
    """Random blocks of 8 pixels."""
    blocks = np.random.default_rng(seed).integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    image = np.kron(blocks, np.ones((8, 8, 1), np.uint8))[:height, :width]
    return make_photo("a")._replace(image=image, instance=make_instance("a", box=box))


PHOTOS = [
    noise_photo(90, 120, Box(20.0, 15.0, 100.0, 75.0)),
    noise_photo(150, 70, Box(0.0, 30.5, 70.0, 150.0), seed=1),
    noise_photo(64, 64, Box(-0.5, -0.5, 30.25, 80.0), seed=2),
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("side", [64, 1024])
def test_network_sees_what_the_processor_makes(shape: tuple[int, int], side: int) -> None:
    image = noise_photo(*shape, Box(0.0, 0.0, 5.0, 5.0)).image
    expected = processor(side)(image, return_tensors="np")
    np.testing.assert_allclose(network_input(image, side), expected["pixel_values"][0], atol=1e-5)
    assert network_size(shape, side) == tuple(expected["reshaped_input_sizes"][0])


@pytest.mark.parametrize("shape", SHAPES)
def test_box_is_scaled_as_the_processor_does(shape: tuple[int, int]) -> None:
    from transformers import SamProcessor

    box = [0.5, 1.25, shape[1] - 0.25, shape[0] - 1.0]
    image = np.zeros((*shape, 3), np.uint8)
    expected = SamProcessor(processor(64))(images=image, input_boxes=[[box]], return_tensors="pt")["input_boxes"]
    np.testing.assert_allclose(np.multiply(box, network_scale(shape, 64)), expected[0, 0], rtol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_logits_reach_the_photograph_as_the_processor_takes_them(shape: tuple[int, int]) -> None:
    logits = torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(0))
    arguments = ([logits[None]], [shape], [network_size(shape, 64)])
    expected = processor(64).post_process_masks(*arguments, binarize=False)[0][0]
    found = photo_logits(logits, 64, shape)
    assert found.shape == (3, *shape)
    torch.testing.assert_close(found, expected)
    assert 0.2 < (found > 0).float().mean() < 0.8


@pytest.mark.parametrize("shape", STRIPS)
def test_strip_is_seen_in_the_square_of_every_photograph(backend: SamMasks, shape: tuple[int, int]) -> None:
    strip = noise_photo(*shape, Box(0.0, 0.0, float(shape[1]), float(shape[0])))
    assert network_input(strip.image, 64).shape == (3, 64, 64)
    assert min(network_size(shape, 64)) >= 1
    (label,) = backend.masks([strip])
    assert label.pixels.shape == shape


def by_hand(folder: Path, photo: Photo, box: Box, ambiguous: bool) -> tuple[np.ndarray, np.ndarray]:
    """Masks and scores through the processor and the model of transformers."""
    from transformers import SamModel, SamProcessor

    images = SamProcessor(processor(64))
    inputs = images(images=photo.image, input_boxes=[[list(box)]], return_tensors="pt")
    network = SamModel.from_pretrained(folder, local_files_only=True).eval()
    with torch.no_grad():
        output = network(
            pixel_values=inputs["pixel_values"],
            input_boxes=inputs["input_boxes"].float(),
            multimask_output=ambiguous,
        )
    sizes = inputs["original_sizes"], inputs["reshaped_input_sizes"]
    masks = images.image_processor.post_process_masks(output.pred_masks, *sizes)[0][0]
    return masks.numpy(), output.iou_scores[0, 0].numpy()


@pytest.mark.parametrize("ambiguous", [True, False])
def test_masks_are_those_of_the_model_called_by_hand(
    folder: Path, backend: SamMasks, ambiguous: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not ambiguous:
        monkeypatch.setattr(choice, "choose", lambda masks, *others: None if len(masks) == 3 else 0)
    for photo in PHOTOS[:2]:
        (label,) = backend.masks([photo])
        assert (label.candidate >= 0) == ambiguous
        masks, scores = by_hand(folder, photo, photo.instance.box, ambiguous)
        index = max(label.candidate, 0)
        expected = clean(masks[index], photo.instance.box, PARAMS.cleaning)
        assert expected.any()
        np.testing.assert_array_equal(label.pixels, expected)
        assert label.score == pytest.approx(scores[index], abs=1e-6)


def test_batch_of_mixed_sizes_equals_single_photographs(backend: SamMasks) -> None:
    labels = backend.masks(PHOTOS)
    assert len({label.score for label in labels}) == 3
    for label, photo in zip(labels, PHOTOS, strict=True):
        (single,) = backend.masks([photo])
        assert label.pixels.shape == photo.image.shape[:2] and label.pixels.dtype == bool
        assert isinstance(label.score, float) and label.score == pytest.approx(single.score, abs=1e-5)
        assert label.candidate == single.candidate
        assert (label.pixels != single.pixels).mean() < 1e-3


def test_same_photographs_give_same_bytes(folder: Path) -> None:
    first, second = (SamMasks(PARAMS, folder, CPU).masks(PHOTOS) for _ in range(2))
    assert [(m.pixels.tobytes(), m.score) for m in first] == [(m.pixels.tobytes(), m.score) for m in second]


def test_no_photographs_no_masks(backend: SamMasks) -> None:
    assert backend.masks([]) == []


def test_box_beyond_the_photograph_is_clipped(backend: SamMasks) -> None:
    clipped = noise_photo(64, 64, Box(0.0, 0.0, 30.25, 64.0), seed=2)
    (label,), (expected,) = backend.masks([PHOTOS[2]]), backend.masks([clipped])
    assert label.score == expected.score
    np.testing.assert_array_equal(label.pixels, expected.pixels)
    # 5 % of 30.25 pixels are the margin.
    assert not label.pixels[:, 32:].any()


class Drawn:
    """In place of the network: given logits, and a record of what it was asked."""

    def __init__(self, three: list[torch.Tensor], single: torch.Tensor) -> None:
        self.three, self.single = three, single
        self.asked: list[tuple[int, bool]] = []

    def get_image_embeddings(self, pixels: torch.Tensor) -> torch.Tensor:
        self.encoded = pixels.shape[0]
        return torch.arange(pixels.shape[0], dtype=torch.float32)

    def __call__(self, image_embeddings: torch.Tensor, input_boxes: torch.Tensor, multimask_output: bool):
        assert input_boxes.dtype == torch.float32
        self.asked.append((len(image_embeddings), multimask_output))
        if multimask_output:
            masks = torch.stack([self.three[int(i)] for i in image_embeddings])[:, None]
            return SimpleNamespace(pred_masks=masks, iou_scores=torch.tensor([[[0.9, 0.8, 0.7]]] * len(masks)))
        masks = torch.stack([self.single * (i + 1) for i in image_embeddings])[:, None]
        return SimpleNamespace(pred_masks=masks, iou_scores=image_embeddings[:, None, None] / 8 + 0.25)


def logits(x0: int, y0: int, x1: int, y1: int) -> torch.Tensor:
    """A rectangle on the quarter-size grid, for photographs of the network's own size."""
    drawn = torch.full((1, 16, 16), -1.0)
    drawn[:, y0:y1, x0:x1] = 1.0
    return drawn


DRAWN_BOX = Box(16.0, 16.0, 48.0, 56.0)
WHOLE, WHEEL, SURROUNDINGS = logits(4, 4, 12, 14), logits(4, 10, 7, 13), logits(0, 0, 16, 16)


def test_best_fitting_proposal_of_each_photograph_is_taken(backend: SamMasks) -> None:
    photos = [noise_photo(64, 64, DRAWN_BOX, seed) for seed in range(3)]
    network = Drawn(
        [torch.cat(masks) for masks in ((WHEEL, WHOLE, WHOLE), (WHOLE, WHEEL, WHEEL), (WHEEL, SURROUNDINGS, WHEEL))],
        WHOLE,
    )
    backend.network, backend.params = network, tiny_params().masks
    labels = backend.masks(photos)
    assert [(label.candidate, label.score) for label in labels] == [
        (1, pytest.approx(0.8)),
        (0, pytest.approx(0.9)),
        (-1, pytest.approx(0.5)),
    ]
    assert network.encoded == 3
    assert network.asked == [(3, True), (1, False)]
    expected = np.zeros((64, 64), bool)
    expected[16:56, 16:48] = True
    for label in labels:
        # Only the corners of the interpolated contour differ.
        assert (label.pixels != expected).sum() <= 8


@pytest.mark.parametrize("single", [WHEEL, SURROUNDINGS, logits(5, 5, 6, 6), -torch.ones(1, 16, 16)])
def test_single_mask_is_chosen_as_the_three_are(backend: SamMasks, single: torch.Tensor) -> None:
    backend.network = Drawn([torch.cat([WHEEL, SURROUNDINGS, WHEEL])], single)
    backend.params = tiny_params().masks
    (label,) = backend.masks([noise_photo(64, 64, DRAWN_BOX)])
    assert not label.pixels.any() and label.pixels.shape == (64, 64)
    assert label.reason == (
        "none of the network's 4 masks fits the object's box (masks.choice: box_overlap 0.7, box_share 0.2)"
    )
    assert label.score is None and label.candidate is None


def test_single_masks_are_counted(tmp_path: Path) -> None:
    pixels, instance = np.ones((64, 64), bool), make_instance("a", box=Box(0.0, 0.0, 64.0, 64.0))
    instance = dataclasses.replace(instance, width=64, height=64)
    for name, candidate in [("a", -1), ("b", 2), ("c", -1), ("d", 0)]:
        write_mask_label(tmp_path / f"{name}.png", MaskLabel(pixels, 0.5, candidate), instance)
    write_mask_label(tmp_path / "e.png", MaskLabel(pixels), instance)
    write_checksums(tmp_path)
    assert count_single(tmp_path) == 2
