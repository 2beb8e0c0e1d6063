"""Time limits end calls that nothing else ends."""

import contextlib
import signal
import threading
import time

import pytest

from pipeline.tracking import time_limit as module
from pipeline.tracking.time_limit import OutOfTimeError, time_limit


def test_a_call_that_hangs_is_ended_although_it_catches_everything():
    def stubborn():
        while True:
            with contextlib.suppress(Exception):
                time.sleep(600)

    with pytest.raises(OutOfTimeError, match="no answer within 0.05 seconds"), time_limit(0.05):
        stubborn()


def test_a_clean_up_that_hangs_is_ended_too(monkeypatch):
    monkeypatch.setattr(module, "AGAIN", 0.05)
    with pytest.raises(OutOfTimeError), time_limit(0.05):
        try:
            time.sleep(600)
        finally:
            time.sleep(600)


def test_nothing_is_left_behind():
    before = signal.getsignal(signal.SIGALRM)
    with time_limit(600):
        pass
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_other_threads_have_no_limit():
    done = []

    def limited():
        with time_limit(0.01):
            time.sleep(0.05)
        done.append(True)

    thread = threading.Thread(target=limited)
    thread.start()
    thread.join()
    assert done
