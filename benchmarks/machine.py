"""Description of the machine that the measurements ran on: processor, memory, GPU, versions, commit, load."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from pipeline.base.errors import InputError
from pipeline.fanout.machine import cores
from pipeline.rendering.rasterizer import make_rasterizer

PACKAGES = (
    "torch",
    "numba",
    "numpy",
    "scipy",
    "opencv-python-headless",
    "dvc",
    "transformers",
    "segment-anything",
    "nvdiffrast",
    "kaolin",
    "deodr",
)
"""Packages whose versions may affect the times. Packages that are not installed have the version None."""


def machine() -> dict[str, Any]:
    return {
        "processor": _value(Path("/proc/cpuinfo"), "model name") or platform.processor(),
        "cores": cores(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "cuda": torch.version.cuda,
        "threads": torch.get_num_threads(),
        "system": platform.platform(),
    }


def versions() -> dict[str, str | None]:
    return {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}}


def commit(root: Path) -> str | None:
    """Commit of the checkout, with '+' if files differ from it. None outside of a git repository."""
    found = _git(root, "rev-parse", "HEAD")
    return f"{found}+" if found and _git(root, "status", "--porcelain") else found


def load() -> list[float]:
    """Load averages over the last 1, 5 and 15 minutes."""
    return [round(value, 2) for value in os.getloadavg()]


def gpu_obstacle() -> str:
    """Reason why this machine cannot train on a GPU. Empty if it can."""
    if not torch.cuda.is_available():
        return f"torch {torch.__version__} finds no GPU here."
    try:
        make_rasterizer("auto", "cuda")
    except InputError as error:
        return str(error)
    return ""


def synchronise() -> None:
    """Wait until a GPU, if there is one, has finished all queued work."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _value(path: Path, key: str) -> str | None:
    """Read the first value of `key` from a file of lines such as 'key : value'."""
    lines = path.read_text().splitlines() if path.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == key), None)


def _git(root: Path, *arguments: str) -> str | None:
    try:
        found = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()
