"""Execution of kernels on a pool of threads."""

import functools
import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def run(kernel: Callable[..., None], units: int, threads: int, *arguments: Any) -> None:
    """Call `kernel(start, stop, *arguments)` on ranges that together cover `units`, one range for each thread.

    The caller's thread runs the first range. The kernel should release the interpreter lock. The result does not
    depend on `threads` if the units are independent.
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
        # The arguments must outlive every call, even if the first one fails.
        for future in futures:
            future.result()


@functools.cache
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    """Thread pool shared by all callers in a process. `process` is a cache key, as threads do not survive a fork."""
    return ThreadPoolExecutor(threads, thread_name_prefix="kernel")
