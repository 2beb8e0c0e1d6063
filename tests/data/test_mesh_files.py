"""CAD models in every form that is read: the same mesh, whole and clean, or an error that names the file."""

import io
import json
import random
import struct

import numpy as np
import pytest
import trimesh

from pipeline.base.errors import InputError
from pipeline.data import mesh as mesh_module
from pipeline.data import obj as obj_module
from pipeline.data import off as off_module
from pipeline.data import ply as ply_module
from pipeline.data import triangle_formats
from pipeline.data.mesh import clean_mesh
from pipeline.data.mesh_files import PARSERS, mesh_file, read_mesh
from pipeline.data.off import Mesh, write_off

SOLID = trimesh.creation.icosphere(1, 0.5)
CORNERS = [(1, 1), (1, 3), (0, 3), (0, 0), (2, 0), (2, 1)]
"""An L of area 4 that begins at its inner corner, where a fan is right."""


def written(path, **options):
    """The solid as the library writes it."""
    path.write_bytes(
        data if isinstance(data := SOLID.export(file_type=path.suffix[1:], **options), bytes) else data.encode()
    )
    return path


def area(mesh):
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2


def corners(mesh):
    """The triangles as points, each from its first corner in a fixed order, sorted: independent of numbering."""
    rows = mesh.vertices[mesh.faces].round(6) + 0.0
    turned = [np.roll(row, -min(range(3), key=lambda i: tuple(row[i])), axis=0).reshape(-1).tolist() for row in rows]
    return sorted(turned)


@pytest.mark.parametrize("suffix", PARSERS)
def test_every_form_gives_the_same_mesh(suffix, tmp_path):
    mesh = read_mesh(written(tmp_path / f"01{suffix}"))
    assert mesh.vertices.dtype == np.float64 and mesh.faces.dtype == np.int32
    assert len(mesh.vertices) == (len(SOLID.vertices) if suffix != ".stl" else 3 * len(SOLID.faces))
    np.testing.assert_allclose(corners(mesh), corners(SOLID), atol=2e-6)


@pytest.mark.parametrize(("suffix", "options"), [(".ply", {"encoding": "ascii"}), (".stl", {}), (".stl_ascii", {})])
def test_text_and_binary_forms_are_read(suffix, options, tmp_path):
    content = SOLID.export(file_type=suffix[1:], **options)
    path = tmp_path / f"a{suffix[:4]}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    np.testing.assert_allclose(corners(read_mesh(path)), corners(SOLID), atol=2e-6)


def obj(points, polygons):
    lines = [
        "mtllib /etc/passwd",
        "o L",
        *(f"v {x} {y} 0.0 1 1 1" for x, y in points),
        "vt 0 0",
        "vn 0 0 1",
        "usemtl a",
    ]
    return "\n".join([*lines, "s off", *("f " + " ".join(f"{i + 1}/1/1" for i in row) for row in polygons)])


def off(points, polygons):
    lines = ["OFF", f"{len(points)} {len(polygons)} 0", *(f"{x} {y} 0" for x, y in points)]
    return "\n".join([*lines, *(f"{len(row)} {' '.join(map(str, row))}" for row in polygons)])


PLY_HEADER = """ply
format {} 1.0
comment by hand
element vertex {}
property double x
property double y
property double z
property uchar red
element face {}
property float quality
property list uchar int vertex_indices
element edge 1
property int vertex1
end_header
"""


def ply_ascii(points, polygons):
    rows = [*(f"{x} {y} 0 255" for x, y in points), *(f"0.5 {len(row)} {' '.join(map(str, row))}" for row in polygons)]
    return PLY_HEADER.format("ascii", len(points), len(polygons)) + "\n".join([*rows, "7"])


def ply_binary(points, polygons, order="<"):
    name = {"<": "binary_little_endian", ">": "binary_big_endian"}[order]
    body = b"".join(struct.pack(f"{order}3dB", x, y, 0, 255) for x, y in points)
    body += b"".join(struct.pack(f"{order}fB{len(row)}i", 0.5, len(row), *row) for row in polygons)
    return PLY_HEADER.format(name, len(points), len(polygons)).encode() + body + struct.pack(f"{order}i", 7)


