"""Time and memory of a process."""

import re
import subprocess
import sys

PROGRAM = """
import sys, time
from pipeline.base.usage import usage_printed
with usage_printed():
    kept = b"x" * int(sys.argv[1])
    del kept
    end = time.process_time() + float(sys.argv[2])
    while time.process_time() < end:
        pass
    time.sleep(float(sys.argv[3]))
"""


def taken(size: int, busy: float, asleep: float) -> tuple[float, float, float]:
    """Seconds, processor seconds and gigabytes that a process tells of itself."""
    program = [sys.executable, "-c", PROGRAM, str(size), str(busy), str(asleep)]
    text = subprocess.run(program, capture_output=True, text=True, check=True).stdout
    found = re.fullmatch(r"Took (.+) s, (.+) s of processor time, at most (.+) GB of memory\.\n", text)
    assert found, text
    return float(found[1]), float(found[2]), float(found[3])


def test_what_a_process_takes_is_told() -> None:
    little, much = taken(0, 0.0, 0.0), taken(300_000_000, 0.6, 0.5)
    # Memory that was given back counts, and a parent's memory does not.
    assert 0.28 < much[2] - little[2] < 0.32
    assert little[2] < 0.1
    assert 1.0 < much[0] < 10
    assert 0.6 < much[1] < much[0] - 0.3
    assert little[1] < 0.5


def test_a_failure_tells_nothing() -> None:
    program = "from pipeline.base.usage import usage_printed\nwith usage_printed():\n    raise SystemExit(3)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (3, "")
