"""A checkout that was moved or copied: new artifacts lie in it, and MLflow shows the old ones where they are."""

import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from support.mlflow_runs import client, delivery, runs


def record(root, name):
    (root / name).write_text(name)
    made = delivery(root)
    made.attach(root / name)
    made.end("FINISHED")
    made.attempt()


def shown(root):
    """The files that MLflow lists for each run, where the run says that they are."""
    found = {}
    for run in runs(root):
        folder = Path(unquote(urlsplit(run.info.artifact_uri).path))
        for file in client(root).list_artifacts(run.info.run_id):
            assert (folder / file.path).is_file()
            found[file.path] = str(folder)
    return found


@pytest.fixture
def original(root):
    original = root / "original checkout"
    original.mkdir()
    shutil.move(root / "mlflow.db", original)
    record(original, "old.txt")
    return original


def test_moved(original):
    moved = original.rename(original.with_name("moved"))
    record(moved, "new.txt")
    assert not original.exists()
    assert shown(moved).keys() == {"old.txt", "new.txt"}
    assert all(path.startswith(f"{moved}/mlruns/") for path in shown(moved).values())


def test_copied_with_its_files(original):
    copy = original.with_name("copy")
    shutil.copytree(original, copy)
    record(copy, "new.txt")
    assert all(path.startswith(f"{copy}/mlruns/") for path in shown(copy).values())
    assert shown(copy).keys() == {"old.txt", "new.txt"}
    # The original knows nothing of this.
    assert shown(original).keys() == {"old.txt"}
    assert shown(original)["old.txt"].startswith(f"{original}/mlruns/")


def test_copied_without_its_files(original):
    copy = original.with_name("copy")
    copy.mkdir()
    shutil.copy(original / "mlflow.db", copy)
    record(copy, "new.txt")
    assert shown(copy)["new.txt"].startswith(f"{copy}/mlruns/")
    assert shown(copy)["old.txt"].startswith(f"{original}/mlruns/")


def test_a_place_that_the_user_chose_stays(root):
    client(root).create_experiment("test", artifact_location=(root / "elsewhere").as_uri())
    record(root, "new.txt")
    assert shown(root)["new.txt"].startswith(f"{root}/elsewhere/")
