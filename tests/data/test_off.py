import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.base.errors import InputError
from pipeline.data.off import read_off, write_off
from support.paths import GENUINE_CAD, needs_fixtures

TRIANGLE = "OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n"


@needs_fixtures
@pytest.mark.parametrize(
    ("category", "vertices", "faces"), [("aeroplane", 27064, 29822), ("bottle", 600, 2226), ("chair", 518, 1204)]
)
def test_genuine_models_are_read(category, vertices, faces, tmp_path):
    path = GENUINE_CAD / category / "01.off"
    mesh = read_off(path)
    assert mesh.vertices.shape == (vertices, 3)
    assert mesh.faces.shape == (faces, 3)
    assert np.linalg.norm(np.ptp(mesh.vertices, axis=0)) == pytest.approx(1, abs=0.02)
    if category == "bottle":
        # The others have vertices and faces that are left out.
        write_off(tmp_path / "copy.off", mesh.vertices, mesh.faces)
        assert (tmp_path / "copy.off").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@settings(max_examples=30)
@given(data=st.data())
def test_vertices_round_trip_exactly(dtype, data, tmp_path_factory):
    width = 32 if dtype is np.float32 else 64
    vertices = data.draw(arrays(dtype, (4, 3), elements=st.floats(-1e6, 1e6, width=width)))
    a, b, c, d = vertices.astype(np.float64)
    assume(np.cross(b - a, c - a).any() and np.cross(c - d, b - d).any())
    path = tmp_path_factory.mktemp("off") / "mesh.off"
    write_off(path, vertices, np.array([[0, 1, 2], [3, 2, 1]]))
    mesh = read_off(path)
    np.testing.assert_array_equal(mesh.vertices.astype(dtype), vertices)
    np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [3, 2, 1]])


BODY = "0 0 0{0}\n1 0 0{0}\n1 1 0{0}\n0 1 0{0}\n0 0 1{0}\n4 0 1 2 3 255 0 0\n3 0 1 4\n"
DIALECTS = {
    "counts on the line of the keyword": "OFF 5 2 0 # counts here\n\n"
    + BODY.format("").replace("4 0 1", "# faces\n4 0 1"),
    "counts glued to the keyword, as in ModelNet": "OFF5 2 0\n" + BODY.format(""),
    "no number of edges": "OFF\n5 2\n" + BODY.format(""),
    "colours": "COFF\n5 2 0\n" + BODY.format(" 255 128 0 255"),
    "normals": "NOFF\n5 2 0\n" + BODY.format(" 0 0 1"),
    "texture coordinates": "STOFF\n5 2 0\n" + BODY.format(" 0.5 0.25"),
    "all of them": "STCNOFF 5 2 0\n" + BODY.format(" 0 0 1 255 128 0 255 0.5 0.25"),
    "comments in another encoding": "OFF\n# Stuhl f\xfcr K\xf6ln\n5 2 0\n" + BODY.format(""),
    "line ends of another system": ("OFF\n5 2 0\n" + BODY.format("")).replace("\n", "\r\n"),
    "a byte order mark": "\xef\xbb\xbfOFF\n5 2 0\n" + BODY.format(""),
    "more behind the faces": "OFF\n5 2 0\n" + BODY.format("") + "1 2 3\n",
}


@pytest.mark.parametrize("text", DIALECTS.values(), ids=DIALECTS)
def test_other_writers_forms_are_read(text, tmp_path):
    path = tmp_path / "mesh.off"
    path.write_bytes(text.encode("latin-1"))
    mesh = read_off(path)
    np.testing.assert_array_equal(mesh.vertices, [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1]])
    np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [0, 2, 3], [0, 1, 4]])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"OFF BINARY\n" + bytes(200), r"the binary form of OFF, which is not read\. Convert"),
        (b"COFF BINARY\n" + bytes(200), r"the binary form of OFF, which is not read\. Convert"),
        (b"4OFF\n1 0 0\n0 0 0 1\n", r"4OFF, .* which are not read\. Convert"),
        (b"nOFF\n4\n1 0 0\n0 0 0 1\n", r"nOFF, .* which are not read\. Convert"),
    ],
)
def test_forms_that_are_not_read_are_told_from_damage(content, message, tmp_path):
    (tmp_path / "mesh.off").write_bytes(content)
    with pytest.raises(InputError, match=rf"mesh\.off: expected a mesh of a form that is read, found {message}"):
        read_off(tmp_path / "mesh.off")


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
        TRIANGLE.replace("3 0 1 2", "3 0 1 9999999999"),
        TRIANGLE.replace("3 0 1 2", "-3 0 1 2"),
        TRIANGLE.replace("3 1 0", "-3 1 0"),
        TRIANGLE.replace("3 1 0", "99999 1 0"),
        TRIANGLE.replace("1 0 0", "1e300 0 0"),
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
