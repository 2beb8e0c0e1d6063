"""Nearest neighbours: scipy's and kaolin's against brute force, which of them is chosen, and what is refused."""

import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from pipeline.base.errors import InputError
from pipeline.geometry.marching import close_border, marching_tetrahedra
from pipeline.geometry.tetgrid import build_tetgrid
from pipeline.reconstruction.chamfer import chamfer_distance
from pipeline.reconstruction.icp import icp
from pipeline.reconstruction.neighbours import (
    SCIPY,
    KaolinNeighbours,
    Neighbours,
    kaolin_obstacle,
    make_neighbours,
)
from pipeline.reconstruction.similarity import Similarity
from support.meshes import is_watertight, signed_volume

IDENTITY = Similarity(1.0, np.eye(3), np.zeros(3))


def sided_distance(p1, p2):
    """kaolin's function by its documentation: squared distances and indices; all pairs."""
    assert p1.ndim == p2.ndim == 3 and p1.shape[2] == p2.shape[2] == 3 and p1.dtype == p2.dtype
    distances = (p1[:, :, None] - p2[:, None]).square().sum(-1)
    return tuple(distances.min(-1))


def install(patch):
    """A stand-in for kaolin where `import` finds it."""
    for name in ("kaolin", "kaolin.metrics", "kaolin.metrics.pointcloud"):
        module = ModuleType(name)
        module.__path__ = []
        patch.setitem(sys.modules, name, module)
    sys.modules["kaolin.metrics.pointcloud"].sided_distance = sided_distance


def kaolin_here():
    """kaolin itself; skips the test where it cannot be used."""
    if reason := kaolin_obstacle():
        pytest.skip(reason)
    return KaolinNeighbours()


@pytest.fixture(scope="module", params=["scipy", "adapter", "kaolin"])
def neighbours(request) -> Neighbours:
    """scipy's; the adapter to kaolin on the stand-in; kaolin itself, on a GPU."""
    if request.param == "scipy":
        return SCIPY
    if request.param == "kaolin":
        return kaolin_here()
    with pytest.MonkeyPatch.context() as patch:
        install(patch)
        return KaolinNeighbours("cpu")


