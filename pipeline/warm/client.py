"""Start of programs: in a fork of the warm process where there is one, else in a new interpreter."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipeline.warm.messages import ADDRESS, Request, receive_number, send_request

LOST = 255
"""Exit code of a program whose end nobody has seen."""
LONGEST_START = 60.0
"""Seconds that the warm process has to start a program, its own imports included."""


class Program:
    """A program that runs, like `subprocess.Popen` where that is needed here.

    Attributes:
        pid: number of its process, which no other process is given before `wait` has returned.
    """

    def __init__(self, pid: int, process: subprocess.Popen | None, connection: socket.socket | None) -> None:
        self.pid = pid
        self._process, self._connection = process, connection
        self._code: int | None = None

    @classmethod
    def start(
        cls,
        command: Sequence[str],
        streams: Sequence[int],
        environment: Mapping[str, str],
        folder: str,
        *,
        own_session: bool,
    ) -> "Program":
        """Start any command in a process of its own; the arguments are those of `start_program`.

        Raises:
            OSError: it cannot be started.
        """
        stdin, stdout, stderr = streams
        process = subprocess.Popen(
            command,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=environment,
            cwd=folder,
            start_new_session=own_session,
        )
        return cls(process.pid, process, None)

    def ended(self) -> None:
        """Wait for its end; the number of its process stays its own."""
        if self._process is not None:
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        elif self._code is None:
            assert self._connection is not None
            try:
                self._code = receive_number(self._connection)
            except OSError:
                self._code = LOST

    def wait(self) -> int:
        """Wait for its end, and return the exit code, which is negative if a signal ended it."""
        if self._process is not None:
            return self._process.wait()
        self.ended()
        assert self._connection is not None and self._code is not None
        self._connection.close()
        return self._code

    def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def start_program(
    arguments: Sequence[str],
    streams: Sequence[int],
    environment: Mapping[str, str] | None = None,
    folder: str | None = None,
    *,
    own_session: bool = False,
) -> Program:
    """Start Python with arguments that begin with `-m` and a module, or with `-P -m`.

    Args:
        streams: descriptors of standard input, output and error, which stay the caller's.
        environment: of the program; by default that of this process.
        folder: working directory of the program; by default that of this process.
        own_session: whether it leads a session and a process group of its own.

    Raises:
        OSError: it cannot be started.
    """
    environment = dict(os.environ if environment is None else environment)
    folder = os.path.realpath(folder or Path.cwd())
    address = environment.get(ADDRESS)
    if address:
        with contextlib.suppress(OSError):
            return _start_warm(address, Request(tuple(arguments), environment, folder, own_session), streams)
    return Program.start([sys.executable, *arguments], streams, environment, folder, own_session=own_session)


@contextmanager
def warm(modules: Sequence[str], folder: Path) -> Iterator[dict[str, str]]:
    """Keep a warm process as long as the body runs.

    Args:
        modules: what it imports.
        folder: working directory of the programs, in which their modules are found.

    Yields:
        Environment variables of those who start programs in it.
    """
    with tempfile.TemporaryDirectory(prefix="semagic") as place:
        address = str(Path(place) / "warm")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(address)
            listener.listen(socket.SOMAXCONN)
            process = subprocess.Popen(
                [sys.executable, "-m", "pipeline.warm.server", str(listener.fileno()), *modules],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                cwd=folder,
                pass_fds=[listener.fileno()],
            )
        try:
            yield {ADDRESS: address}
        finally:
            process.kill()
            process.communicate()


def _start_warm(address: str, request: Request, streams: Sequence[int]) -> Program:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(LONGEST_START)
        connection.connect(address)
        receive_number(connection)
        # Whoever gave up after the request, and started the program otherwise, would have it twice.
        connection.settimeout(None)
        send_request(connection, request, streams)
        return Program(receive_number(connection), None, connection)
    except BaseException:
        connection.close()
        raise
