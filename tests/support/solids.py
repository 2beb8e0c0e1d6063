"""Meshes, motions and samples for the tests of the reconstruction error."""

import itertools

import numpy as np
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from pipeline.data.off import Mesh
from pipeline.reconstruction.sampling import sample_surface
from pipeline.reconstruction.similarity import Similarity
from pipeline.simulation.shapes import make_shape

IDENTITY = Similarity(1.0, np.eye(3), np.zeros(3))

SEEDS = st.integers(0, 2**31)
SCALES = st.floats(0.3, 3.0)
VECTORS = st.tuples(*[st.floats(-1.0, 1.0)] * 3)


def box(x, y, z):
    """A closed box about the origin with the given sides."""
    corners = np.array(list(itertools.product((-x / 2, x / 2), (-y / 2, y / 2), (-z / 2, z / 2))))
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    return Mesh(corners, np.array([face for a, b, c, d in quads for face in ((a, b, c), (a, c, d))]))


def joined(*meshes):
    offsets = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes[:-1])])
    faces = [mesh.faces + offset for mesh, offset in zip(meshes, offsets, strict=True)]
    return Mesh(np.concatenate([mesh.vertices for mesh in meshes]), np.concatenate(faces))


def moved(mesh, transform):
    return Mesh(transform.apply(mesh.vertices), mesh.faces)


def l_shape():
    """No rotation but the identity maps it onto itself."""
    return joined(box(0.3, 0.9, 0.2), moved(box(0.3, 0.2, 0.5), Similarity(1.0, np.eye(3), np.array([0.1, 0.3, 0.3]))))


def sphere(radius):
    """A sphere of 32 x 64 quadrilaterals."""
    polar, around = np.linspace(0, np.pi, 33), np.linspace(0, 2 * np.pi, 65)
    a, b = np.meshgrid(polar, around, indexing="ij")
    vertices = radius * np.stack([np.sin(a) * np.cos(b), np.sin(a) * np.sin(b), np.cos(a)], -1).reshape(-1, 3)
    first = (65 * np.arange(32)[:, None] + np.arange(64)).reshape(-1, 1)
    return Mesh(vertices, np.concatenate([first + [0, 65, 66], first + [0, 66, 1]]))


def family(category, seed):
    shape = make_shape(category, np.random.default_rng(seed))
    return Mesh(shape.vertices.astype(np.float64), shape.faces)


def tilt(vector, degrees):
    """A rotation about `vector` by up to `degrees`, which a vector of length 1 or more reaches."""
    length = max(1.0, float(np.linalg.norm(vector)))
    return Rotation.from_rotvec(np.radians(degrees) * np.array(vector) / length)


def yaw(turn):
    return Rotation.from_euler("z", 90 * turn, degrees=True)


def similarity(scale, rotation, translation):
    return Similarity(scale, rotation.as_matrix(), np.array(translation))


def sampled(mesh, count, seed=0):
    return sample_surface(mesh.vertices, mesh.faces, count, np.random.default_rng(seed))


def assert_same(found, expected, tolerance):
    np.testing.assert_allclose(found.scale, expected.scale, atol=tolerance)
    np.testing.assert_allclose(found.rotation, expected.rotation, atol=tolerance)
    np.testing.assert_allclose(found.translation, expected.translation, atol=tolerance)


WITHOUT_AREA = {
    "empty": Mesh(np.zeros((0, 3)), np.zeros((0, 3), int)),
    "no faces": Mesh(np.eye(3), np.zeros((0, 3), int)),
    "a point": Mesh(np.zeros((3, 3)), np.array([[0, 1, 2]])),
    "a line": Mesh(np.linspace(0, 1, 3)[:, None] * np.ones(3), np.array([[0, 1, 2]])),
    "not finite": Mesh(np.array([[0.0, 0, 0], [1, 0, 0], [0, np.nan, 0]]), np.array([[0, 1, 2]])),
}
