"""`import semagic` takes no time; the README's lines of Python run."""

import re
import subprocess
import sys

from support.paths import ROOT


def test_import_takes_nothing_slow():
    code = "import sys, semagic; print(*({'torch', 'numpy', 'mlflow', 'pandas', 'cv2', 'typer'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""


def test_a_type_checker_sees_the_package():
    assert (ROOT / "semagic" / "py.typed").is_file()


def example() -> str:
    """The first Python block of README.md."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    return blocks[0]


def test_the_readme_s_lines_of_python_run(run, monkeypatch, capsys):
    monkeypatch.chdir(run.root)
    exec(compile(example(), "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert re.match(r"\[\[.*\]\] \[0\..*\] \(\d+, 3\)\n", printed, re.DOTALL)
