"""Handling of termination signals, so that a process ends its child processes and its records before itself."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

INTERRUPTED = 130
"""Exit code of a command that Ctrl-C or a request to end has stopped."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into KeyboardInterrupt, which runs the `finally` clauses of the body."""

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
