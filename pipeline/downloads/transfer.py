"""Download of one file with the program curl: resumable, checked, and atomic."""

import shutil
import subprocess
from pathlib import Path

from tqdm import tqdm

from pipeline.base.errors import InputError
from pipeline.downloads.digest import Digest, Pin, digest_of
from pipeline.downloads.disk import require_space

CONNECT_SECONDS = 10
STALL_SECONDS = 30
STALL_BYTES_PER_SECOND = 1000
"""Minimum speed: a transfer that stays below it for `STALL_SECONDS` is aborted."""
CANNOT_RESUME = (31, 33, 36)
"""Exit codes of curl for a download that cannot be resumed: FTP without REST, HTTP without ranges, a wrong offset."""
REFUSED, NOTHING_LEFT = 22, "416"
"""Exit code of curl for an HTTP error, and the HTTP status of a range that begins where the file ends."""
CANNOT_WRITE = 23
"""Exit code of curl for a failed local write."""


class TransferError(InputError):
    """Failed transfer of a valid request, for lack of a network, a server or curl."""


def download(url: str, path: Path, pin: Pin, size: int) -> Digest:
    """Download `url` to `path`.

    The data goes to `<path>.part` first. An interrupted download leaves this file, and the next one resumes it. If a
    resumed file does not match its pin, it is downloaded once more from the beginning.

    Args:
        pin: expected size and hash of the file.
        size: size of the file in bytes, exact or estimated, for the progress bar and the check of the disk space.

    Raises:
        TransferError: the file could not be downloaded completely.
        InputError: the disk space does not suffice, or the URL delivers a file that differs from its pin.
    """
    part = path.with_name(f"{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    for resumes in (True, False) if part.exists() else (False,):
        if not resumes:
            part.unlink(missing_ok=True)
        require_space(path.parent, size - _size(part), f"the download of {path.name}")
        code, message = _run_curl(url, part, size)
        if resumes and (code in CANNOT_RESUME or (code == REFUSED and NOTHING_LEFT in message)):
            # The partial file may be complete already, which only a pinned hash can confirm.
            if pin.sha256 and pin.difference(found := digest_of(part)) is None:
                part.replace(path)
                return found
            continue
        if code or not part.is_file():
            raise TransferError(_explain(url, part, code, message))
        found = digest_of(part)
        difference = pin.difference(found)
        if not difference:
            part.replace(path)
            return found
    part.unlink(missing_ok=True)
    raise InputError(
        f"{url}: {difference}. Either something on the way changes the file (a proxy, a login page), or its publisher "
        "has replaced it. If you want the new one, set bytes and sha256 in downloads.yaml to null. Nothing was kept."
    )


def _run_curl(url: str, part: Path, size: int) -> tuple[int, str]:
    """Run curl, which appends to `part`, and return its exit code and message."""
    program = shutil.which("curl")
    if not program:
        raise TransferError(
            f"{url}: expected the program curl to fetch it with, found none. Install it: apt install curl."
        )
    command = [program, "--silent", "--show-error", "--fail", "--location", "--globoff"]
    command += ["--proto", "=http,https,ftp", "--proto-redir", "=http,https"]
    command += ["--connect-timeout", str(CONNECT_SECONDS)]
    command += ["--speed-limit", str(STALL_BYTES_PER_SECOND), "--speed-time", str(STALL_SECONDS)]
    command += ["--continue-at", "-", "--output", str(part), "--url", url]
    quiet = subprocess.DEVNULL
    with (
        subprocess.Popen(
            command, stdin=quiet, stdout=quiet, stderr=subprocess.PIPE, text=True, errors="replace"
        ) as process,
        tqdm(total=size, initial=_size(part), desc=part.stem, unit="B", unit_scale=True) as progress,
    ):
        try:
            while True:
                try:
                    message = process.communicate(timeout=0.5)[1]
                    break
                except subprocess.TimeoutExpired:
                    progress.update(_size(part) - progress.n)
            progress.update(_size(part) - progress.n)
        except BaseException:
            process.kill()
            raise
    return process.returncode, message.strip()


def _explain(url: str, part: Path, code: int, message: str) -> str:
    if not code:
        return f"{url}: the server sent nothing."
    text = f"{url}: {message or f'curl ended with {code}'}."
    if code == CANNOT_WRITE:
        text += f" {part.parent} cannot be written or its disk is full: free some space."
    if _size(part):
        text += f" {_size(part)} bytes are kept in {part}; run this again to go on from there."
    return text


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0
