"""Sheets of one model and figures of several, from random pictures and from a small model."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.checksums import write_checksums
from pipeline.base.errors import InputError
from pipeline.config.workspace import Workspace
from pipeline.labels.features import Tokens, write_tokens
from pipeline.model.deformable import InputSizes, build_model
from pipeline.photographs.crops import sample_crop, square_crop
from pipeline.photographs.image_files import read_image, write_image
from pipeline.photographs.records import Box, Instance
from pipeline.pictures.sheets import GAP, SIZE, Sheet, compose_sheet, split_sheet
from pipeline.prediction.draw_sheet import draw_sheet, identity_colours, with_outline
from pipeline.prediction.predict import predict_category
from pipeline.prediction.predictor import make_predictor
from pipeline.reporting.vertex_colours import SPACE, vertex_colour_figure
from support.tiny import tiny_params

STEP = SIZE + GAP
"""Pixels from one picture to the next."""


def random_sheet(seed: int, count: int = 2, photographs: np.ndarray | None = None) -> Sheet:
    rng = np.random.default_rng(seed)
    pictures = rng.integers(0, 256, (4, count, SIZE, SIZE, 3), dtype=np.uint8)
    template = rng.integers(0, 256, (4, SIZE, SIZE, 3), dtype=np.uint8)
    return Sheet(template, pictures[0] if photographs is None else photographs, *pictures[1:])


@given(st.integers(0, 4), st.integers(0, 2**32 - 1))
def test_a_sheet_can_be_taken_apart(count, seed):
    sheet = random_sheet(seed, count)
    for picture, again in zip(sheet, split_sheet(compose_sheet(sheet)), strict=True):
        assert np.array_equal(picture, again)


def test_pictures_of_a_photograph_are_in_one_row():
    sheet = random_sheet(0, count=3)
    image = compose_sheet(sheet)
    assert image.shape[1] == 4 * STEP
    for column, pictures in enumerate(sheet[1:]):
        for row, picture in enumerate(pictures):
            top = image.shape[0] - (3 - row) * STEP
            shown = image[top : top + SIZE, column * STEP : column * STEP + SIZE]
            assert np.array_equal(shown, picture)


@pytest.mark.parametrize("shape", [(100, 4 * STEP), (1208, 640), (1207, 4 * STEP), (10, 10)])
def test_other_images_are_no_sheets(shape):
    with pytest.raises(InputError, match=r"sheet of pictures.*`predict`"):
        split_sheet(np.zeros((*shape, 3), np.uint8))


def test_a_figure_shows_photographs_once_and_each_method_beside_them():
    first = random_sheet(0)
    second = random_sheet(1, photographs=first.photographs)
    sheets = {"MP (simulated)": compose_sheet(first), "Ours (simulated)": compose_sheet(second)}
    figure = vertex_colour_figure(sheets)
    assert figure.shape[1] == STEP + 2 * (SPACE + 2 * STEP)
    rows = figure[-2 * STEP :].reshape(2, STEP, -1, 3)[:, :SIZE]
    assert np.array_equal(rows[:, :, :SIZE], first.photographs)
    for method, sheet in enumerate((first, second)):
        left = STEP + SPACE + method * (2 * STEP + SPACE)
        assert np.array_equal(rows[:, :, left : left + SIZE], sheet.identities)
        assert np.array_equal(rows[:, :, left + STEP : left + STEP + SIZE], sheet.side)
        template = figure[-3 * STEP :][:SIZE, left + STEP : left + STEP + SIZE]
        assert np.array_equal(template, sheet.template[0])
    assert np.array_equal(figure, vertex_colour_figure(sheets))


def test_the_names_of_the_methods_are_written_above_them():
    image = compose_sheet(random_sheet(0))
    one, other = (vertex_colour_figure({name: image}) for name in ("MP", "Ours"))
    changed = np.argwhere((one != other).any(-1))
    assert len(changed) > 0
    assert (changed[:, 0] < 40).all()
    assert (changed[:, 1] > STEP).all()


def test_a_figure_needs_sheets_of_the_same_photographs():
    with pytest.raises(InputError, match="found none"):
        vertex_colour_figure({})
    with pytest.raises(InputError, match=r"'a' and 'b' show different photographs.*`predict`"):
        vertex_colour_figure({"a": compose_sheet(random_sheet(0)), "b": compose_sheet(random_sheet(1))})
    with pytest.raises(InputError, match="'a' and 'b' show different photographs"):
        vertex_colour_figure({"a": compose_sheet(random_sheet(0)), "b": compose_sheet(random_sheet(0, count=3))})


def make_world(root: Path, **overrides) -> tuple[Workspace, list[Instance]]:
    """Two photographs with random features."""
    rng = np.random.default_rng(0)
    workspace = Workspace(root, tiny_params(**overrides))
    instances = []
    for name, left in (("a", 40.0), ("b", 60.0)):
        write_image(root / f"{name}.png", rng.integers(0, 256, (200, 300, 3), dtype=np.uint8))
        tokens = rng.normal(size=(8, 8, 6)).astype(np.float32)
        write_tokens(workspace.features("dinov2", "car") / f"{name}.npz", Tokens(tokens, None))
        box = Box(left, 30.0, left + 120, 120.0)
        instances.append(Instance("car", name, "test", f"{name}.png", 300, 200, box, False, False, False, None, None))
    write_checksums(workspace.features("dinov2", "car"))
    return workspace, instances


def test_the_sheet_of_a_model_shows_its_photographs(tmp_path):
    workspace, instances = make_world(tmp_path)
    model = build_model(workspace.params.model, InputSizes(8, 6, 4), 1, seed=0)
    predictor = make_predictor(model, workspace.params)
    image = draw_sheet(predictor, workspace, "dinov2", instances)
    assert np.array_equal(image, draw_sheet(predictor, workspace, "dinov2", instances))
    for instance, photograph in zip(instances, split_sheet(image).photographs, strict=True):
        crop = square_crop(instance.box, workspace.params.data.crop_margin)
        assert np.array_equal(photograph, sample_crop(read_image(tmp_path / instance.image), crop, SIZE))


def border(mask: np.ndarray) -> np.ndarray:
    """Pixels of a mask with a neighbour outside it."""
    return mask & (cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0)


def test_without_deformation_the_side_view_is_the_template_in_its_own_outline(tmp_path):
    workspace, instances = make_world(tmp_path, model__deformation__scale=0.0)
    model = build_model(workspace.params.model, InputSizes(8, 6, 4), 1, seed=0)
    sheet = split_sheet(draw_sheet(make_predictor(model, workspace.params), workspace, "dinov2", instances))
    template = sheet.template[0]
    line = border((template < 250).any(-1))
    far = cv2.distanceTransform((~line).astype(np.uint8), cv2.DIST_L2, 5) > 3
    for side in sheet.side:
        assert np.array_equal(side[far], template[far])
        assert np.median(side[line]) < np.median(template[line]) / 2
    assert not np.array_equal(template, sheet.template[2])
    covered = (sheet.template < 250).any(-1).mean((1, 2))
    assert (covered > 0.2).all()


def test_an_outline_is_drawn_around_each_part_and_each_hole():
    mask = np.zeros((40, 60), bool)
    mask[5:30, 5:30] = True
    mask[15:20, 15:20] = False
    mask[10:20, 40:50] = True
    image = np.full((40, 60, 3), 200, np.uint8)
    drawn = with_outline(image, mask)
    assert (image == 200).all()
    dark = (drawn < 60).all(-1)
    assert dark[border(mask)].mean() > 0.9
    assert (drawn[cv2.distanceTransform((~border(mask)).astype(np.uint8), cv2.DIST_L2, 5) > 2] == 200).all()


def test_a_vertex_has_its_colour_wherever_it_is_seen(tmp_path):
    """Light changes a colour's brightness, so that proportions are compared."""
    overrides = {"correspondence__map_size": SIZE, "correspondence__subdivisions": 0}
    workspace, instances = make_world(tmp_path, model__grid__resolution=12, **overrides)
    model = build_model(workspace.params.model, InputSizes(8, 6, 4), 1, seed=0)
    predictor = make_predictor(model, workspace.params)
    colours = identity_colours(predictor.template.vertices).numpy()
    sheet = split_sheet(draw_sheet(predictor, workspace, "dinov2", instances))
    predictions = predict_category(predictor, workspace, "dinov2", instances)
    for instance, picture in zip(instances, sheet.identities, strict=True):
        projection = predictions.images[instance.name].projection
        seen = projection.visible.numpy()
        crop = square_crop(instance.box, workspace.params.data.crop_margin)
        points = projection.to_crop(crop).vertices.numpy()[seen]
        columns, rows = (points * SIZE).astype(int).clip(0, SIZE - 1).T
        shown, expected = picture[rows, columns] / 255, colours[seen]
        difference = shown / shown.sum(1, keepdims=True) - expected / expected.sum(1, keepdims=True)
        assert len(shown) > 30
        assert np.median(np.abs(difference).max(1)) < 0.05
