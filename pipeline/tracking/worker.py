"""The process that talks to MLflow for a stage: `python -m pipeline.tracking.worker`.

It reads messages from its standard input and answers on its standard output. When the input ends without a `finish`,
the stage has died, and the run is closed as KILLED.
"""

import os
import signal
import time
from pathlib import Path
from typing import Any

from pipeline.tracking.address import tracking_address
from pipeline.tracking.conversation import Conversation
from pipeline.tracking.delivery import Delivery, Request
from pipeline.tracking.loading import load_mlflow
from pipeline.tracking.record import Value
from pipeline.tracking.redaction import describe
from pipeline.tracking.store import Store
from pipeline.tracking.time_limit import OutOfTimeError, time_limit

PAUSE = 10.0
"""Seconds between two attempts to deliver."""
LONGEST_PAUSE = 600.0
"""Seconds between two attempts after many that failed."""
ATTEMPT_SECONDS = 20.0
"""Maximum duration of an attempt while the stage is at work."""
LAST_SECONDS = 8.0
"""Maximum duration of the attempt at the end of the stage."""


def serve(conversation: Conversation) -> None:
    """Record the run of one stage, from its first message to its last."""
    opening = conversation.receive()
    if opening is None:
        return
    root, experiment = Path(opening["root"]), opening["experiment"]
    load_mlflow(tracking_address(root))
    conversation.answer(loaded=True)
    delivery = Delivery(Request(**opening["request"]), lambda failed: Store(root, experiment, thorough=failed))
    pause, due, last = PAUSE, time.monotonic(), False
    while not last:
        message = conversation.receive(due)
        if message is not None:
            last = _take(delivery, message)
            if not last:
                continue
        elif conversation.ended:
            delivery.end("KILLED")
            last = True
        problem = attempt(delivery, LAST_SECONDS if last else ATTEMPT_SECONDS)
        if problem:
            conversation.answer(problem=problem)
        pause = min(2 * pause, LONGEST_PAUSE) if problem else PAUSE
        due = time.monotonic() + pause
    for note in filter(None, [delivery.note, *delivery.refused]):
        conversation.answer(note=note)
    conversation.answer(done=delivery.finished or delivery.skipped)


def attempt(delivery: Delivery, seconds: float) -> str:
    """Let a delivery make one attempt, and return what went wrong, or an empty text."""
    try:
        with time_limit(seconds):
            delivery.attempt()
    except (Exception, OutOfTimeError) as error:
        return describe(error)
    return ""


def _take(delivery: Delivery, message: dict[str, Any]) -> bool:
    """Pass a message on. True for the last one."""
    if "values" in message:
        delivery.add([Value(*value) for value in message["values"]])
    if "artifact" in message:
        path, folder = message["artifact"]
        delivery.attach(Path(path), folder)
    if "finish" in message:
        delivery.end(message["finish"])
    return "finish" in message


def main() -> None:
    # The stage decides: it receives the same signals, ends the run, and closes the pipe.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # What a library prints must not get among the answers.
    answers = os.dup(1)
    os.dup2(2, 1)
    serve(Conversation(0, answers))
    # Threads that a library has left in a call that hangs would be waited for.
    os._exit(0)


if __name__ == "__main__":
    main()
