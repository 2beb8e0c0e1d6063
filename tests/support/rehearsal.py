"""Prepare a rehearsal of the paper's experiment, in place of what only a network brings: `make rehearse`.

The embedded benchmark, without its truth, becomes the two archives that the stage `fetch` looks for, and tiny random
networks in the files of the released ones become the weights; downloads.yaml pins them. Everything else is as for the
real thing. What comes out proves that the pieces fit, and says nothing of the method.
"""

import argparse
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.base.files import sha256, write_text
from pipeline.base.yaml_edits import edited
from pipeline.simulation.folders import MARKER
from support.orient_anything_tiny import random_state, write_checkpoint
from support.tiny_networks import write_tiny_depth_anything, write_tiny_dinov2, write_tiny_sam

WRITERS = {
    "sam-vit-base": write_tiny_sam,
    "sam-vit-huge": write_tiny_sam,
    "depth-anything-v2-small": write_tiny_depth_anything,
    "depth-anything-v2-large": write_tiny_depth_anything,
    "orient-anything-v2": lambda folder: write_checkpoint(folder, random_state()),
    "dinov2-small": write_tiny_dinov2,
}


def pack(benchmark: Path, downloads: Path) -> None:
    """The archives of the two releases."""
    downloads.mkdir(exist_ok=True)
    with zipfile.ZipFile(downloads / "PASCAL3D+_release1.1.zip", "w") as archive:
        for path in released(benchmark / "PASCAL3D+_release1.1"):
            archive.write(path, path.relative_to(benchmark))
    with tarfile.open(downloads / "SPair-71k.tar.gz", "w:gz") as archive:
        for path in released(benchmark / "SPair-71k"):
            archive.add(path, path.relative_to(benchmark))


def released(folder: Path) -> Iterator[Path]:
    """What a real release has too."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return (path for path in files if path.name != MARKER and not path.name.endswith(".truth.npz"))


def write_weights(root: Path) -> None:
    """Tiny networks, and their hashes in downloads.yaml."""
    for model, write in WRITERS.items():
        folder = root / "weights" / model
        folder.mkdir(parents=True)
        write(folder)
    path = root / "downloads.yaml"
    write_text(
        path, edited(path.read_text(encoding="utf-8"), lambda content: pin(content, root / "weights"), str(path))
    )


def pin(content: Any, weights: Path) -> None:
    """Put the hashes of the files of each model into the content of downloads.yaml."""
    for model in WRITERS:
        folder = weights / model
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        content["weights"][model]["files"] = {
            path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": sha256(path)}
            for path in files
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benchmark", type=Path, help="folder with the generated releases; it is removed")
    options = parser.parse_args()
    pack(options.benchmark, Path("downloads"))
    shutil.rmtree(options.benchmark)
    write_weights(Path())


if __name__ == "__main__":
    main()
