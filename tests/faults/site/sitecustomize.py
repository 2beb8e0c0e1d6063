"""Python reads this before a program where its folder is in PYTHONPATH: kill a stage in the middle of its writing.

While the file that SEMAGIC_KILL names exists, each stage counts its calls that write. The first stage that makes as
many as the file says removes it, and dies before the last of them.
"""

import os
import signal
from pathlib import Path

CALLS = ("write", "fsync", "replace", "rename", "mkdir", "unlink", "rmdir", "ftruncate")


def arm(order: Path) -> None:
    """Make the calls that write obey an order."""
    stat, unlink, count = os.stat, os.unlink, 0

    def count_one() -> None:
        nonlocal count
        try:
            stat(order)
            if not is_stage():
                return
            count += 1
            if count >= int(order.read_text(encoding="utf-8")):
                # Of two stages, the one that removes it dies.
                unlink(order)
                os.kill(os.getpid(), signal.SIGKILL)
        except FileNotFoundError:
            count = 0

    def counted(call):
        def run(*arguments, **options):
            count_one()
            return call(*arguments, **options)

        return run

    for name in CALLS:
        setattr(os, name, counted(getattr(os, name)))


def words() -> str:
    """The command line of this process, as others see it."""
    return Path("/proc/self/cmdline").read_text(encoding="utf-8").replace("\0", " ")


def is_stage() -> bool:
    return "-m stages." in words()


# A fork of the warm process becomes a stage later.
if "SEMAGIC_KILL" in os.environ and (is_stage() or "-m pipeline.warm.server" in words()):
    arm(Path(os.environ["SEMAGIC_KILL"]))
