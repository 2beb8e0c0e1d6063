import shutil

import pytest

from pipeline.tracking.loading import blank_database, load_mlflow


@pytest.fixture(autouse=True)
def no_settings_of_the_user(monkeypatch):
    for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT", "DVC_EXP_NAME", "DVC_EXP_BASELINE_REV"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    load_mlflow(f"sqlite:///{folder}/mlflow.db")
    return folder


@pytest.fixture
def root(place):
    """A folder with nothing but a database without runs. It is the same for all tests, as MLflow sets up each anew."""
    for path in place.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (place / "mlflow.db").write_bytes(blank_database())
    return place
