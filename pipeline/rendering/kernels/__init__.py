"""Numba kernels of the CPU rasterizer, one file for each operator.

Every kernel works on a range `[start, stop)` of independent units (image rows of the whole batch, or instances), so
that each output element is written by exactly one call and every reduction is serial: results do not depend on how
the units are divided among threads. Geometry is computed in float64; images keep their dtype.

`no_type_check` keeps the run-time type checking of the tests, which wraps every function, away from the compiler.
"""

import numba

kernel = numba.njit(nogil=True, cache=True, error_model="numpy")
"""Decorator that compiles a function to a kernel that runs without the interpreter lock."""
