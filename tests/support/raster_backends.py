"""The rasterizers that one suite of tests runs on."""

import pytest
import torch

from pipeline.rendering.cpu import CpuRasterizer
from pipeline.rendering.nvdiffrast import NvdiffrastRasterizer, nvdiffrast_obstacle
from support.nvdiffrast_stand_in import adapter

NAMES = ("cpu", "adapter", "nvdiffrast")
"""The CPU's; the adapter to nvdiffrast on a stand-in for that package, everywhere; on the package itself, on a GPU."""

FLOAT32_VALUES = 1e-4
"""Absolute bound on u, v, z/w and colours of a float32 backend."""
FLOAT32_GRADIENTS = 2e-3
"""Bound on its gradients, relative to the largest."""


class Backend:
    """A rasterizer that takes the tests' tensors, float64 or float32 on the CPU, and returns the like.

    All but the CPU's compute in float32, on a device of their own.
    """

    def __init__(self, inner, device, exact):
        self.inner, self.device = inner, torch.device(device)
        self.exact = exact
        """Whether it is the CPU's, which has float64, bit-identical results and a rule for equal depths."""

    def value_bound(self, cpu):
        return cpu if self.exact else max(cpu, FLOAT32_VALUES)

    def gradient_bound(self, cpu):
        return cpu if self.exact else max(cpu, FLOAT32_GRADIENTS)

    def representable(self, tensor):
        """The tensor as the backend sees it."""
        return tensor if self.exact else tensor.float().to(tensor.dtype)

    def rasterize(self, pos, tri, resolution):
        return self._back(self.inner.rasterize(self._there(pos), tri.to(self.device), resolution), pos)

    def interpolate(self, attr, rast, tri):
        return self._back(self.inner.interpolate(self._there(attr), self._there(rast), tri.to(self.device)), attr)

    def topology(self, tri, num_vertices):
        return self.inner.topology(tri.to(self.device), num_vertices)

    def antialias(self, color, rast, pos, tri, topology=None):
        inputs = (self._there(tensor) for tensor in (color, rast, pos))
        return self._back(self.inner.antialias(*inputs, tri.to(self.device), topology), color)

    def _there(self, tensor):
        return tensor if self.exact else tensor.to(self.device, torch.float32)

    def _back(self, tensor, like):
        return tensor if self.exact else tensor.to(like.device, like.dtype)


def make_backend(name):
    """The backend of this name; skips the test where it cannot be had."""
    if name == "cpu":
        return Backend(CpuRasterizer(threads=1), "cpu", True)
    if name == "adapter":
        return Backend(adapter(), "cpu", False)
    if reason := nvdiffrast_obstacle():
        pytest.skip(reason)
    return Backend(NvdiffrastRasterizer("cuda"), "cuda", False)


@pytest.fixture(scope="module", params=NAMES)
def each_backend(request):
    return make_backend(request.param)


def assert_same(backend, actual, expected):
    """To the bit on the CPU; a GPU adds up in any order."""
    if backend.exact:
        assert torch.equal(actual, expected)
    torch.testing.assert_close(actual, expected, atol=backend.value_bound(0), rtol=0)
