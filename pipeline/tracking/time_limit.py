"""A limit of time for calls into libraries that know none, or whose own limits a slow server evades."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

AGAIN = 2.0
"""Seconds until the limit strikes again, in case a clean-up hangs as well or has swallowed the error."""


class OutOfTimeError(BaseException):
    """The time is over. Clauses of libraries that catch every `Exception` and try again do not catch it."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Interrupt the body after `seconds`. There is no limit outside the main thread, which alone receives signals.

    Raises:
        OutOfTimeError: the body took longer.
    """

    def interrupt(*_: Any) -> None:
        raise OutOfTimeError(f"no answer within {seconds:g} seconds")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
