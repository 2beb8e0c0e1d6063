"""Distribution of GPUs over parallel commands. Each command sees one GPU, as `cuda`."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class Gpus:
    """Thread-safe pool that lends each command the GPU with the fewest users.

    Args:
        names: GPUs in the notation of CUDA_VISIBLE_DEVICES, such as '0' and '1'. If empty, commands see all GPUs that
            the caller sees.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._lock = threading.Lock()
        self._users = dict.fromkeys(names, 0)

    @contextmanager
    def lend(self) -> Iterator[dict[str, str]]:
        """Lend a GPU for the duration of the context, as environment variables for a command."""
        if not self._users:
            yield {}
            return
        with self._lock:
            name = min(self._users, key=self._users.__getitem__)
            self._users[name] += 1
        try:
            yield {"CUDA_VISIBLE_DEVICES": name}
        finally:
            with self._lock:
                self._users[name] -= 1
