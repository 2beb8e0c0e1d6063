"""The kind of machine that computes: results are the same to the last bit only on machines of one kind."""

import platform
import re
from pathlib import Path

import torch

CPU_INFO = Path("/proc/cpuinfo")
"""What Linux tells about the processor."""


def machine_kind(device: torch.device) -> str:
    """Name of the kind of machine that a device is of.

    For a GPU it is its model, such as 'NVIDIA H200'. For a CPU it is what libraries choose their code by: the
    architecture, the maker and the vector instructions, such as 'x86_64 AuthenticAMD AVX512'.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    maker = re.search(r"^vendor_id\s*:\s*(\S+)", _cpu_info(), re.MULTILINE)
    words = (platform.machine(), maker[1] if maker else "", torch.backends.cpu.get_cpu_capability())
    return " ".join(filter(None, words))


def _cpu_info() -> str:
    return CPU_INFO.read_text(encoding="utf-8", errors="replace") if CPU_INFO.exists() else ""
