"""The process that talks to MLflow, from the side of the stage: nothing here waits unless it is told how long."""

import os
import select
from pathlib import Path
from typing import Any

from pipeline.base.sources import ROOT
from pipeline.tracking.conversation import line, parse
from pipeline.warm.client import start_program

PROGRAM = ("-P", "-m", "pipeline.tracking.worker")


class Courier:
    """A process of its own, which a store that hangs can neither stop nor delay.

    Attributes:
        ended: whether the process has ended.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self) -> None:
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        incoming, self._input = os.pipe()
        self._output, outgoing = os.pipe()
        with Path(os.devnull).open("wb") as nothing:
            streams = (incoming, outgoing, nothing.fileno())
            try:
                self._program = start_program(PROGRAM, streams, {**os.environ, "PYTHONPATH": path})
            except OSError:
                os.close(self._input)
                os.close(self._output)
                raise
            finally:
                os.close(incoming)
                os.close(outgoing)
        for descriptor in (self._input, self._output):
            os.set_blocking(descriptor, False)
        self._unsent, self._rest = bytearray(), b""
        self.ended = False

    def send(self, **message: Any) -> None:
        """Take a message along. It is written as soon as the process reads."""
        # After an interrupted write, the rest of a line may stand there without its end.
        self._unsent += b"\n" + line(message)

    def exchange(self, seconds: float = 0.0) -> list[dict[str, Any]]:
        """Write and read what is possible at once, after waiting for it up to `seconds`. Returns the answers."""
        poll = select.poll()
        poll.register(self._output, select.POLLIN)
        if self._unsent:
            poll.register(self._input, select.POLLOUT)
        answers = []
        for descriptor, _ in poll.poll(1000 * seconds):
            if descriptor == self._output:
                answers = self._read()
            else:
                self._write()
        return answers

    def close(self) -> None:
        """End the process at once."""
        self._program.kill()
        self._program.wait()
        os.close(self._output)
        os.close(self._input)

    def _write(self) -> None:
        try:
            while self._unsent:
                del self._unsent[: os.write(self._input, self._unsent)]
        except BlockingIOError:
            pass
        except OSError:
            # The process has ended, which the other pipe will tell.
            self._unsent.clear()

    def _read(self) -> list[dict[str, Any]]:
        chunk = os.read(self._output, 1 << 16)
        self.ended = not chunk
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return [answer for text in lines if (answer := parse(text)) is not None]
