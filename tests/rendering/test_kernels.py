"""Kernels of the CPU rasterizer where their compiled form cannot be kept."""

from types import SimpleNamespace

import numba

from pipeline.rendering import kernels


def test_without_a_place_for_the_cache_kernels_are_compiled_by_each_process(monkeypatch, capsys):
    def without_cache(cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function 'double': no locator available")
        return numba.njit(**options)

    kernels._say_that_nothing_is_kept.cache_clear()
    monkeypatch.setattr(kernels, "numba", SimpleNamespace(njit=without_cache))
    double, triple = kernels.kernel(lambda x: 2 * x), kernels.kernel(lambda x: 3 * x)
    assert (double(4), triple(4)) == (8, 12)
    assert capsys.readouterr().err.count("Set NUMBA_CACHE_DIR") == 1
