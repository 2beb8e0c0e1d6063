"""The reconstruction error as a whole: floors, invariances and the best of a category."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.base.errors import InputError
from pipeline.data.off import Mesh, read_off
from pipeline.reconstruction.align import AlignmentOptions, best_of_category, reconstruction_error
from pipeline.reconstruction.chamfer import normalised_chamfer
from support.paths import GENUINE_CAD
from support.solids import (
    SCALES,
    VECTORS,
    WITHOUT_AREA,
    box,
    family,
    joined,
    moved,
    sampled,
    similarity,
    sphere,
    tilt,
    yaw,
)

OPTIONS = AlignmentOptions(samples=1000, coarse_samples=250, iterations=50, trim=0.05, candidates=2)
TURNS = st.integers(0, 3)


def error(mesh, cad, options=OPTIONS, seed=0):
    return reconstruction_error(mesh, cad, options, np.random.default_rng(seed))


@settings(max_examples=12)
@given(st.sampled_from(["chair", "aeroplane", "car"]), SCALES, TURNS, VECTORS, VECTORS)
def test_a_moved_copy_is_at_the_sampling_floor(category, scale, turn, axis, shift):
    cad = family(category, 0)
    floor = normalised_chamfer(sampled(cad, 1000, 1), sampled(cad, 1000, 2), 1.0)
    transform = similarity(scale, tilt(axis, 20) * yaw(turn), 10 * np.array(shift))
    assert error(moved(cad, transform), cad).similarity < 1.1 * floor


@settings(max_examples=5)
@given(SCALES, TURNS, VECTORS)
def test_size_place_and_quarter_turns_of_a_prediction_do_not_matter(scale, turn, shift):
    """These move the samples exactly, and the start of the alignment with them."""
    mesh, cad = family("chair", 1), family("chair", 0)
    expected = error(mesh, cad)
    found = error(moved(mesh, similarity(scale, yaw(turn), 10 * np.array(shift))), cad)
    assert found == pytest.approx(expected, rel=1e-6)


def test_the_unit_of_the_cad_model_does_not_matter():
    mesh, cad = family("car", 1), family("car", 0)
    large = moved(cad, similarity(20.0, yaw(0), (5, 6, 7)))
    assert error(mesh, large) == pytest.approx(error(mesh, cad), rel=1e-6)


def test_the_error_falls_with_the_number_of_samples_and_with_resemblance():
    cad = family("car", 0)
    coarse, fine = error(cad, cad), error(cad, cad, dataclasses.replace(OPTIONS, samples=4000))
    # Distances between neighbours go with the square root of the number of samples.
    assert fine.similarity == pytest.approx(coarse.similarity / 2, rel=0.1)
    assert coarse.similarity < 0.8 * error(family("car", 1), cad).similarity
    assert error(family("car", 1), cad).similarity < error(family("chair", 1), cad).similarity


def test_a_sphere_of_the_wrong_size_by_hand():
    """A far speck stretches the prediction's box by 1 / 0.7, so that its sphere has a radius of 0.7 instead of 1.

    The CAD model's diagonal is 2 sqrt(3); the prediction's box is 2 x 2 x h with 8 + h^2 = 12 / 0.49. Rigidly, every
    point of either sphere is 0.3 away from the other one: 100 * 0.3 / (2 sqrt(3)) = 8.66. With the scale free, only the
    spacing of the samples is left.
    """
    ball, h = sphere(1.0), math.sqrt(12 / 0.49 - 8)
    speck = Mesh(np.array([[0, 0, h - 1], [1e-5, 0, h - 1], [0, 1e-5, h - 1]]), np.array([[0, 1, 2]]))
    found = error(joined(ball, speck), ball, dataclasses.replace(OPTIONS, samples=4000))
    spacing = normalised_chamfer(sampled(ball, 4000, 1), sampled(ball, 4000, 2), 2 * math.sqrt(3))
    assert found.rigid == pytest.approx(100 * 0.3 / (2 * math.sqrt(3)), rel=0.02)
    assert found.similarity == pytest.approx(spacing, rel=0.1)


def test_vertices_without_a_face_do_not_count():
    cad = family("chair", 0)
    mesh = Mesh(np.concatenate([cad.vertices, [[50.0, 0, 0]]]), cad.faces)
    assert error(mesh, cad) == error(cad, cad)


def test_prediction_and_cad_model_have_different_parts():
    """A cube against a box twice as long, each way round.

    With equal diagonals they are the same pair of surfaces at another scale, which the CAD model's diagonal takes out.
    With the scale free each way round has its own optimum, and its own diagonal to measure it by.
    """
    cube, long = box(1.0, 1.0, 1.0), box(1.0, 2.0, 1.0)
    long_for_cube, cube_for_long = error(long, cube), error(cube, long)
    assert long_for_cube.rigid == pytest.approx(cube_for_long.rigid, rel=0.1)
    assert long_for_cube.similarity > 1.08 * cube_for_long.similarity


def test_the_generator_determines_the_error():
    mesh, cad = family("chair", 1), family("chair", 0)
    assert error(mesh, cad, seed=3) == error(mesh, cad, seed=3)
    assert error(mesh, cad, seed=3) != error(mesh, cad, seed=4)
    assert error(mesh, cad, seed=3) == pytest.approx(error(mesh, cad, seed=4), rel=0.1)


@pytest.mark.parametrize("mesh", WITHOUT_AREA.values(), ids=WITHOUT_AREA.keys())
def test_a_mesh_without_area_is_an_error(mesh):
    for pair in ((mesh, box(1.0, 1.0, 1.0)), (box(1.0, 1.0, 1.0), mesh)):
        with pytest.raises(InputError, match="area"):
            error(*pair)


def test_the_nearest_model_of_a_category_is_found():
    cads = [family("chair", seed) for seed in range(6)]
    for index in (1, 4):
        mesh = moved(cads[index], similarity(0.7, tilt((1, 1, 0), 10) * yaw(3), (1, 2, 3)))
        found = best_of_category(mesh, cads, OPTIONS, np.random.default_rng(0))
        assert found.cad == index
        assert found.similarity == pytest.approx(error(cads[index], cads[index]).similarity, rel=0.1)


def test_one_model_is_the_annotated_one():
    mesh, cad = family("car", 1), family("car", 0)
    found = best_of_category(mesh, [cad], OPTIONS, np.random.default_rng(0))
    assert found == (0, error(mesh, cad).similarity)


def test_the_lowest_similarity_among_the_candidates_is_taken():
    mesh, cads = family("chair", 9), [family("chair", seed) for seed in range(3)]
    all_of_them = dataclasses.replace(OPTIONS, candidates=10)
    found = best_of_category(mesh, cads, all_of_them, np.random.default_rng(0))
    single = [error(mesh, cad).similarity for cad in cads]
    assert found.cad == int(np.argmin(single))
    assert found.similarity == pytest.approx(min(single), rel=0.05), "but for the samples"


def test_a_category_without_models_is_an_error():
    with pytest.raises(InputError, match="CAD models"):
        best_of_category(box(1.0, 1.0, 1.0), [], OPTIONS, np.random.default_rng(0))


@pytest.mark.parametrize(
    "change",
    [{"samples": 100}, {"coarse_samples": 0}, {"iterations": 0}, {"candidates": 0}, {"trim": 1.0}, {"trim": -0.1}],
)
def test_options_are_checked(change):
    with pytest.raises(InputError, match="Expected"):
        dataclasses.replace(OPTIONS, **change)


@pytest.mark.parametrize("category", ["aeroplane", "bottle", "chair"])
def test_genuine_models(category):
    path = GENUINE_CAD / category / "01.off"
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    cad = read_off(path)
    points = sampled(cad, 1000, 1), sampled(cad, 1000, 2)
    diagonal = float(np.linalg.norm(np.ptp(cad.vertices, axis=0)))
    floor = normalised_chamfer(*points, diagonal)
    transform = similarity(1.7, tilt((1, -1, 1), 15) * yaw(1), (1, 2, 3))
    assert error(moved(cad, transform), cad).similarity < 1.1 * floor
    assert error(family(category, 0), cad).similarity > 1.1 * floor
