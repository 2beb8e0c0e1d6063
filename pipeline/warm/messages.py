"""Messages between those who want a program started and the process that starts it."""

import json
import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ADDRESS = "SEMAGIC_WARM"
"""Environment variable with the path of the socket at which programs are started."""
STREAMS = 3
"""Number of descriptors that go with a request: standard input, output and error."""
_LENGTH = 8


class Request(NamedTuple):
    """A program that is to be started."""

    arguments: tuple[str, ...]
    """Arguments of Python, the first of which are -m and the name of a module."""
    environment: dict[str, str]
    folder: str
    """Working directory."""
    own_session: bool
    """Whether it leads a session and a process group of its own."""


def send_request(connection: socket.socket, request: Request, streams: Sequence[int]) -> None:
    """Send a request, with its three descriptors.

    Raises:
        OSError: nobody reads it.
    """
    text = json.dumps(request._asdict()).encode()
    socket.send_fds(connection, [len(text).to_bytes(_LENGTH, "big")], streams)
    connection.sendall(text)


def receive_request(connection: socket.socket) -> tuple[Request, list[int]]:
    """Receive a request and its descriptors, which the caller has to close.

    Raises:
        OSError: the sender has gone, or sends something else.
    """
    length, streams, _, _ = socket.recv_fds(connection, _LENGTH, STREAMS)
    try:
        if len(length) < _LENGTH or len(streams) < STREAMS:
            raise ConnectionError("no request")
        text = receive(connection, int.from_bytes(length, "big"))
        content = json.loads(text)
        return Request(tuple(content.pop("arguments")), **content), streams
    except BaseException:
        for stream in streams:
            os.close(stream)
        raise


def send_number(connection: socket.socket, number: int) -> None:
    """Send the number of a process, or its exit code.

    Raises:
        OSError: nobody reads it.
    """
    connection.sendall(number.to_bytes(_LENGTH, "big", signed=True))


def receive_number(connection: socket.socket) -> int:
    """Wait for a number.

    Raises:
        OSError: the sender has gone.
    """
    return int.from_bytes(receive(connection, _LENGTH), "big", signed=True)


def receive(connection: socket.socket, length: int) -> bytes:
    """Wait for so many bytes.

    Raises:
        OSError: the sender has gone before.
    """
    found = b""
    while len(found) < length:
        chunk = connection.recv(length - len(found))
        if not chunk:
            raise ConnectionError("the other end has gone")
        found += chunk
    return found


def signatures(folder: str) -> Mapping[str, tuple[int, int]]:
    """Time of change and size of each source file below a folder, by which a change is seen."""
    states = ((str(path), path.stat()) for path in Path(folder).rglob("*.py"))
    return {path: (state.st_mtime_ns, state.st_size) for path, state in states}
