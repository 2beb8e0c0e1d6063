"""Programs in forks of a warm process: they do what they would do in an interpreter of their own."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.base.tether import find_process
from pipeline.warm import client
from pipeline.warm.client import LOST, start_program, warm
from pipeline.warm.messages import ADDRESS
from support.paths import ROOT

PROGRAM = '''
"""What a program can see of itself."""
import json, os, signal, sys

if __name__ == "__main__":
    print(json.dumps({
        "arguments": sys.argv, "folder": os.getcwd(), "mine": os.environ.get("MINE"), "home": os.environ.get("HOME"),
        "input": sys.stdin.read(), "leader": os.getsid(0) == os.getpid() == os.getpgrp(),
        "interrupt": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
        "main": sys.modules["__main__"].__spec__.name, "files": sorted(os.listdir("/proc/self/fd")),
        "path": sys.path,
    }), flush=True)
    print("trouble", file=sys.stderr)
    sys.exit(int(sys.argv[1]))
'''
LASTS = """
import atexit, threading, time
def late():
    time.sleep(0.3)
    print("thread", end="")
atexit.register(lambda: print(" exit", end=""))
threading.Thread(target=late).start()
print("main", end=" ")
"""
LONG = 600


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working directory with modules."""
    folder = tmp_path_factory.mktemp("programs")
    (folder / "describe.py").write_text(PROGRAM)
    (folder / "loaded.py").write_text("import sys\nprint('json' in sys.modules, 'colorsys' in sys.modules)\n")
    (folder / "sleeps.py").write_text(f"import time\nprint('asleep', flush=True)\ntime.sleep({LONG})\n")
    (folder / "lasts.py").write_text(LASTS)
    (folder / "says.py").write_text("raise SystemExit('a reason')\n")
    (folder / "fails.py").write_text("raise ValueError('mine')\n")
    (folder / "ends.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n")
    return folder


@pytest.fixture(scope="module")
def environment(folder):
    """The environment of programs that start in a warm process."""
    kept = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), kept]))
    try:
        with warm(["colorsys", "no.such.module"], folder) as variables:
            yield {**os.environ, **variables}
    finally:
        os.environ.pop("PYTHONPATH")
        if kept is not None:
            os.environ["PYTHONPATH"] = kept


def cold(environment):
    return {name: value for name, value in environment.items() if name != ADDRESS}


def run(arguments, environment, folder, text="", **options):
    """Exit code, output and errors of a program."""
    paths = [folder / name for name in ("in", "out", "err")]
    with paths[0].open("w+b") as source, paths[1].open("wb") as out, paths[2].open("wb") as err:
        source.write(text.encode())
        source.seek(0)
        streams = [stream.fileno() for stream in (source, out, err)]
        code = start_program(arguments, streams, environment, str(folder), **options).wait()
        return code, (folder / "out").read_text(), (folder / "err").read_text()


@pytest.mark.parametrize("own_session", [False, True])
@pytest.mark.parametrize("code", [0, 7])
def test_a_program_sees_the_same_as_in_an_interpreter_of_its_own(folder, environment, code, own_session):
    arguments, options = ["-m", "describe", str(code), "b c"], {"own_session": own_session}
    environment = {**environment, "MINE": "ä", "HOME": "/elsewhere"}
    found = run(arguments, environment, folder, "hello", **options)
    expected = run(arguments, cold(environment), folder, "hello", **options)
    assert found == expected
    assert found[0] == code and '"input": "hello"' in found[1] and found[2] == "trouble\n"


def test_what_is_imported_before_is_there(folder, environment):
    assert run(["-m", "loaded"], environment, folder)[1] == "True True\n"
    assert run(["-m", "loaded"], cold(environment), folder)[1] == "False False\n"


def test_an_error_ends_with_its_traceback(folder, environment):
    code, _, errors = run(["-m", "fails"], environment, folder)
    assert code == 1 and errors.endswith("ValueError: mine\n")
    assert run(["-m", "no_such_program"], environment, folder)[0] == 1
    assert run(["-m", "ends"], environment, folder)[0] == -signal.SIGTERM


def test_a_program_ends_after_its_threads_and_its_last_functions(folder, environment):
    for variables in (environment, cold(environment)):
        assert run(["-m", "lasts"], variables, folder) == (0, "main thread exit", "")
        assert run(["-m", "says"], variables, folder) == (1, "", "a reason\n")


def test_elsewhere_a_new_interpreter_is_started(folder, environment, tmp_path):
    (tmp_path / "loaded.py").write_text((folder / "loaded.py").read_text())
    assert run(["-m", "loaded"], environment, tmp_path)[1] == "False False\n"


