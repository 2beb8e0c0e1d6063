"""Download of one file: resumable, checked, bounded and atomic."""

import os
from pathlib import Path

from pipeline.base.errors import InputError
from pipeline.base.files import make_folder, sync_folder
from pipeline.downloads.curl import CANNOT_WRITE, Answer, Request, run_curl
from pipeline.downloads.digest import Digest, Pin, digest_of
from pipeline.downloads.disk import in_words, require_space

ESTIMATE_SLACK = 4
"""A file may have so many times its estimated size."""
SMALLEST_LIMIT = 16_000_000
"""Bytes that a file of unknown size may have in any case."""


class TransferError(InputError):
    """Failed transfer of a valid request, for lack of a network, a server or curl."""


def download(url: str, path: Path, pin: Pin, size: int) -> Digest:
    """Download `url` to `path`.

    The data goes to `<path>.part` first. An interrupted download leaves this file, and the next one resumes it. If a
    resumed file does not match its pin, it is downloaded once more from the beginning. No more is written than the
    pinned size, or `ESTIMATE_SLACK` times the estimated one. No message shows a password or a query of the URL.

    Args:
        pin: expected size and hash of the file.
        size: size of the file in bytes, exact or estimated, for the progress bar and the check of the disk space.

    Raises:
        TransferError: the file could not be downloaded completely.
        InputError: the disk space does not suffice, or the URL delivers a file that differs from its pin or is larger
            than it may be.
    """
    part = path.with_name(f"{path.name}.part")
    limit = max(ESTIMATE_SLACK * size, SMALLEST_LIMIT) if pin.bytes is None else pin.bytes
    request = Request(url, part, size, limit)
    difference: str | None = None
    make_folder(path.parent)
    for resumes in (True, False) if part.exists() else (False,):
        if not resumes:
            part.unlink(missing_ok=True)
        require_space(path.parent, size - request.done, f"the download of {path.name}")
        answer = _answered(request)
        if resumes and answer.cannot_resume:
            # The partial file may be complete already, which only a pinned hash can confirm.
            if pin.sha256 and pin.difference(found := digest_of(part)) is None:
                return _finish(part, path, found)
            continue
        if answer.too_large:
            difference = f"expected at most {in_words(limit)}, found more"
            break
        if answer.code or not part.is_file():
            raise TransferError(_explain(request, answer))
        found = digest_of(part)
        difference = pin.difference(found)
        if not difference:
            return _finish(part, path, found)
    part.unlink(missing_ok=True)
    raise InputError(
        f"{request.shown}: {difference}. Either something on the way changes the file (a proxy, a login page), or its "
        "publisher has replaced it. If you want the new one, set bytes and sha256 in downloads.yaml to null, and "
        "correct its approximate size there. Nothing was kept."
    )


def _answered(request: Request) -> Answer:
    answer = run_curl(request)
    if answer is None:
        raise TransferError(
            f"{request.shown}: expected the program curl to fetch it with, found none. Install it: apt install curl."
        )
    return answer


def _finish(part: Path, path: Path, found: Digest) -> Digest:
    """Give a complete part its name, for good."""
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    part.replace(path)
    sync_folder(path.parent)
    return found


def _explain(request: Request, answer: Answer) -> str:
    if not answer.code:
        return f"{request.shown}: the server sent nothing."
    text = f"{request.shown}: {answer.message or f'curl ended with {answer.code}'}."
    if answer.code == CANNOT_WRITE:
        text += f" {request.part.parent} cannot be written or its disk is full: free some space."
    if request.done:
        text += f" {request.done} bytes are kept in {request.part}; run this again to go on from there."
    return text
