"""A module in the place of nvdiffrast, for its adapter: its documented interface and demands, our CPU's arithmetic."""

import sys
from types import ModuleType

import pytest
import torch

from pipeline.rendering.cpu import CpuRasterizer
from pipeline.rendering.nvdiffrast import NvdiffrastRasterizer

CPU = CpuRasterizer(threads=1)


def adapter() -> NvdiffrastRasterizer:
    """The adapter on the stand-in, for tensors on the CPU."""
    with pytest.MonkeyPatch.context() as patch:
        install(patch)
        return NvdiffrastRasterizer("cpu")


def install(patch: pytest.MonkeyPatch) -> ModuleType:
    """Put the stand-in where `import nvdiffrast.torch` finds it."""
    package, module = ModuleType("nvdiffrast"), ModuleType("nvdiffrast.torch")
    package.torch, package.__path__ = module, []
    module.contexts = []
    module.RasterizeCudaContext = lambda device=None: Context(module, device)
    for function in (rasterize, interpolate, antialias, antialias_construct_topology_hash):
        setattr(module, function.__name__, function)
    patch.setitem(sys.modules, "nvdiffrast", package)
    patch.setitem(sys.modules, "nvdiffrast.torch", module)
    return module


class Context:
    def __init__(self, module, device):
        module.contexts.append(device)


class TopologyHash:
    def __init__(self, tri):
        self.tri = tri


def rasterize(glctx, pos, tri, resolution, ranges=None, grad_db=True):
    assert isinstance(glctx, Context) and ranges is None
    demand(tri, pos)
    assert pos.ndim == 3 and len(pos) and len(tri)
    rast = CPU.rasterize(pos, tri, resolution)
    return rast, torch.zeros_like(rast)


def interpolate(attr, rast, tri, rast_db=None, diff_attrs=None):
    demand(tri, attr, rast)
    assert attr.ndim == 3 and len(attr) in (1, len(rast)) and attr.shape[2] and len(tri)
    out = CPU.interpolate(attr, rast, tri)
    return out, out.new_empty(*out.shape[:3], 0)


def antialias(color, rast, pos, tri, topology_hash=None, pos_gradient_boost=1.0):
    demand(tri, color, rast, pos)
    assert topology_hash is None or (isinstance(topology_hash, TopologyHash) and torch.equal(topology_hash.tri, tri))
    return CPU.antialias(color, rast, pos, tri)


def antialias_construct_topology_hash(tri):
    demand(tri)
    return TopologyHash(tri)


def demand(tri, *floats):
    assert tri.is_contiguous() and tri.dtype == torch.int32
    assert all(tensor.is_contiguous() and tensor.dtype == torch.float32 for tensor in floats)
