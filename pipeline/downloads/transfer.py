"""One file from an address, by the program curl: resumed where it stopped, checked, and whole or not at all."""

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
"""A transfer that is slower than this for so many seconds is given up."""
CANNOT_RESUME = (31, 33, 36)
"""Exit codes of curl where server and file on disk do not allow to go on: FTP's REST, HTTP's range, a wrong offset."""
REFUSED, NOTHING_LEFT = 22, "416"
"""Exit code of curl for HTTP's errors, and the one of a range that begins where the file ends."""
CANNOT_WRITE = 23


class TransferError(InputError):
    """Nothing is wrong with what was asked for, but it did not arrive: no network, no server, no curl."""


def download(url: str, path: Path, pin: Pin, size: int) -> Digest:
    """Download `url` to `path`, by way of `<path>.part`, which an interrupted download leaves and the next one resumes.

    A file that was resumed and is not the pinned one is fetched once more from its beginning.

    Args:
        pin: what the file has to be.
        size: its bytes, for the progress bar and the disk space; may be an estimate.

    Raises:
        TransferError: it could not be fetched, or not completely.
        InputError: there is no space, or the address delivers another file than the pinned one.
    """
    part = path.with_name(f"{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    for resumes in (True, False) if part.exists() else (False,):
        if not resumes:
            part.unlink(missing_ok=True)
        require_space(path.parent, size - _size(part), f"the download of {path.name}")
        code, message = _run_curl(url, part, size)
        if resumes and (code in CANNOT_RESUME or (code == REFUSED and NOTHING_LEFT in message)):
            # What is there may be all of it already; without a pin nothing tells.
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
    """Exit code and message of curl, which appends to `part`."""
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
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    with (
        subprocess.Popen(command, text=True, errors="replace", **streams) as process,
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
