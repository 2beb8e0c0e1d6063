"""One attempt at a stage, on the machine that makes it: a folder of its own, in which nothing else is written.

In a repository that all machines share, the folder is `.dvc/tmp/cluster/<stage>/<token>`, and what the stage reads are
links to the repository. Otherwise it is in a scratch folder of the machine, and what the stage reads has been sent.
Either way a worker that is believed dead, and comes back, writes into a folder that nobody reads any more.
"""

import contextlib
import shutil
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from pipeline.base.files import make_folder, sha256
from pipeline.base.sources import PACKAGES
from pipeline.cluster.order import Order, data_of
from pipeline.cluster.packs import files_below
from pipeline.fanout.processes import Processes
from pipeline.fanout.work import Work

PROGRESS = ".checkpoints"
"""Folder, below the root, of what a stage that is interrupted goes on from."""
PRIVATE = ("locks", "first_phase")
"""Folders in it that are not the stage's own."""
INTERVAL = 2.0
"""Seconds between two looks at the progress."""


class Result(NamedTuple):
    """How an attempt has ended."""

    code: int
    """Exit code of the commands."""
    sums: dict[str, str]
    """SHA-256 of each file of the outputs."""


def place_of(home: Path, stage: str, token: str) -> Path:
    """Folder of an attempt in a folder of attempts."""
    return home / quote(stage, safe="@") / token


def link_code(place: Path, root: Path) -> None:
    """Link the packages of a folder into that of an attempt."""
    for name in PACKAGES:
        _link(root / name, place / name)


def link_data(place: Path, root: Path, order: Order) -> None:
    """Link what a stage reads besides code into the folder of an attempt; of a data set the whole."""
    for name in data_of(order):
        if (root / name).exists():
            whole = next((release for release in order.releases if Path(name).is_relative_to(release)), name)
            _link(root / whole, place / whole)


def link_files(place: Path, store: Path, archives: Iterable[tuple[str, tuple[str, ...]]]) -> None:
    """Put each file of unpacked archives into a folder, as a hard link where the file system has them.

    Args:
        store: folder of the archives.
        archives: SHA-256 and names of the files of each.
    """
    for digest, names in archives:
        for name in names:
            source, target = store / digest / name, place / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                try:
                    target.hardlink_to(source)
                except OSError:
                    shutil.copyfile(source, target)


def carry_out(order: Order, place: Path, log: Path, environment: Mapping[str, str], look: Callable[[], bool]) -> Result:
    """Run the commands of an order in the folder of an attempt.

    Args:
        log: file to which their output is added.
        environment: of the commands, to which the order adds.
        look: function that is called every few seconds meanwhile, and says whether the attempt is still wanted.

    Raises:
        KeyboardInterrupt: the attempt was stopped; so are its commands.
    """
    for name in (order.folder, *(str(Path(output).parent) for output in order.outputs)):
        make_folder(place / name)
    processes = Processes({**environment, **order.environment, "DVC_ROOT": str(place)})
    work = Work(order.commands, str(place / order.folder))
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(processes.execute(order.stage, work, log)))
    thread.start()
    try:
        while thread.is_alive():
            thread.join(INTERVAL)
            if not look():
                processes.stop()
    except BaseException:
        processes.stop()
        thread.join()
        raise
    code = codes[0] if codes else 1
    return Result(code, sums_of(place, order.outputs) if code == 0 else {})


def sums_of(place: Path, outputs: Iterable[str]) -> dict[str, str]:
    """SHA-256 of each file of the outputs in a folder, by its path there."""
    files = (path for output in outputs for path in files_below(place / output))
    return {path.relative_to(place).as_posix(): sha256(path) for path in files}


def progress_files(place: Path) -> list[Path]:
    """Files from which another attempt can go on."""
    top = place / PROGRESS
    private = tuple(top / name for name in PRIVATE)
    return [path for path in files_below(top) if not any(path.is_relative_to(folder) for folder in private)]


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        target.symlink_to(source)