@pytest.fixture
def gpu(monkeypatch):
    """As if torch found one."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)


@given(st.integers(0, 2**31), st.integers(1, 30), st.integers(1, 30), st.booleans())
def test_neighbours_are_those_of_a_loop(neighbours, seed, n, m, once):
    rng = np.random.default_rng(seed)
    points, cloud = rng.normal(size=(n, 3)), rng.normal(size=(m, 3))
    pairs = np.linalg.norm(points[:, None] - cloud, axis=2)
    found = neighbours.cloud(cloud, once).nearest(points)
    assert np.array_equal(found.indices, pairs.argmin(1))
    np.testing.assert_allclose(found.distances, pairs.min(1), rtol=1e-14)


def test_a_cloud_can_be_searched_again(neighbours):
    rng = np.random.default_rng(0)
    cloud, queries = rng.normal(size=(50, 3)), rng.normal(size=(2, 20, 3))
    prepared = neighbours.cloud(cloud)
    for points in queries:
        assert np.array_equal(prepared.nearest(points).indices, SCIPY.cloud(cloud).nearest(points).indices)


def test_memory_layout_does_not_matter(neighbours):
    rng = np.random.default_rng(0)
    points, cloud = rng.normal(size=(3, 20)).T, rng.normal(size=(40, 3))[::-2]
    expected = neighbours.cloud(cloud.copy()).nearest(points.copy())
    found = neighbours.cloud(cloud).nearest(points)
    assert np.array_equal(found.indices, expected.indices) and np.array_equal(found.distances, expected.distances)


def test_alignment_and_distance_are_scipys(neighbours):
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(300, 3)), 1.1 * rng.normal(size=(400, 3)) + 0.2
    found, expected = (icp(source, target, IDENTITY, True, 30, 0.05, search) for search in (neighbours, SCIPY))
    for actual, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(actual, wanted, atol=1e-9)
    distance = chamfer_distance(source, target, neighbours)
    assert distance == pytest.approx(chamfer_distance(source, target), rel=1e-12)


@pytest.mark.parametrize("once", [False, True])
def test_scipys_are_those_of_its_trees_to_the_bit(once):
    rng = np.random.default_rng(0)
    # Many points are equally near.
    points, cloud = rng.integers(0, 4, (200, 3)).astype(float), rng.integers(0, 4, (100, 3)).astype(float)
    tree = cKDTree(cloud, balanced_tree=False, compact_nodes=False) if once else cKDTree(cloud)
    for actual, expected in zip(SCIPY.cloud(cloud, once).nearest(points), tree.query(points), strict=True):
        assert np.array_equal(actual, expected)


# Which is chosen


def test_scipy_is_chosen_without_a_gpu(monkeypatch):
    install(monkeypatch)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert make_neighbours("auto").name == make_neighbours("scipy").name == "scipy"
    with pytest.raises(InputError, match="reconstruction.neighbours is 'kaolin'. kaolin needs an NVIDIA GPU"):
        make_neighbours("kaolin")


def test_kaolin_is_chosen_where_it_and_a_gpu_are(gpu, monkeypatch):
    install(monkeypatch)
    assert make_neighbours("auto").name == make_neighbours("kaolin").name == "kaolin"
    assert make_neighbours("scipy").name == "scipy"
    assert isinstance(make_neighbours("auto"), Neighbours)


def test_a_missing_kaolin_names_the_command(gpu, monkeypatch):
    monkeypatch.setitem(sys.modules, "kaolin", None)
    assert make_neighbours("auto").name == "scipy"
    command = r"pip install kaolin==0\.18\.0 -f https://nvidia-kaolin\.s3\.us-east-2\.amazonaws\.com/torch-"
    with pytest.raises(InputError, match=f"kaolin is not installed. Install it: {command}"):
        make_neighbours("kaolin")


def test_the_empty_placeholder_is_not_taken_for_kaolin(gpu, monkeypatch, tmp_path):
    (tmp_path / "kaolin.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("kaolin", "kaolin.metrics", "kaolin.metrics.pointcloud"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert make_neighbours("auto").name == "scipy"
    with pytest.raises(InputError, match=r"empty placeholder.*pip uninstall kaolin.*-f https://nvidia-kaolin"):
        make_neighbours("kaolin")
    sys.modules.pop("kaolin")


def test_an_unknown_name_is_an_error():
    with pytest.raises(InputError, match="unknown reconstruction.neighbours 'kaolim'. Did you mean 'kaolin'"):
        make_neighbours("kaolim")


# Marching tetrahedra: kaolin's returns neither the edges nor the weights that the model needs, so it only checks ours


@pytest.fixture(scope="module")
def surface():
    """A grid whose tetrahedra all turn the same way, a field on it, and our surface."""
    grid = build_tetgrid(8, 2.0)
    swapped = torch.where(grid.flipped[:, None], grid.tets[:, [1, 0, 2, 3]], grid.tets)
    sdf = close_border(grid, 0.6 - (grid.vertices * torch.tensor([1.0, 1.3, 0.8]) - 0.03).norm(dim=1))
    return grid, swapped, sdf, marching_tetrahedra(grid, grid.vertices, sdf)


def test_kaolins_marching_tetrahedra_give_our_surface(surface):
    kaolin_here()
    from kaolin.ops.conversions import marching_tetrahedra as kaolins

    grid, tets, sdf, ours = surface
    (vertices,), (faces,) = kaolins(grid.vertices[None].cuda(), tets.cuda(), sdf[None].cuda())
    vertices, faces = vertices.cpu(), faces.cpu()
    assert is_watertight(faces) and len(faces) == len(ours.faces) and len(vertices) == len(ours.vertices)
    distances, _ = cKDTree(vertices.numpy()).query(ours.vertices.numpy())
    assert distances.max() < 1e-5
    # It does not say which way its faces turn.
    assert abs(signed_volume(vertices, faces)) == pytest.approx(float(signed_volume(*ours[:2])), rel=1e-5)


def test_kaolin_finds_the_same_grid_vertices_inside(surface):
    kaolin_here()
    from kaolin.ops.mesh import check_sign

    grid, _, sdf, ours = surface
    inside = check_sign(ours.vertices[None].cuda(), ours.faces.cuda(), grid.vertices[None].cuda() + 1e-5)[0].cpu()
    clear = sdf.abs() > 1e-3
    assert torch.equal(inside[clear], (sdf > 0)[clear])


def test_the_surface_that_kaolin_would_check_is_closed_and_turned_outwards(surface):
    grid, tets, sdf, ours = surface
    assert is_watertight(ours.faces) and signed_volume(*ours[:2]) > 0 and (sdf > 0).sum() > 50
    sides = grid.vertices[tets[:, 1:]] - grid.vertices[tets[:, :1]]
    assert (torch.linalg.det(sides) > 0).all()
