"""One run of the program curl, which appends to a file, bounded in size and without secrets in its messages."""

import contextlib
import resource
import shutil
import signal
import subprocess
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from pipeline.downloads.addresses import without_secrets

CONNECT_SECONDS = 10
STALL_SECONDS = 30
STALL_BYTES_PER_SECOND = 1000
"""Minimum speed: a transfer that stays below it for `STALL_SECONDS` is aborted."""
MOST_REDIRECTIONS = 10
CANNOT_RESUME = (31, 33, 36)
"""Exit codes of curl for a download that cannot be resumed: FTP without REST, HTTP without ranges, a wrong offset."""
REFUSED, NOTHING_LEFT = 22, "416"
"""Exit code of curl for an HTTP error, and the HTTP status of a range that begins where the file ends."""
CANNOT_WRITE = 23
"""Exit code of curl for a failed local write."""
TOO_LARGE = (63, -signal.SIGXFSZ)
"""Exit codes of curl for a file that is announced, or turns out, to be larger than the limit."""


class Request(NamedTuple):
    """Order for curl."""

    url: str
    part: Path
    """File to append to."""
    size: int
    """Size of the complete file in bytes, exact or estimated."""
    limit: int
    """Bytes that the complete file may have."""

    @property
    def shown(self) -> str:
        """Address for messages."""
        return without_secrets(self.url)

    @property
    def done(self) -> int:
        """Size of the part in bytes."""
        return self.part.stat().st_size if self.part.is_file() else 0


class Answer(NamedTuple):
    """How curl ended."""

    code: int
    """Exit code; the negative number of a signal."""
    message: str

    @property
    def too_large(self) -> bool:
        """Whether the file is larger than the limit."""
        return self.code in TOO_LARGE

    @property
    def cannot_resume(self) -> bool:
        """Whether the part, if there was one, was the obstacle."""
        nothing_left = self.code == REFUSED and NOTHING_LEFT in self.message
        return self.code in CANNOT_RESUME or nothing_left or self.too_large


def run_curl(request: Request) -> Answer | None:
    """Run curl with a progress bar. None where the program is not installed."""
    program = shutil.which("curl")
    if not program:
        return None
    pipe, quiet = subprocess.PIPE, subprocess.DEVNULL
    command = [program, "--config", "-"]
    with (
        subprocess.Popen(command, stdin=pipe, stdout=quiet, stderr=pipe, text=True, errors="replace") as process,
        tqdm(total=request.size, initial=request.done, desc=request.part.stem, unit="B", unit_scale=True) as progress,
    ):
        try:
            with contextlib.suppress(ProcessLookupError):
                # curl itself goes by the length that the server states, if it states one.
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (request.limit, request.limit))
            options: str | None = _options(request)
            while True:
                try:
                    message = process.communicate(options, timeout=0.5)[1]
                    break
                except subprocess.TimeoutExpired:
                    options = None
                    progress.update(request.done - progress.n)
            progress.update(request.done - progress.n)
        except BaseException:
            process.kill()
            raise
    return Answer(process.returncode, without_secrets(message.strip()))


def _options(request: Request) -> str:
    """Options in the form of a configuration file: a command line is visible to everybody on the machine."""
    options = {
        "proto": "=http,https,ftp",
        # Neither a file of this machine nor, after https, what anybody on the way could change.
        "proto-redir": "=https" if request.url.startswith("https:") else "=http,https",
        "max-redirs": MOST_REDIRECTIONS,
        "connect-timeout": CONNECT_SECONDS,
        "speed-limit": STALL_BYTES_PER_SECOND,
        "speed-time": STALL_SECONDS,
        "max-filesize": request.limit,
        "continue-at": "-",
        "output": request.part,
        "url": request.url,
    }
    switches = ("silent", "show-error", "fail", "location", "globoff")
    return "".join([*(f"{name}\n" for name in switches), *(f"{name} = {_quoted(options[name])}\n" for name in options)])


def _quoted(value: object) -> str:
    text = str(value)
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(plain, escaped)
    return f'"{text}"'
