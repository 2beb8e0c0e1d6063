"""GPUs for commands that run at once: each sees one of them, as `cuda`."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class Gpus:
    """Lends the GPU that fewest commands have; may be called from any thread.

    Args:
        names: as CUDA_VISIBLE_DEVICES takes them, e.g. '0' and '1'. Without any, commands see what the caller sees.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._lock = threading.Lock()
        self._users = dict.fromkeys(names, 0)

    @contextmanager
    def lend(self) -> Iterator[dict[str, str]]:
        """The environment variables of a command, while it runs."""
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
