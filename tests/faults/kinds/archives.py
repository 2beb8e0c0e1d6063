"""Archives of releases, and the list of files that is left beside an unpacked one."""

import hashlib
from functools import partial
from pathlib import Path
from shutil import rmtree
from typing import Any

from faults.kind import Kind
from faults.text_operators import BAIT
from support.publishers import pins_text, tar_gz, zipped

FILES = {
    "Toy/PairAnnotation/000001-a-b:car.json": b"{}",
    "Toy/a.bin": bytes(range(256)) * 40,
    "Toy/b.txt": b"text " * 1000,
    "Toy/empty": b"",
}
NAMES = ("toy.zip", "toy.tar.gz")


def downloads(root: Path) -> None:
    """An archive in each format, pinned and not, and a release that is unpacked."""
    from pipeline.downloads.releases import fetch_release

    for name, content in zip(NAMES, (zipped(FILES), tar_gz(FILES)), strict=True):
        (root / name).write_bytes(content)
        pin = hashlib.sha256(content).hexdigest()
        (root / f"{name}.yaml").write_text(pins_text(f"http://127.0.0.1:9/{name}", "Toy", len(content), pin))
    fetch_release(root / "toy.zip.yaml", "toy", root, root / "release")


def _unpack(name: str, root: Path) -> dict[str, bytes]:
    from pipeline.downloads.archives import unpack

    target = root / "unpacked"
    rmtree(target, ignore_errors=True)
    before = {path.name for path in root.iterdir()}
    try:
        unpack(root / name, target, "Toy", 10_000_000)
    finally:
        assert {path.name for path in root.iterdir()} <= before | {target.name}, "something is left behind"
    assert not any(path.is_symlink() for path in target.rglob("*"))
    return {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()}


def _check_unpacked(found: dict[str, bytes]) -> None:
    assert len(found) <= 1000 and sum(map(len, found.values())) < 10_000_000
    assert not any(BAIT in name for name in found)


def _fetch(name: str, root: Path) -> Any:
    from pipeline.downloads.releases import fetch_release

    fetch_release(root / f"{name}.yaml", "toy", root, root / "again")
    return (root / "again" / "files.json").read_bytes()


def _manifest(root: Path) -> Any:
    from pipeline.downloads.manifest import read_manifest
    from pipeline.downloads.releases import fetch_release

    # Damage means that the release is unpacked once more.
    fetch_release(root / "toy.zip.yaml", "toy", root, root / "release")
    return read_manifest(root / "release")


KINDS = (
    *(Kind(f"archive, {name[4:]}", downloads, name, partial(_unpack, name), check=_check_unpacked) for name in NAMES),
    *(Kind(f"archive with a hash, {name[4:]}", downloads, name, partial(_fetch, name), exact=True) for name in NAMES),
    Kind("list of a release's files", downloads, "release/files.json", _manifest, "json", exact=True),
)
