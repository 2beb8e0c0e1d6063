"""A small DVC repository with downloads, and ways to damage it."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from pipeline.base.yaml_text import to_yaml
from pipeline.downloads.archives import unpack
from pipeline.downloads.manifest import Manifest, write_manifest
from support.paths import ROOT
from support.publishers import pins_text, tar_gz

FILES = {"Toy/a.bin": bytes(range(256)) * 10, "Toy/pairs/1:car.json": b"{}"}
ARCHIVE = tar_gz(FILES)
SHA256 = hashlib.sha256(ARCHIVE).hexdigest()
WEIGHTS = b"weights"
STAGES = {
    "data": {"cmd": "python code/make.py", "deps": ["code", "seed"], "outs": ["data"]},
    "train": {"cmd": "cat data/sub/* > model", "deps": ["data/sub", "tool.py"], "outs": ["model"]},
    "report": {"cmd": "cp model table", "deps": ["model", "seed"], "outs": [{"table": {"cache": False}}]},
}
MAKE = """
from pathlib import Path
Path("data/sub").mkdir(parents=True)
for name in ("one", "two", "sub/three"):
    (Path("data") / name).write_text(Path("seed").read_text() + name)
"""


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True)


def dvc(*arguments):
    """Run a command of DVC in this process, which is faster than another one."""
    from dvc.cli import main

    assert main(list(arguments)) == 0


def dvc_sees_nothing():
    from dvc.repo import Repo

    with Repo() as repo:
        return repo.status() == {}


def make_repository():
    run("git", "init", "--quiet")
    dvc("init", "--quiet")
    Path("code").mkdir()
    Path("code/make.py").write_text(MAKE)
    Path("tool.py").write_text("# Code.\n")
    Path("seed").write_text("1\n")
    Path("dvc.yaml").write_text(to_yaml({"stages": STAGES}))
    Path(".dvcignore").write_text("*.pyc\n")
    # The config of the machine names no user.
    run("git", "add", "code", "tool.py", "dvc.yaml")
    dvc("repro", "--quiet")
    shutil.copy(ROOT / "params.yaml", "params.yaml")
    pin = {"bytes": len(WEIGHTS), "sha256": hashlib.sha256(WEIGHTS).hexdigest()}
    files = {"model.safetensors": pin, "config.json": {"bytes": None, "sha256": None}}
    weights = {
        "toy-small": {
            "title": "Toy",
            "approximate_megabytes": 1,
            "repository": "a/b",
            "revision": "c",
            "licence": "MIT",
            "files": files,
        }
    }
    Path("downloads.yaml").write_text(pins_text("http://nowhere.invalid/toy.tar.gz", "Toy", None, SHA256, weights))
    for name, content in {"downloads/toy.tar.gz": ARCHIVE, "weights/toy-small/model.safetensors": WEIGHTS}.items():
        Path(name).parent.mkdir(parents=True)
        Path(name).write_bytes(content)
    Path("weights/toy-small/config.json").write_text("{}")
    fetch_again()


def fetch_again():
    target = Path("releases/toy")
    write_manifest(target, Manifest(SHA256, unpack(Path("downloads/toy.tar.gz"), target, "Toy", 10**7)))


def flip(path):
    """Another byte, with size and time as before."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size and path.stat().st_mtime_ns == before.st_mtime_ns


def damage_lines(lines):
    return [line for line in lines if line.startswith("damaged: ")]


def intact(check):
    code, lines = check()
    assert code == 0
    assert lines[-1].endswith("0 damaged, 0 changed since stages ran")
    return lines
