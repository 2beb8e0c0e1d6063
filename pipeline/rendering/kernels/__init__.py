"""Numba kernels of the CPU rasterizer, one file for each operator.

Every kernel works on a range `[start, stop)` of independent units, which are image rows of the whole batch or
instances. Each output element is written by exactly one call, and every reduction is serial. Results therefore do not
depend on how the units are divided among threads. Geometry is computed in float64; images keep their dtype.

`no_type_check` excludes a kernel from the run-time type checking of the tests, which numba cannot compile.
"""

import numba

kernel = numba.njit(nogil=True, cache=True, error_model="numpy")
"""Decorator that compiles a function to a kernel, which runs without the interpreter lock."""
