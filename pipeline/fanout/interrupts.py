"""Handling of termination signals, so that the process ends its child processes before itself."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into KeyboardInterrupt.

    The stages run in process groups of their own, and would otherwise survive this process.
    """

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    # Signals that the caller ignores, for instance under nohup, stay ignored.
    numbers = [n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