def test_a_folder_with_links_to_the_same_code_is_no_other_place(folder, environment, tmp_path):
    for name in ("pipeline", "stages", "loaded.py"):
        (tmp_path / name).symlink_to(folder / name)
    assert run(["-m", "loaded"], environment, tmp_path)[1] == "True True\n"
    # What is beside the code is looked for where the program runs.
    (tmp_path / "beside.py").write_text("import sys; print(sys.path[0] != '', __file__)\n")
    assert run(["-m", "beside"], environment, tmp_path)[1] == f"True {tmp_path / 'beside.py'}\n"
    (tmp_path / "stages").unlink()
    assert run(["-m", "loaded"], environment, tmp_path)[1] == "False False\n"


@contextmanager
def copied_tree(folder):
    """A warm process that has imported a copy of the library."""
    subprocess.run(["cp", "-r", ROOT / "pipeline", folder / "pipeline"], check=True)
    (folder / "says.py").write_text("from pipeline.base.errors import some\nprint(some(['a'], 1))\n")
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(folder)
    try:
        with warm(["pipeline.base.errors"], folder) as variables:
            yield {**environment, **variables}
    finally:
        os.environ.pop("PYTHONPATH")
        if before is not None:
            os.environ["PYTHONPATH"] = before


def test_code_that_is_edited_meanwhile_is_run_as_it_is_now(tmp_path):
    with copied_tree(tmp_path) as environment:
        assert run(["-m", "says"], environment, tmp_path)[1] == "a\n"
        errors = tmp_path / "pipeline" / "base" / "errors.py"
        errors.write_text(errors.read_text() + "\n\ndef some(*_):\n    return 'edited'\n")
        assert run(["-m", "says"], environment, tmp_path)[1] == "edited\n"


def started(folder, environment):
    """A program that sleeps, after it has begun to."""
    log = folder / "log"
    with log.open("wb") as output, Path(os.devnull).open("rb") as nothing:
        streams = (nothing.fileno(), output.fileno(), output.fileno())
        program = start_program(["-m", "sleeps"], streams, environment, str(folder), own_session=True)
    deadline = time.monotonic() + 60
    while log.read_text() != "asleep\n":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return program


def test_a_program_is_killed_and_its_number_kept_until_it_is_waited_for(folder, environment):
    program = started(folder, environment)
    assert "sleeps" in Path(f"/proc/{program.pid}/cmdline").read_text()
    program.kill()
    program.ended()
    assert Path(f"/proc/{program.pid}").exists()
    os.killpg(program.pid, signal.SIGKILL)
    assert program.wait() == -signal.SIGKILL
    assert ends(program.pid)
    program.kill()


def ends(pid):
    """Whether a process ends, if it has not; a zombie has."""
    deadline = time.monotonic() + 10
    while (found := find_process(pid)) is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    return found is None


def test_the_warm_process_ends_with_the_one_who_started_it(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from pipeline.warm.client import warm\n"
        "with warm([], Path()) as found: print(*found.values(), flush=True); time.sleep(600)"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, cwd=tmp_path
    )
    assert owner.stdout
    address = owner.stdout.readline().decode().strip()
    (tmp_path / "sleeps.py").write_text("import time\nprint('asleep', flush=True)\ntime.sleep(600)\n")
    program = started(tmp_path, {**os.environ, ADDRESS: address})
    server = int(Path(f"/proc/{program.pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    owner.kill()
    owner.wait()
    owner.stdout.close()
    assert program.wait() == LOST
    assert ends(server)
    # A stage would end by itself.
    program.kill()


def test_without_a_warm_process_an_interpreter_is_started(folder, environment, monkeypatch):
    assert run(["-m", "loaded"], {**environment, ADDRESS: "/no/such/socket"}, folder)[1] == "False False\n"
    monkeypatch.setattr(client, "LONGEST_START", 0.2)
    silent = folder / "silent"
    import socket

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(silent))
        listener.listen()
        assert run(["-m", "loaded"], {**environment, ADDRESS: str(silent)}, folder)[1] == "False False\n"


def test_the_modules_of_stages_start_no_threads():
    """A fork of a process with threads may hang in a lock that one of them held. Those of OpenBLAS and of Arrow's
    allocator know of forks.
    """
    code = (
        "import importlib, os; from pathlib import Path; from pipeline.fanout.stage_imports import stage_imports\n"
        "names = stage_imports(Path('.'), [path.stem for path in Path('stages').glob('*.py')])\n"
        "assert len(names) > 100\n"
        "for name in names: importlib.import_module(name)\n"
        "print([Path(f'/proc/self/task/{one}/comm').read_text() for one in os.listdir('/proc/self/task')][1:])"
    )
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout in ("[]\n", "['jemalloc_bg_thd\\n']\n"), done.stderr
