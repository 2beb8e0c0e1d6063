"""A Ray cluster of several machines, which are processes of this one."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

RAY = str(Path(sys.executable).with_name("ray"))
STORE = 256 * 2**20
"""Memory of a machine's object store [bytes]."""


class Machines:
    """A head without cores and some machines that work.

    Attributes:
        address: address of the cluster.
    """

    def __init__(self, number: int, cores: int = 1, **resources: Any) -> None:
        from ray.cluster_utils import Cluster

        self._options = {"num_cpus": cores, "object_store_memory": STORE, "memory": 64 * 10**9, **resources}
        self._cluster = Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 0, "object_store_memory": STORE, "include_dashboard": False},
        )
        self.address: str = self._cluster.address
        self._workers = [self.add() for _ in range(number)]

    def __enter__(self) -> "Machines":
        return self

    def __exit__(self, *_: object) -> None:
        self._cluster.shutdown()

    def add(self) -> Any:
        """Add a machine."""
        return self._cluster.add_node(**self._options)

    def replace(self, index: int) -> None:
        """Let one machine die, and another one come."""
        self._cluster.remove_node(self._workers[index], allow_graceful=False)
        self._workers[index] = self.add()

    def __len__(self) -> int:
        return len(self._workers)


def workers_at(stage: str = "") -> list[psutil.Process]:
    """Processes of Ray that execute stages, of those whose names begin with a text."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or [""]
        if words[0].startswith(f"ray::{stage}") and "@" in words[0]:
            found.append(process)
    return found


def wait_for(condition: Any, seconds: float = 60.0) -> bool:
    """Wait until a condition holds; False where it does not in so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def run_command(address: str, *options: str) -> list[str]:
    """Command line of a run on a cluster."""
    return [sys.executable, "-m", "semagic", "run", "--ray", address, *options]


def start(address: str, folder: Path, environment: dict[str, str], *options: str) -> subprocess.Popen:
    """Start a run on a cluster."""
    return subprocess.Popen(
        run_command(address, *options),
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    )
