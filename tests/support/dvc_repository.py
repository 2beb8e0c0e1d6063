"""Empty DVC repositories."""

import subprocess
import sys
from pathlib import Path


def init_repository(folder: Path) -> None:
    """Make a folder a repository of git and DVC."""
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet"], cwd=folder, check=True)
