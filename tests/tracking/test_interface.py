"""`make mlflow`: the interface is reached from this machine only, wherever the checkout lies."""

import shlex
import subprocess

from support.paths import ROOT


def test_the_interface_binds_to_loopback_and_takes_any_path(tmp_path):
    folder = tmp_path / "my checkout"
    (folder / ".venv").mkdir(parents=True)
    (folder / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    for name in ("pyproject.toml", "constraints.txt", ".venv/.installed"):
        (folder / name).touch()
    # Within another make, it would print its folder too.
    command = ["make", "--no-print-directory", "--dry-run", "mlflow"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    told, printed = done.stdout.strip().splitlines()
    assert "http://127.0.0.1:5055/#/experiments/1/runs?workflowType=machine_learning" in told
    assert shlex.split(printed) == [
        *("mlflow", "ui", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db"),
        *("--host", "127.0.0.1", "--port", "5055", "--workers", "1"),
    ]
