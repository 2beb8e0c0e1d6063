"""Numba kernels of the CPU rasterizer, one file for each operator.

Every kernel works on a range `[start, stop)` of independent units, which are image rows of the whole batch or
instances. Each output element is written by exactly one call, and every reduction is serial. Results therefore do not
depend on how the units are divided among threads. Geometry is computed in float64; images keep their dtype.

`no_type_check` excludes a kernel from the run-time type checking of the tests, which numba cannot compile.
"""

import functools
import sys
from collections.abc import Callable

import numba


def kernel(function: Callable) -> Callable:
    """Decorate a function to be compiled to a kernel, which runs without the interpreter lock.

    Compiled kernels are kept on disk. Where there is no place for them, each process compiles its own.
    """
    try:
        return numba.njit(nogil=True, cache=True, error_model="numpy")(function)
    except RuntimeError:
        # numba finds no folder that it can write.
        _say_that_nothing_is_kept()
        return numba.njit(nogil=True, error_model="numpy")(function)


@functools.cache
def _say_that_nothing_is_kept() -> None:
    print(
        "The rasterizer's compiled kernels cannot be kept: no folder for them can be written. Each process compiles "
        "them again, which takes a minute. Set NUMBA_CACHE_DIR to a folder of yours.",
        file=sys.stderr,
    )
