"""Checkpoints on disk: each counts only with a manifest, so that a torn or damaged one is found and passed over."""

import hashlib
import json
import re
from pathlib import Path
from typing import NamedTuple

from pipeline.base.files import named, remove_folder, write_bytes, write_json
from pipeline.training.checkpoint import Checkpoint, unpack

KEPT = 2
"""Number of checkpoints of a training: the one before the newest is there if the newest is damaged."""


class Found(NamedTuple):
    """The newest checkpoint that can be used, and what could not be used."""

    checkpoint: Checkpoint | None
    content: bytes
    """The bytes of the checkpoint; empty without one."""
    damaged: tuple[Path, ...]
    """Newer checkpoints that were damaged, or whose manifest was."""


class CheckpointFiles:
    """The checkpoints of one training in a folder, which other trainings may share.

    A checkpoint is `<identity>-<step>.safetensors`. Its manifest `<identity>-<step>.json`, which is written last and
    removed first, has its step and its SHA-256.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        self._folder, self._identity = folder, identity

    def save(self, step: int, content: bytes) -> None:
        """Write a checkpoint, and remove all but the newest ones. Two writers of equal content do not hurt each other.

        Raises:
            OSError: the files cannot be written; older checkpoints are still there.
        """
        write_bytes(self._data(step), content)
        write_json(self._manifest(step), _manifest(step, content))
        for old in self._steps()[KEPT:]:
            # Its manifest first: what a killed process leaves then looks unfinished, not damaged.
            self._manifest(old).unlink(missing_ok=True)
            self._data(old).unlink(missing_ok=True)

    def newest(self, before: int | None = None) -> Found:
        """Read the newest checkpoint that is whole, of those before a step if it is given.

        Damaged ones stay until they are written again.
        """
        damaged = []
        for step in self._steps():
            if before is not None and step >= before:
                continue
            whole = self._read(step)
            if whole is not None:
                return Found(*whole, tuple(damaged))
            # Without a manifest its writer was killed, or is at work.
            if self._manifest(step).exists():
                damaged.append(self._data(step))
        return Found(None, b"", tuple(damaged))

    def _read(self, step: int) -> tuple[Checkpoint, bytes] | None:
        """Read a checkpoint, and its bytes. None unless they are those of its manifest."""
        data, manifest = self._data(step), self._manifest(step)
        try:
            with named(manifest):
                expected = json.loads(manifest.read_bytes())
            with named(data):
                content = data.read_bytes()
            if expected != _manifest(step, content):
                return None
            return unpack(content), content
        except (ValueError, RecursionError, FileNotFoundError):
            return None

    def _steps(self) -> list[int]:
        """Steps of which there is a checkpoint or a manifest, the newest first."""
        pattern = re.compile(rf"{self._identity}-(\d{{1,18}})\.(?:safetensors|json)")
        names = [path.name for path in self._folder.iterdir()] if self._folder.is_dir() else []
        return sorted({int(match[1]) for name in names if (match := pattern.fullmatch(name))}, reverse=True)

    def _data(self, step: int) -> Path:
        return self._folder / f"{self._identity}-{step}.safetensors"

    def _manifest(self, step: int) -> Path:
        return self._folder / f"{self._identity}-{step}.json"


def _manifest(step: int, content: bytes) -> dict[str, str | int]:
    return {"sha256": hashlib.sha256(content).hexdigest(), "step": step}


def remove_checkpoints(folder: Path) -> None:
    """Forget the unfinished trainings of a cell once one has finished. Nobody else may train the cell meanwhile."""
    # As in `CheckpointFiles.save`, manifests first.
    for manifest in sorted(folder.glob("*.json")):
        manifest.unlink()
    remove_folder(folder)
