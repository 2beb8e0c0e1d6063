"""What every rasterizer refuses, and what it need not check again."""

import gc
import weakref

import numpy as np
import pytest
import torch

from pipeline.base.errors import InputError
from pipeline.rendering.checks import Accepted
from pipeline.rendering.cpu import CpuRasterizer
from pipeline.rendering.rasterizer import Rasterizer, make_rasterizer
from support.raster_backends import assert_same, each_backend
from support.scenes import FULL_SCREEN, clip, faces

CPU = CpuRasterizer(threads=1)
backend = each_backend


@pytest.mark.parametrize("index", [-1, 3])
def test_an_index_that_is_no_vertex_is_an_error(backend, index):
    pos, tri = clip(FULL_SCREEN), faces((0, 1, index))
    with pytest.raises(ValueError, match="vertex indices from 0 to 2"):
        backend.rasterize(pos, tri, (4, 4))
    with pytest.raises(ValueError, match="vertex indices from 0 to 2"):
        backend.topology(tri, 3)


def test_what_was_right_is_checked_again_once_it_has_changed(backend):
    pos, tri = clip(FULL_SCREEN), faces((0, 1, 2))
    rast = backend.rasterize(pos, tri, (4, 4))
    torch.testing.assert_close(backend.interpolate(pos, rast, tri), backend.interpolate(pos, rast.clone(), tri.clone()))
    with torch.no_grad():
        rast[0, 0, 0, 3] = 2
    with pytest.raises(ValueError, match="face ids from 0 to 1"):
        backend.interpolate(pos, rast, tri)
    tri[0, 0] = 3
    with pytest.raises(ValueError, match="vertex indices from 0 to 2"):
        backend.rasterize(pos, tri, (4, 4))


def test_faces_of_other_precisions_are_converted_anew_once_they_have_changed(backend):
    pos, tri = clip(FULL_SCREEN), faces((0, 1, 2)).long()
    shown = backend.rasterize(pos, tri, (4, 4))
    tri[0] = tri[0].roll(1)
    turned = backend.rasterize(pos, tri, (4, 4))
    assert_same(backend, turned, backend.rasterize(pos, tri.clone(), (4, 4)))
    assert not torch.equal(turned, shown)


def test_what_is_known_of_a_tensor_ends_with_a_change_and_with_the_tensor():
    accepted = Accepted(torch.device("meta"), torch.float32)
    tri = torch.zeros(2, 3, dtype=torch.int64, device="meta")
    assert accepted.known(tri, 5) is None
    copy = tri.int()
    accepted.know(tri, 5, copy)
    assert accepted.known(tri, 5).faces is copy and accepted.known(tri, 4) is None
    tri.add_(1)
    assert accepted.known(tri, 5) is None
    for faces_of in (lambda tensor: tensor, torch.clone):
        kept = torch.zeros(2, 3, dtype=torch.int32, device="meta")
        accepted.know(kept, 5, faces_of(kept))
        reference = weakref.ref(kept)
        del kept
        gc.collect()
        assert reference() is None


def test_on_a_cpu_memory_that_changes_behind_its_tensor_is_seen():
    pos, rows = clip(FULL_SCREEN), np.array([[0, 1, 2]], np.int32)
    tri = torch.from_numpy(rows)
    CPU.rasterize(pos, tri, (4, 4))
    rows[0, 0] = 99
    with pytest.raises(ValueError, match="vertex indices from 0 to 2"):
        CPU.rasterize(pos, tri, (4, 4))


def test_arguments_of_different_meshes_are_errors(backend):
    pos, tri = clip(FULL_SCREEN), faces((0, 1, 2))
    rast = backend.rasterize(pos, faces((0, 1, 2), (0, 1, 2)), (4, 4))
    with pytest.raises(ValueError, match="face ids from 0 to 1"):
        backend.interpolate(pos, rast, tri)
    rast = backend.rasterize(pos, tri, (4, 4))
    with pytest.raises(ValueError, match="vertex indices from 0 to 1"):
        backend.interpolate(pos[:, :2], rast, tri)
    with pytest.raises(ValueError, match=r"attr must have the shape \(1, any, any\); found \(2, 3, 4\)"):
        backend.interpolate(pos.repeat(2, 1, 1), rast, tri)


def test_a_topology_of_another_mesh_is_an_error():
    pos, tri = clip(FULL_SCREEN), faces((0, 1, 2))
    rast = CPU.rasterize(pos, tri, (4, 4))
    with pytest.raises(ValueError, match=r"topology must have the shape \(1, 3\)"):
        CPU.antialias(rast, rast, pos, tri, CPU.topology(faces((0, 1, 2), (0, 1, 2)), 3))
    with pytest.raises(ValueError, match="topology must be what"):
        CPU.antialias(rast, rast, pos, tri, "opaque")


def test_tensors_of_a_kind_that_the_backend_has_not_are_errors(backend):
    pos, tri = clip(FULL_SCREEN, dtype=torch.float32).to(backend.device), faces((0, 1, 2)).to(backend.device)
    rasterizer, wanted = backend.inner, "all be float32, or all be float64" if backend.exact else "all be float32, on"
    rast = rasterizer.rasterize(pos, tri, (4, 4))
    with pytest.raises(ValueError, match=wanted):
        rasterizer.interpolate(pos.double(), rast, tri)
    with pytest.raises(ValueError, match=wanted + r".*found pos torch\.float16"):
        rasterizer.rasterize(pos.half(), tri, (4, 4))
    with pytest.raises(ValueError, match=rf"on {pos.device}; found pos torch\.float32 on meta"):
        rasterizer.rasterize(pos.to("meta"), tri, (4, 4))
    with pytest.raises(ValueError, match=rf"tri must be on {pos.device}, .* found it on meta"):
        rasterizer.rasterize(pos, tri.to("meta"), (4, 4))
    with pytest.raises(ValueError, match="resolution must be a positive"):
        rasterizer.rasterize(pos, tri, (0, 4))


def test_rasterizers_are_made_by_name(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert make_rasterizer().name == "cpu"
    assert isinstance(make_rasterizer("cpu", torch.device("cpu")), Rasterizer)
    with pytest.raises(InputError, match="Unknown rasterizer 'cpi'. Did you mean 'cpu'"):
        make_rasterizer("cpi")
    with pytest.raises(InputError, match="'cpu' works on device cpu, not on 'cuda'"):
        make_rasterizer("cpu", "cuda")
    with pytest.raises(InputError, match="No rasterizer works on device 'cuda'"):
        make_rasterizer("auto", "cuda")
