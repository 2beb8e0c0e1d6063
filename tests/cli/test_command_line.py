"""The command line as a whole: help, exit codes, completion, and how fast it starts."""

import errno
import os
import re
import subprocess
import sys
import tomllib
from importlib import import_module

import pytest

from semagic.cli.app import COMMANDS
from support.command_line import semagic
from support.paths import ROOT

NAMES = [command.__name__ for command in COMMANDS]
SLOW = ("torch", "numpy", "mlflow", "dvc", "cv2", "pandas", "yaml")
"""Packages that only the commands that need them may import."""


def in_a_process(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_help_lists_every_command_with_a_whole_sentence():
    done = semagic("--help")
    assert done.exit_code == 0
    lines = [line.split(maxsplit=1) for line in done.stdout.split("Commands:\n")[1].splitlines() if line]
    described = {words[0]: words[1] for words in lines if words[0] in NAMES}
    assert list(described) == NAMES
    assert all(text.endswith(".") and not text.endswith("...") for text in described.values())


@pytest.mark.parametrize("name", NAMES)
def test_help_of_a_command_names_the_exit_codes(name):
    done = semagic(name, "--help")
    assert done.exit_code == 0
    assert done.stdout.startswith(f"Usage: semagic {name} ")
    assert "Exit codes: 0 done; 1 failed, or damage was found; 2 wrong command line;" in done.stdout


@pytest.mark.parametrize(
    ("name", "option", "default"),
    [
        ("run", "TARGET", "(all stages)"),
        ("run", "--jobs", "(one for each core)"),
        ("run", "--gpus", "(what each stage finds)"),
        ("profile", "--input", "params.yaml"),
        ("profile", "--output", "(the file of --input)"),
        ("weights", "MODEL", "(what the backends in params.yaml need)"),
        ("weights", "--root", "."),
        ("verify", "--root", "."),
        ("sync", "--root", "."),
        ("ceiling", "--backbone", "(the first of `backbones`)"),
        ("ceiling", "--seed", "(the first of `seeds`)"),
        ("ceiling", "--root", "."),
        ("bench", "PART", "(all parts)"),
        ("bench", "--output", "build/benchmarks.json"),
    ],
)
def test_help_shows_defaults(name, option, default):
    text = " ".join(semagic(name, "--help").stdout.split())
    after = text.split(option, 1)[1]
    assert f"[default: {default}" in after[: after.index("[default: ") + len(default) + 12]


@pytest.mark.parametrize("name", ["", *NAMES])
def test_help_imports_nothing_slow(name):
    code = f"""
import sys
from typer.testing import CliRunner
from semagic.cli.app import app
assert CliRunner().invoke(app, {[name, "--help"] if name else ["--help"]}).exit_code == 0
print(*({set(SLOW)} & sys.modules.keys()))
"""
    assert in_a_process(code) == ""


def test_help_takes_less_than_a_second():
    """Processor time, which the other processes of a busy machine leave as it is."""
    before = os.times()
    subprocess.run([sys.executable, "-m", "semagic", "--help"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    assert (after.children_user - before.children_user) + (after.children_system - before.children_system) < 1


def test_commands_compute_on_one_thread():
    code = "import os, semagic.cli.app; print(os.environ['OPENBLAS_NUM_THREADS'], os.environ['OMP_NUM_THREADS'])"
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout == "1 1\n"


@pytest.mark.parametrize(
    "arguments",
    [[], ["rnu"], ["run", "--job", "1"], ["profile"], ["ceiling", "--variant", "ours"], ["verify", "everything"]],
)
def test_a_wrong_command_line_is_exit_code_2(arguments):
    done = semagic(*arguments)
    assert done.exit_code == 2
    assert "Usage: semagic" in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["weights", "verify", "sync", "ceiling"])
def test_a_folder_without_parameters_is_one_line(name, tmp_path):
    needed = ["--variant", "ours", "--category", "car"] if name == "ceiling" else []
    done = semagic(name, *needed, "--root", tmp_path)
    assert done.exit_code == 1
    assert done.stderr.startswith(f"error: {tmp_path}/params.yaml: no parameter file here.")
    assert len(done.stderr.splitlines()) == 1


def failing(error):
    def fail(*_):
        raise error

    return fail


def test_a_full_disk_is_one_line(monkeypatch):
    error = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr("pipeline.tracking.sync.sync", failing(error))
    done = semagic("sync", "--root", ROOT)
    assert done.exit_code == 1
    assert len(done.stderr.splitlines()) == 1 and "Free some space and run this again" in done.stderr


def test_an_error_of_the_program_is_not_hidden(monkeypatch):
    monkeypatch.setattr("pipeline.tracking.sync.sync", failing(PermissionError(errno.EACCES, "no")))
    with pytest.raises(PermissionError):
        semagic("sync", "--root", ROOT)


def test_an_interruption_is_exit_code_130(monkeypatch):
    monkeypatch.setattr("pipeline.tracking.sync.sync", failing(KeyboardInterrupt()))
    done = semagic("sync", "--root", ROOT)
    assert (done.exit_code, done.stderr) == (130, "Interrupted; run it again to go on.\n")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("semagic ver", {"verify"}),
        ("semagic profile s", {"smoke"}),
        ("semagic ceiling --category c", {"car", "chair"}),
        ("semagic bench tr", {"training_step"}),
    ],
)
def test_completion(line, expected):
    environment = {**os.environ, "_SEMAGIC_COMPLETE": "complete_bash", "COMP_WORDS": line}
    environment["COMP_CWORD"] = str(len(line.split()) - 1)
    done = subprocess.run([sys.executable, "-m", "semagic"], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert set(done.stdout.split()) == expected


def test_python_m_semagic_has_the_same_exit_codes(tmp_path):
    def code(*arguments):
        command = [sys.executable, "-m", "semagic", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True).returncode

    assert code("weights", "--list") == 0
    assert code("verify", "--root", str(tmp_path)) == 1
    assert code("verify", "--rot", str(tmp_path)) == 2


def test_the_console_script_is_the_command():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    module, function = scripts["semagic"].split(":")
    assert callable(getattr(import_module(module), function))


def test_documents_and_messages_name_commands_that_exist():
    """Every `semagic WORD` in the code, the parameters and the Makefile is a command."""
    files = [ROOT / name for name in ("Makefile", "params.yaml", "downloads.yaml", "dvc.yaml")]
    files += [path for name in ("pipeline", "stages", "semagic", "benchmarks") for path in (ROOT / name).rglob("*.py")]
    found = {}
    for path in files:
        for word in re.findall(r"(?:`|\t|&& |\t@)semagic ([a-z]+)", path.read_text(encoding="utf-8")):
            found.setdefault(word, path)
    assert {"run", "weights", "verify"} <= found.keys()
    assert {word: path for word, path in found.items() if word not in [*NAMES, "deps"]} == {}
