import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.base.errors import InputError
from pipeline.data.off import read_off, write_off
from support.paths import GENUINE_CAD, needs_fixtures

TRIANGLE = "OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n"


@needs_fixtures
@pytest.mark.parametrize(
    ("category", "vertices", "faces"), [("aeroplane", 27392, 30216), ("bottle", 600, 2226), ("chair", 864, 1210)]
)
def test_genuine_models_round_trip_byte_for_byte(category, vertices, faces, tmp_path):
    path = GENUINE_CAD / category / "01.off"
    mesh = read_off(path)
    assert mesh.vertices.shape == (vertices, 3)
    assert mesh.faces.shape == (faces, 3)
    assert np.linalg.norm(np.ptp(mesh.vertices, axis=0)) == pytest.approx(1, abs=0.02)
    write_off(tmp_path / "copy.off", mesh.vertices, mesh.faces)
    assert (tmp_path / "copy.off").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(data=st.data())
def test_vertices_round_trip_exactly(dtype, data, tmp_path_factory):
    width = 32 if dtype is np.float32 else 64
    vertices = data.draw(arrays(dtype, (4, 3), elements=st.floats(-1e6, 1e6, width=width)))
    path = tmp_path_factory.mktemp("off") / "mesh.off"
    write_off(path, vertices, np.array([[0, 1, 2], [3, 2, 1]]))
    mesh = read_off(path)
    np.testing.assert_array_equal(mesh.vertices.astype(dtype), vertices)
    np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [3, 2, 1]])


def test_other_writers_forms_are_read(tmp_path):
    path = tmp_path / "mesh.off"
    path.write_text(
        "OFF 5 2 0 # counts here\n\n0 0 0\n1 0 0\n1 1 0\n0 1 0\n0 0 1\n# faces\n4 0 1 2 3 255 0 0\n3 0 1 4\n"
    )
    np.testing.assert_array_equal(read_off(path).faces, [[0, 1, 2], [0, 2, 3], [0, 1, 4]])


def test_a_mesh_without_faces_is_read(tmp_path):
    path = tmp_path / "points.off"
    write_off(path, np.zeros((1, 3)), np.zeros((0, 3), np.int32))
    assert read_off(path).faces.shape == (0, 3)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PLY\n",
        "OFF\n",
        "OFF\n3 1\n0 0 0\n",
        TRIANGLE.replace("3 0 1 2", "3 0 1"),
        TRIANGLE.replace("3 0 1 2", "3 0 1 3"),
        TRIANGLE.replace("3 0 1 2", "3 0 1 -1"),
        TRIANGLE.replace("1 0 0", "nan 0 0"),
        TRIANGLE.replace("1 0 0", "1 0"),
        TRIANGLE.replace("1 0 0", "one 0 0"),
    ],
)
def test_a_damaged_mesh_is_an_error_that_names_the_file(text, tmp_path):
    path = tmp_path / "mesh.off"
    path.write_text(text)
    with pytest.raises(InputError, match=r"mesh\.off.*Fetch"):
        read_off(path)


def test_a_missing_mesh_is_an_error_that_names_the_file(tmp_path):
    with pytest.raises(InputError, match=r"01\.off.*Restore"):
        read_off(tmp_path / "01.off")