WRITERS = {
    "off": off,
    "obj": obj,
    "ply": ply_ascii,
    "binary.ply": ply_binary,
    "big.ply": lambda points, polygons: ply_binary(points, polygons, ">"),
}


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize("start", range(6))
def test_concave_polygons_are_split_rightly_in_every_form_that_has_them(form, start, tmp_path):
    points = CORNERS[start:] + CORNERS[:start] + [(3.0, 5.5)]
    content = WRITERS[form](points, [list(range(6)), [0, 1, 6]])
    path = tmp_path / f"a.{form}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    mesh = read_mesh(path)
    polygon = Mesh(mesh.vertices, mesh.faces[:4])
    assert len(mesh.faces) == 5 and area(polygon) == pytest.approx(4)
    normals = np.cross(*(mesh.vertices[polygon.faces[:, i]] - mesh.vertices[polygon.faces[:, 0]] for i in (1, 2)))
    assert (normals[:, 2] > 0).all()


def test_obj_counts_from_the_end_and_continues_lines(tmp_path):
    path = tmp_path / "a.obj"
    path.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf -3 -2 \\\n -1\nv 0 0 1\nf 1//1 2//1 -1//1 # K\xf6ln\n", "latin-1")
    np.testing.assert_array_equal(read_mesh(path).faces, [[0, 1, 2], [0, 1, 3]])


def glb(change=None):
    """Two solids, one beside the other, as GLB, whose description may be changed."""
    scene = trimesh.Scene(SOLID)
    scene.add_geometry(SOLID, transform=trimesh.transformations.translation_matrix([3, 0, 0]))
    content = scene.export(file_type="glb")
    if change is None:
        return content
    size = struct.unpack_from("<I", content, 12)[0]
    description = json.loads(content[20 : 20 + size])
    change(description)
    text = json.dumps(description).encode()
    text += b" " * (-len(text) % 4)
    length = struct.pack("<I", len(content) - size + len(text))
    return content[:8] + length + struct.pack("<I", len(text)) + content[16:20] + text + content[20 + size :]


def test_the_objects_of_a_scene_are_taken_together_where_it_puts_them(tmp_path):
    (tmp_path / "a.glb").write_bytes(glb())
    mesh = read_mesh(tmp_path / "a.glb")
    assert len(mesh.faces) == 2 * len(SOLID.faces)
    np.testing.assert_allclose(mesh.vertices.max(0), [3.5, 0.5, 0.5], atol=0.02)


def chain(description):
    count = triangle_formats.DEEPEST + 1
    description["nodes"] = [{"mesh": 0, "children": [i + 1]} for i in range(count)] + [{"mesh": 0}]
    description["scenes"] = [{"nodes": [0]}]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["accessors"][0].update(sparse={"count": 1}), "compressed meshes, which is not read. Save"),
        (lambda d: d["accessors"][0].pop("bufferView"), "compressed meshes, which is not read. Save"),
        (lambda d: d["bufferViews"][0].update(extensions={"EXT_meshopt_compression": {}}), "compressed meshes"),
        (lambda d: d["accessors"][1].update(componentType=5122), "quantised vertices, which is not read. Save"),
        (chain, "more than 32 levels, which is not read. Save"),
        (lambda d: d.update(nodes=[{"mesh": 0, "children": [0]}]), "more than 32 levels"),
        (lambda d: d["accessors"][1].update(count=10**12), "damaged bytes .*announces"),
        (lambda d: d["accessors"][1].update(count=10**5), "damaged bytes"),
        (lambda d: d.update(nodes=[{"mesh": 0}] * 3000), "damaged bytes .*3000 nodes"),
        (lambda d: d.update(meshes=[]), "damaged bytes"),
        (lambda d: d["buffers"][0].update(uri="../../../etc/passwd"), "damaged bytes"),
        (lambda d: d["buffers"][0].update(uri="http://127.0.0.1:9/x.bin"), "damaged bytes"),
    ],
)
def test_what_a_glb_file_may_not_claim(change, message, tmp_path):
    (tmp_path / "a.glb").write_bytes(glb(change))
    with pytest.raises(InputError, match=rf"a\.glb: expected .* found .*{message}"):
        read_mesh(tmp_path / "a.glb")


@pytest.mark.parametrize("suffix", PARSERS)
def test_a_model_has_no_more_faces_than_can_be_handled(suffix, tmp_path, monkeypatch):
    for module in (mesh_module, off_module, obj_module, ply_module, triangle_formats):
        monkeypatch.setattr(module, "MOST", 60)
    with pytest.raises(InputError, match=rf"a\{suffix}: .* found more than 60 vertices or faces\. Convert"):
        read_mesh(written(tmp_path / f"a{suffix}"))


