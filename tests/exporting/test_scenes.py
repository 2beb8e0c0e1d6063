"""Exported meshes, as other programs read them: trimesh, and a reader of GLB that is written from its specification."""

import json
import struct

import numpy as np
import pytest
import trimesh

from pipeline.exporting.scenes import Surface, write_glb, write_obj
from pipeline.photographs.cameras import object_rotation

DTYPES = {5121: "<u1", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}


def read_glb(path):
    """The JSON of a GLB, and a function that gives an accessor's array (glTF 2.0, sections 3.6 and 4.4)."""
    content = path.read_bytes()
    magic, version, length, size, kind = struct.unpack("<4sIII4s", content[:20])
    assert (magic, version, length, kind) == (b"glTF", 2, len(content), b"JSON")
    described = json.loads(content[20 : 20 + size])
    binary = content[20 + size + 8 :]

    def array(index):
        accessor = described["accessors"][index]
        view = described["bufferViews"][accessor["bufferView"]]
        start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
        width = WIDTHS[accessor["type"]]
        assert view.get("byteStride") is None
        flat = np.frombuffer(binary, DTYPES[accessor["componentType"]], accessor["count"] * width, start)
        return flat.reshape(accessor["count"], width) if width > 1 else flat

    return described, array


@pytest.fixture
def surface():
    """A tetrahedron of which one vertex is there twice, as equal vertices must not be merged."""
    rng = np.random.default_rng(3)
    vertices = rng.standard_normal((5, 3)).astype(np.float32)
    vertices[4] = vertices[0]
    faces = np.array([[0, 1, 2], [0, 3, 1], [1, 3, 2], [4, 2, 3]])
    return Surface(vertices, faces, rng.random((5, 3)), rng.random((5, 3)))


def test_a_glb_holds_the_vertices_in_their_order(surface, tmp_path):
    path, rotation = tmp_path / "mesh.glb", object_rotation(30.0, 20.0, 5.0)
    write_glb(path, surface, {"nose": 3, "tail": 0}, rotation, {"photograph": "a.jpg"})
    described, array = read_glb(path)
    (primitive,) = described["meshes"][0]["primitives"]
    attributes = primitive["attributes"]
    assert np.array_equal(array(attributes["POSITION"]), surface.vertices)
    assert np.array_equal(array(primitive["indices"]).reshape(-1, 3), surface.faces)
    np.testing.assert_allclose(array(attributes["COLOR_0"])[:, :3] / 255, surface.albedo, atol=0.5 / 255 + 1e-9)
    np.testing.assert_allclose(array(attributes["_IDENTITY"]), surface.identity, atol=1e-6)
    nodes = {node["name"]: node for node in described["nodes"]}
    matrix = np.array(nodes["object"]["matrix"]).reshape(4, 4).T
    np.testing.assert_allclose(matrix[:3, :3], rotation, atol=1e-12)
    children = {described["nodes"][index]["name"] for index in nodes["object"]["children"]}
    assert children == {"keypoint:nose", "keypoint:tail"}
    assert nodes["keypoint:nose"]["extras"] == {"vertex": 3}
    np.testing.assert_allclose(nodes["keypoint:nose"]["matrix"][12:15], surface.vertices[3], atol=1e-6)
    extras = described["scenes"][0]["extras"]
    assert extras["photograph"] == "a.jpg" and "y up" in extras["frame"] and "object unit" in extras["unit"]


def test_trimesh_reads_the_same(surface, tmp_path):
    write_glb(tmp_path / "mesh.glb", surface, {"nose": 3})
    scene = trimesh.load_scene(tmp_path / "mesh.glb", process=False)
    (mesh,) = scene.geometry.values()
    assert np.array_equal(mesh.vertices.astype(np.float32), surface.vertices)
    assert np.array_equal(mesh.faces, surface.faces)
    np.testing.assert_allclose(mesh.visual.vertex_colors[:, :3] / 255, surface.albedo, atol=0.51 / 255)
    place, _ = scene.graph["keypoint:nose"]
    np.testing.assert_allclose(place[:3, 3], surface.vertices[3], atol=1e-6)


def test_a_template_without_albedo_is_coloured_by_identity(surface, tmp_path):
    template = surface._replace(albedo=None)
    write_glb(tmp_path / "template.glb", template, {})
    described, array = read_glb(tmp_path / "template.glb")
    colours = array(described["meshes"][0]["primitives"][0]["attributes"]["COLOR_0"])
    np.testing.assert_allclose(colours[:, :3] / 255, surface.identity, atol=0.5 / 255 + 1e-9)


def test_an_obj_holds_vertices_colours_and_faces(surface, tmp_path):
    write_obj(tmp_path / "mesh.obj", surface)
    rows = [line.split() for line in (tmp_path / "mesh.obj").read_text().splitlines()]
    numbers = np.array([[float(word) for word in row[1:]] for row in rows if row[0] == "v"])
    np.testing.assert_allclose(numbers[:, :3], surface.vertices, atol=1e-6)
    np.testing.assert_allclose(numbers[:, 3:], surface.albedo, atol=1e-4)
    faces = np.array([[int(word) for word in row[1:]] for row in rows if row[0] == "f"])
    assert np.array_equal(faces - 1, surface.faces)


def test_equal_meshes_give_equal_bytes(surface, tmp_path):
    for name in ("a.glb", "b.glb"):
        write_glb(tmp_path / name, surface, {"nose": 3})
    assert (tmp_path / "a.glb").read_bytes() == (tmp_path / "b.glb").read_bytes()
