"""Messages between a stage and the process that talks to MLflow for it: lines of JSON through pipes."""

import contextlib
import json
import os
import select
import time
from collections import deque
from typing import Any


class Conversation:
    """The worker's end: it waits for messages of the stage, and answers.

    Attributes:
        ended: whether the stage has closed its end, or died.
    """

    def __init__(self, incoming: int, outgoing: int) -> None:
        self.ended = False
        self._incoming, self._outgoing = incoming, outgoing
        self._lines: deque[bytes] = deque()
        self._rest = b""

    def receive(self, until: float | None = None) -> dict[str, Any] | None:
        """Wait for the next message; None where there is none by a time of the monotonic clock, or no more at all."""
        while True:
            while self._lines:
                if (message := parse(self._lines.popleft())) is not None:
                    return message
            seconds = None if until is None else max(0.0, until - time.monotonic())
            if self.ended or not select.select([self._incoming], [], [], seconds)[0]:
                return None
            chunk = os.read(self._incoming, 1 << 16)
            self.ended = not chunk
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            self._lines += lines

    def answer(self, **content: Any) -> None:
        """Send an answer to the stage, if it still listens."""
        with contextlib.suppress(OSError):
            os.write(self._outgoing, line(content))


def line(content: dict[str, Any]) -> bytes:
    """Write a message as a line."""
    return json.dumps(content).encode() + b"\n"


def parse(text: bytes) -> dict[str, Any] | None:
    """Read a message. None for a line that is no message, as a writer that was interrupted may leave."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None
