"""Time and memory that this process takes, in words: what `resources` in params.yaml has to grant."""

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

GIGABYTE = 10**9
STATUS = Path("/proc/self/status")
"""What Linux tells about this process."""


class Usage(NamedTuple):
    """What a process has taken."""

    seconds: float
    processor_seconds: float
    """Seconds of all cores together."""
    memory: int
    """Largest resident memory [bytes]."""
    gpu_memory: int
    """Largest memory that torch had allocated on the current GPU [bytes]; 0 where it has used none."""

    def __str__(self) -> str:
        """Such as 'Took 63.2 s, 118.0 s of processor time, at most 1.91 GB of memory.'"""
        gpu = f" and {self.gpu_memory / GIGABYTE:.2f} GB of GPU memory" if self.gpu_memory else ""
        return (
            f"Took {self.seconds:.1f} s, {self.processor_seconds:.1f} s of processor time, at most "
            f"{self.memory / GIGABYTE:.2f} GB of memory{gpu}."
        )


@contextmanager
def usage_printed() -> Iterator[None]:
    """Print what this process has taken, if the body ends without an exception. The seconds are those of the body."""
    began = time.monotonic()
    yield
    spent = time.process_time()
    print(Usage(time.monotonic() - began, spent, peak_memory(), _peak_gpu_memory()), flush=True)


def peak_memory() -> int:
    """Largest resident memory of this process so far [bytes], with what it shares with the process that it was forked
    from.
    """
    if STATUS.exists():
        # `getrusage` also counts the memory of the program from which this one was started.
        fields = dict(line.split(":", 1) for line in STATUS.read_text(encoding="utf-8").splitlines())
        return int(fields["VmHWM"].split()[0]) * 1024
    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found if sys.platform == "darwin" else found * 1024


def _peak_gpu_memory() -> int:
    torch = sys.modules.get("torch")
    return torch.cuda.max_memory_allocated() if torch is not None and torch.cuda.is_initialized() else 0
