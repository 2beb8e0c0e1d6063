"""Kernels on a pool of threads."""

import functools
import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def run(kernel: Callable[..., None], units: int, threads: int, *arguments: Any) -> None:
    """Call `kernel(start, stop, *arguments)` on ranges that together cover `units`, one range a thread.

    The caller's thread takes the first range. The kernel must release the interpreter lock, and units must be
    independent, for the result not to depend on `threads`.
    """
    ranges = max(1, min(threads, units))
    bounds = [units * i // ranges for i in range(ranges + 1)]
    futures = [
        _pool(threads, os.getpid()).submit(kernel, start, stop, *arguments)
        for start, stop in itertools.pairwise(bounds[1:])
    ]
    try:
        kernel(bounds[0], bounds[1], *arguments)
    finally:
        # The arguments must outlive every call, whatever happens to the first.
        for future in futures:
            future.result()


@functools.cache
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    """Shared by all callers in a process; `process` is part of the key because threads do not survive a fork."""
    return ThreadPoolExecutor(threads, thread_name_prefix="kernel")
