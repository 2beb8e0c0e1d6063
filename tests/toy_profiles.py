"""Run shipped profiles at toy size through DVC, from nothing: `python tests/toy_profiles.py [NAME ...]`.

Each runs in a copy of this tree. It keeps its variants, its backbones and its sources of data and labels. It has two of
its categories, one of its seeds and the sizes of the profile `smoke`, so that its numbers mean nothing. What only a
network brings is made here as for `make rehearse`. A profile passes if all stages run, and a second run would find
nothing to do.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from pipeline.base.files import write_text
from pipeline.base.yaml_text import parse_yaml
from pipeline.config.params import Params, load_params, parse_params
from pipeline.config.profiles import merge_text, read_profile
from support.paths import ROOT
from support.profiles import PROFILES, generates_or_fetches
from support.rehearsal import pack, write_weights

RUN_STAGES = (sys.executable, "-m", "semagic", "run")
COPIES = ROOT / "build" / "profiles"
CATEGORIES = 2


def main() -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = list(filter(generates_or_fetches, PROFILES))
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *known], help=f"any of {', '.join(known)}")
    names = parser.parse_args().names or known
    outcomes = {}
    for name in names:
        print(f"== {name}", flush=True)
        started = time.monotonic()
        outcomes[name] = "passed" if passes(name) else "FAILED"
        outcomes[name] += f" after {time.monotonic() - started:.0f} s"
    for name, outcome in outcomes.items():
        print(f"{name:<12} {outcome}; {COPIES / name}")
    return int(any("FAILED" in outcome for outcome in outcomes.values()))


def passes(name: str) -> bool:
    """Whether a profile runs through in a new copy of the tree, and DVC then finds nothing to do."""
    copy = COPIES / name
    copy_tree(copy)
    params = write_toy_parameters(copy, name)
    if params.data.fetch:
        make_what_is_fetched(copy, params)
    if command(copy, *RUN_STAGES) != 0:
        return False
    if command(copy, "dvc", "status", "--quiet") != 0:
        command(copy, "dvc", "status")
        return False
    return (copy / "reports" / "table1.md").is_file()


def copy_tree(copy: Path) -> None:
    """What a commit of this tree would have, as a repository of its own."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    shutil.rmtree(copy, ignore_errors=True)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    author = ("-c", "user.name=toy", "-c", "user.email=toy@localhost")
    for arguments in (["init"], ["add", "--all"], [*author, "commit", "--message", "copy"]):
        subprocess.run(["git", *arguments], cwd=copy, check=True, capture_output=True)


def write_toy_parameters(copy: Path, name: str) -> Params:
    """Merge a profile into the copy's parameters, and then toy sizes."""
    path = copy / "params.yaml"
    text = merge_text(path.read_text(encoding="utf-8"), read_profile(copy / "profiles", name), name)
    text = merge_text(text, toy_sizes(parse_params(parse_yaml(text)), copy), "toy sizes")
    write_text(path, text)
    return load_params(path)


def toy_sizes(params: Params, copy: Path) -> dict[str, Any]:
    """The overrides of the profile `smoke` that leave open which variants and backbones are run."""
    overrides = read_profile(copy / "profiles", "smoke")
    del overrides["trained"]
    # The masks of a random network fit no object.
    overrides["masks"] = {"choice": {"box_overlap": 0, "box_share": 0}}
    return overrides | {"categories": list(params.categories[:CATEGORIES]), "seeds": list(params.seeds[:1])}


def make_what_is_fetched(copy: Path, params: Params) -> None:
    """Archives of generated releases, and tiny random networks in the files of the released ones."""
    made = copy / "made"
    shipped = (ROOT / "params.yaml").read_text(encoding="utf-8")
    write_text(made / "params.yaml", merge_text(shipped, toy_sizes(params, copy), "made"))
    if command(copy, sys.executable, "-m", "stages.data", "--root", "made") != 0:
        raise SystemExit(1)
    pack(made / "data", copy / "downloads")
    shutil.rmtree(made)
    write_weights(copy)


def command(copy: Path, *words: str) -> int:
    """Run a command in the copy, with this Python first in the search for programs; returns its exit code."""
    environment = dict(os.environ)
    environment.pop("MLFLOW_TRACKING_URI", None)
    environment.pop("PYTHONPATH", None)
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment["DVC_NO_ANALYTICS"] = "1"
    return subprocess.run(words, cwd=copy, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
