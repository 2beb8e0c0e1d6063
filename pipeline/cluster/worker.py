"""What a Ray worker does for a stage: the only code, beside the head's, that Ray calls."""

import contextlib
import os
from pathlib import Path
from typing import Any, NamedTuple

import ray

from pipeline.base.errors import InputError
from pipeline.base.files import make_folder, remove_folder
from pipeline.base.sources import ROOT
from pipeline.cluster.attempt import (
    Result,
    carry_out,
    link_code,
    link_data,
    link_files,
    place_of,
    progress_files,
)
from pipeline.cluster.mailbox import Letter
from pipeline.cluster.order import Order
from pipeline.cluster.packs import Pack, pack, signature, unpack, unpack_once
from pipeline.cluster.warm_worker import warm_variables
from pipeline.fanout.processes import stage_environment


class Answer(NamedTuple):
    """What a worker gives back."""

    result: Result
    packs: tuple[Pack, ...]
    """The outputs, where no folder is shared."""


def work_in_shared_folder(order: Order, root: str, home: str, log: str) -> Answer:
    """Make an attempt in a repository that this machine shares with the head.

    Args:
        root: root of the repository.
        home: folder of attempts in it, in which the head has made that of this attempt.
        log: log of the stage.

    Raises:
        InputError: this machine does not see the folder.
    """
    place = place_of(Path(home), order.stage, order.token)
    if not place.is_dir():
        raise InputError(
            f"{place}: the machine {_machine()} does not see this folder, which the head has made. Share the "
            "repository among all machines under the same path, or run with --scratch FOLDER."
        )
    link_code(place, Path(root))
    link_data(place, Path(root), order)
    result = carry_out(order, place, Path(log), _environment(order, root), place.is_dir)
    return Answer(result, ())


def work_in_scratch(order: Order, scratch: str, inputs: list[Pack], progress: list[Pack], mailbox: Any) -> Answer:
    """Make an attempt in a folder of this machine, with what the head has sent.

    Args:
        scratch: folder for it, and for inputs that later attempts can use again.
        progress: files to go on from.
        mailbox: the actor that takes letters.
    """
    store, place = Path(scratch) / "inputs", place_of(Path(scratch) / "attempts", order.stage, order.token)
    try:
        make_folder(store)
        make_folder(place)
        for sent in inputs:
            unpack_once(sent, store, ray.get)
        link_files(place, store, ((sent.sha256, sent.names) for sent in inputs))
        for sent in progress:
            unpack(sent, place, ray.get)
        link_code(place, ROOT)
        log = place / "log"
        log.touch()
        letters = _Letters(order, place, log, mailbox)
        result = carry_out(order, place, log, _environment(order, str(ROOT)), letters.post)
        letters.close()
        return Answer(result, tuple(put(place, [place / name for name in result.sums])))
    except OSError as error:
        raise InputError(
            f"{error.filename or scratch}: {error.strerror} on the machine {_machine()}. Free space in {scratch}, of "
            "which everything may be deleted between runs, or name another folder with --scratch."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            remove_folder(place)


def put(folder: Path, files: list[Path]) -> list[Pack]:
    """Put files below a folder into the object store."""
    return list(pack(folder, files, ray.put))


class _Letters:
    """The letters of one attempt."""

    def __init__(self, order: Order, place: Path, log: Path, mailbox: Any) -> None:
        self._order, self._place, self._mailbox = order, place, mailbox
        self._log, self._known = log.open("rb"), signature(progress_files(place))

    def post(self) -> bool:
        """Send what is new. Returns whether the attempt is still wanted."""
        files = progress_files(self._place)
        known = dict.fromkeys(self._known)
        found = []
        for path in files:
            with contextlib.suppress(FileNotFoundError):
                (state,) = signature([path])
                found.append((path, state))
        new = [path for path, state in found if state not in known]
        self._known = tuple(state for _, state in found)
        names = tuple(path.relative_to(self._place).as_posix() for path, _ in found)
        return self._send(names, list(pack(self._place, new)))

    def close(self) -> None:
        """Send what is left of the log. What the attempt could go on from is kept until its outputs have arrived."""
        self._send(None, [])
        self._log.close()

    def _send(self, progress: tuple[str, ...] | None, packs: list[Pack]) -> bool:
        letter = Letter(self._order.stage, self._order.token, self._log.read(), progress, packs)
        return ray.get(self._mailbox.post.remote(letter))


def _environment(order: Order, root: str) -> dict[str, str]:
    return {**stage_environment(), **warm_variables(order.modules, root)}


def _machine() -> str:
    return os.uname().nodename
