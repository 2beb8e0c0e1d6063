"""The process that forks for each program: `python -m pipeline.warm.server SOCKET MODULE ...`.

It imports the modules, and then answers on the socket that it inherits: it tells that it is there, receives a request,
forks, tells the number of the new process, and tells the exit code when that ends. The number is not given to another
process before the one who asked has closed the connection. It ends when its standard input ends, that is, with the
process that started it.
"""

import atexit
import contextlib
import importlib
import os
import runpy
import selectors
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import NamedTuple, NoReturn

from setproctitle import getproctitle, setproctitle

from pipeline.base.sources import PACKAGES, ROOT
from pipeline.warm.messages import Request, receive_request, send_number, signatures

SOURCES = str(ROOT / "pipeline")


class Child(NamedTuple):
    """A program that runs."""

    pid: int
    descriptor: int
    """Becomes readable when the program ends."""
    connection: socket.socket
    """Of the one who asked for it."""


def serve(listener: socket.socket) -> Request | None:
    """Answer requests until the standard input ends.

    Returns:
        In each new process its request; None in this one.
    """
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ)
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj == 0:
                    return None
                if key.fileobj is listener:
                    request = _start(listener, selector)
                    if request is not None:
                        return request
                elif key.fileobj == key.data.descriptor:
                    _tell_end(key.data, selector)
                else:
                    _forget(key.data, selector)


def _start(listener: socket.socket, selector: selectors.BaseSelector) -> Request | None:
    """Accept a request, and fork. Returns the request in the new process."""
    try:
        connection, _ = listener.accept()
        send_number(connection, os.getpid())
        request, streams = receive_request(connection)
    except (OSError, ValueError):
        return None
    pid = os.fork()
    if pid == 0:
        connection.close()
        _leave(selector)
        _become(request, streams)
        return request
    for stream in streams:
        os.close(stream)
    descriptor = os.pidfd_open(pid)
    with contextlib.suppress(OSError):
        # Whoever asked may have ended meanwhile; the program sees that by itself.
        send_number(connection, pid)
    selector.register(descriptor, selectors.EVENT_READ, Child(pid, descriptor, connection))
    return None


def _leave(selector: selectors.BaseSelector) -> None:
    """Close in this new process what belongs to the server: the listener, and what it holds of other programs."""
    for key in list(selector.get_map().values()):
        if isinstance(key.fileobj, socket.socket):
            key.fileobj.close()
        elif key.data is not None:
            os.close(key.data.descriptor)
            key.data.connection.close()


def _become(request: Request, streams: list[int]) -> None:
    """Give this new process what the program expects."""
    if request.own_session:
        os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(request.environment)
    os.chdir(request.folder)
    setproctitle(" ".join(["python", *request.arguments]))


def _tell_end(child: Child, selector: selectors.BaseSelector) -> None:
    """Send the exit code, negative for a signal. The process stays in the table until the connection is closed."""
    selector.unregister(child.descriptor)
    os.close(child.descriptor)
    found = os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert found is not None
    code = found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
    with contextlib.suppress(OSError):
        send_number(child.connection, code)
    selector.register(child.connection, selectors.EVENT_READ, child)


def _forget(child: Child, selector: selectors.BaseSelector) -> None:
    selector.unregister(child.connection)
    child.connection.close()
    os.waitpid(child.pid, 0)


def main() -> None:
    """Import, serve, and in a new process run its program."""
    # What it later writes a title over, it finds as long as the environment is as it began.
    getproctitle()
    # The one who started this ends it; Ctrl-C on the terminal reaches both.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    folder, before = os.path.realpath(Path.cwd()), signatures(SOURCES)
    for module in sys.argv[2:]:
        # What cannot be imported tells so in the program that needs it.
        with contextlib.suppress(Exception):
            importlib.import_module(module)
    request = serve(socket.socket(fileno=int(sys.argv[1])))
    if request is None:
        # Threads of libraries are not waited for.
        os._exit(0)
    arguments = request.arguments
    if not _same_code(request.folder, folder) or signatures(SOURCES) != before:
        # Elsewhere, or after an edit, other code is imported: only a new interpreter runs what is there now.
        os.execv(sys.executable, [sys.executable, *arguments])
    sys.path[:] = [request.folder if path == folder else path for path in sys.path]
    module = arguments[arguments.index("-m") + 1]
    sys.argv = [module, *arguments[arguments.index("-m") + 2 :]]
    _end(_run(module))


def _same_code(folder: str, other: str) -> bool:
    """Whether the packages of two folders are the same ones, as where one folder has links to those of the other."""
    return all(Path(folder, name).resolve() == Path(other, name).resolve() for name in PACKAGES)


def _run(module: str) -> int:
    """Run a program, and return its exit code."""
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            return error.code or 0
        print(error.code, file=sys.stderr)
        return 1
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        return 1
    return 0


def _end(code: int) -> NoReturn:
    """End the program as Python does, but leave the memory to the system: to free what the server has imported, object
    by object, takes one to two seconds.
    """
    # What multiprocessing does in its forks.
    threading._shutdown()  # pyright: ignore[reportAttributeAccessIssue]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
