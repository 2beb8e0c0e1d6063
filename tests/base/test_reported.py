"""Errors that a user can mend are one message; characters that the screen lacks do not stop a command."""

import subprocess
import sys

import pytest


def run(program: str, encoding: str = "utf-8") -> subprocess.CompletedProcess:
    code = f"from pipeline.base.errors import InputError\nfrom pipeline.base.reported import reported\n{program}"
    environment = {"PYTHONIOENCODING": encoding}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=False)


@pytest.mark.parametrize(("encoding", "printed"), [("ascii", b"\\u2212 1\n"), ("utf-8", "\u2212 1\n".encode())])
def test_characters_that_the_encoding_lacks_are_printed_as_codes(encoding, printed):
    found = run("with reported():\n    print('\\u2212 1')", encoding)
    assert (found.returncode, found.stdout, found.stderr) == (0, printed, b"")


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        ("InputError('a.yaml: wrong')", 1, "error: a.yaml: wrong"),
        ("KeyboardInterrupt", 130, "Interrupted; run it again to go on."),
        ("OSError(28, 'No space left on device', 'a.npy')", 1, "No space left on device: 'a.npy'. Free some space"),
    ],
)
def test_errors_of_a_user_are_one_message(error, code, message):
    found = run(f"with reported():\n    raise {error}")
    assert found.returncode == code
    assert message in found.stderr.decode() and "Traceback" not in found.stderr.decode()


def test_errors_of_the_program_keep_their_traceback():
    assert b"Traceback" in run("with reported():\n    raise KeyError(1)").stderr
