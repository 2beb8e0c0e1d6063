"""Connection to a Ray cluster, and what its machines have."""

import importlib.util
import logging
import re
import signal
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pipeline.base.errors import InputError

GIGABYTE = 10**9
LONGEST_ANSWER = 10.0
"""Seconds within which somebody has to answer at the address of a cluster."""
IGNORED = (".git", ".dvc", ".venv", "build", "docs", "tests", "reports", "mlruns")
"""Folders of the repository that workers have no use for."""


@contextmanager
def connected(address: str, runtime: Mapping[str, Any]) -> Iterator[Any]:
    """Be a driver of a cluster while the body runs.

    Args:
        address: as for `ray.init`: auto, HOST:PORT or ray://HOST:PORT.
        runtime: runtime environment of the workers.

    Yields:
        The module `ray`.

    Raises:
        InputError: Ray is not installed, nobody answers, or the cluster has another version.
    """
    if importlib.util.find_spec("ray") is None:
        raise InputError("--ray: Ray is not installed. Install it: pip install 'semagic[ray]'.")
    _check_answers(address)
    import ray

    # Ray puts handlers of its own in the place of those that end a run in order.
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        ray.init(address, runtime_env=dict(runtime), log_to_driver=False, logging_level=logging.ERROR)
        for number, handler in handlers.items():
            signal.signal(number, handler)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        raise InputError(
            f"--ray {address}: no cluster can be used there: {' '.join(str(error).split())} Start one "
            "(`ray start --head`), correct the address, or use the same versions of Ray and Python everywhere."
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    """Refuse an address at which nobody answers, which Ray tries for minutes."""
    if address == "auto":
        return
    found = re.fullmatch(r"(?:ray://)?([\w.-]+|\[[0-9a-fA-F:]+\]):([0-9]{1,5})", address)
    if found is None:
        raise InputError(f"--ray: expected auto, HOST:PORT or ray://HOST:PORT, found '{address}'.")
    try:
        socket.create_connection((found[1].strip("[]"), int(found[2])), timeout=LONGEST_ANSWER).close()
    except (OSError, OverflowError) as error:
        raise InputError(
            f"--ray {address}: nobody answers there ({error}). Start a cluster (`ray start --head`), correct the "
            "address, or let the firewall pass it."
        ) from error


def check_resources(needed: Mapping[str, Mapping[str, float]], nodes: list[Mapping[str, Any]]) -> None:
    """Refuse stages that no machine can run.

    Args:
        needed: resources of each stage, in Ray's names.
        nodes: machines, as `ray.nodes` lists them.

    Raises:
        InputError: a stage needs more of something than any one machine has.
    """
    machines = _machines(nodes)
    for stage, wanted in needed.items():
        if not any(_places(wanted, machine) for machine in machines):
            found = "; ".join(sorted({_in_words(machine) for machine in machines})) or "none"
            raise InputError(
                f"params.yaml: resources: no machine of the cluster has what a cell of the stage '{stage}' needs, "
                f"{_in_words(wanted)}. Found: {found}. Ask for less, add such a machine, or, where the cluster adds "
                "machines by itself, run with --autoscaling."
            )


def count_places(needed: Iterable[Mapping[str, float]], nodes: list[Mapping[str, Any]]) -> int:
    """Number of cells that machines can execute at once, of the stage that takes least.

    Args:
        needed: resources of the stages, in Ray's names; each takes some of something.
        nodes: machines, as `ray.nodes` lists them.
    """
    return max(sum(_places(wanted, machine) for machine in _machines(nodes)) for wanted in needed)


def _machines(nodes: list[Mapping[str, Any]]) -> list[Mapping[str, float]]:
    """Resources of the machines that are there."""
    return [node["Resources"] for node in nodes if node["Alive"]]


def _places(wanted: Mapping[str, float], machine: Mapping[str, float]) -> int:
    return min(int(machine.get(name, 0) / amount) for name, amount in wanted.items() if amount)


def _in_words(resources: Mapping[str, float]) -> str:
    cores, gpus, memory = (resources.get(name, 0) for name in ("CPU", "GPU", "memory"))
    return f"{cores:g} cores, {gpus:g} GPUs, {memory / GIGABYTE:.1f} GB of memory"