@pytest.mark.parametrize("suffix", PARSERS)
def test_damage_is_an_error_that_names_the_file(suffix, tmp_path):
    path = written(tmp_path / f"a{suffix}")
    content = path.read_bytes()
    rng = random.Random(0)
    changed = [b"", b"\0" * 100, content[: len(content) // 3], rng.randbytes(1000)]
    for _ in range(25):
        damaged = bytearray(content)
        for _ in range(rng.choice([1, 3])):
            damaged[rng.randrange(min(len(damaged), rng.choice([100, 10**6])))] = rng.randrange(256)
        changed.append(bytes(damaged))
    refused = 0
    for damaged in changed:
        path.write_bytes(damaged)
        try:
            mesh = read_mesh(path)
        except InputError as error:
            refused += 1
            assert f"a{suffix}: expected" in str(error)
        else:
            assert np.isfinite(mesh.vertices).all() and len(np.unique(mesh.faces)) == len(mesh.vertices)
    assert refused >= 4


def test_a_suffix_that_is_not_read_and_a_missing_file_are_errors(tmp_path):
    with pytest.raises(InputError, match=r"a\.fbx: expected .*\.off, .* found '\.fbx', which is not read\. Convert"):
        read_mesh(tmp_path / "a.fbx")
    with pytest.raises(InputError, match=r"01\.ply.*found no file.*Restore"):
        read_mesh(tmp_path / "01.ply")


def test_a_model_is_found_by_its_stem_and_has_one_file(tmp_path):
    path = tmp_path / "01.off"
    assert mesh_file(path) == path
    (tmp_path / "01.glb").write_bytes(b"")
    assert mesh_file(path) == tmp_path / "01.glb"
    (tmp_path / "01.ply").write_bytes(b"")
    with pytest.raises(InputError, match=r"01\.ply: expected one file of this model, found 01\.ply, 01\.glb\. Remove"):
        mesh_file(path)


def test_large_files_are_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(mesh_module, "LARGEST", 100)
    with pytest.raises(InputError, match=r"a\.off: expected at most 100 bytes, found more\. Convert"):
        read_mesh(written(tmp_path / "a.off"))


def test_a_clean_mesh_has_what_its_faces_use_and_faces_with_an_area():
    vertices = np.array([[9, 9, 9], [0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 1, 0], [1, 0, 0], [8, 8, 8.0]])
    faces = [[1, 2, 4], [1, 2, 3], [1, 1, 4], [2, 5, 4], [4, 2, 3]]
    mesh = clean_mesh(vertices, faces)
    np.testing.assert_array_equal(mesh.vertices, vertices[1:5])
    np.testing.assert_array_equal(mesh.faces, [[0, 1, 3], [3, 1, 2]])
    assert mesh.faces.dtype == np.int32
    assert clean_mesh(vertices, []).vertices.shape == (0, 3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_vertices_that_are_nowhere_are_errors(value):
    vertices = np.eye(4, 3)
    # No face uses it: it is damage all the same.
    vertices[3, 1] = value
    with pytest.raises(ValueError, match="not finite"):
        clean_mesh(vertices, [[0, 1, 2]])


def test_no_file_that_a_mesh_names_is_opened(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(io, "open", lambda *arguments, **_: opened.append(arguments))
    monkeypatch.setattr("builtins.open", lambda *arguments, **_: opened.append(arguments))
    for form, writer in WRITERS.items():
        content = writer(CORNERS, [list(range(6))])
        content = content if isinstance(content, bytes) else content.encode()
        assert PARSERS[f".{form.split('.')[-1]}"](content)
    PARSERS[".glb"](glb(lambda d: d.update(images=[{"uri": "bait.png"}], textures=[{"source": 0}])))
    assert opened == []


def test_a_written_model_is_the_same_in_off(tmp_path):
    write_off(tmp_path / "a.off", SOLID.vertices, SOLID.faces)
    mesh = read_mesh(tmp_path / "a.off")
    np.testing.assert_array_equal(mesh.vertices, SOLID.vertices)
    np.testing.assert_array_equal(mesh.faces, SOLID.faces)
