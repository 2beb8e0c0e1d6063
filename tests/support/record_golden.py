"""Record what nvdiffrast computes on a few small scenes, for machines without a GPU: `python -m support.record_golden`.

It writes tests/golden/<scene>.npz, which tests/rendering/test_golden.py compares the CPU's rasterizer with. It records
nvdiffrast alone: a recording of the CPU's rasterizer would compare it with itself.
"""

import argparse
import importlib.metadata
import sys

import torch

from pipeline.rendering.nvdiffrast import NvdiffrastRasterizer, nvdiffrast_obstacle
from support import golden_recordings

SIZE = 64
"""Side of the images in pixels."""


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    if reason := nvdiffrast_obstacle():
        sys.exit(f"Only nvdiffrast on a GPU can be recorded. {reason}")
    rasterizer = NvdiffrastRasterizer("cuda")
    versions = {
        "nvdiffrast": importlib.metadata.version("nvdiffrast"),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "gpu": torch.cuda.get_device_name(),
    }
    for name in golden_recordings.scenes(SIZE):
        path = golden_recordings.FOLDER / f"{name}.npz"
        golden_recordings.write(path, golden_recordings.record(rasterizer, name, SIZE, "cuda", versions))
        print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
