"""The modules that stages import, which one process imports for all of them."""

from collections.abc import Iterable
from pathlib import Path

from pipeline.base.sources import imported_files

RECORDING = ("pipeline.tracking.worker", "mlflow.tracking", "mlflow.store.tracking.sqlalchemy_store")
"""What the process imports that talks to MLflow for a stage."""


def stage_imports(root: Path, stages: Iterable[str]) -> list[str]:
    """Dotted names of what the stages import.

    Args:
        root: folder that holds the packages.
        stages: DVC names of stages, such as 'train@ours-dinov2-car-0'. Those that are no module of `stages` count
            nothing.
    """
    files = [Path("stages") / f"{name}.py" for name in sorted({stage.split("@")[0] for stage in stages})]
    files = [file for file in files if (root / file).is_file()]
    imported = set().union(*(imported_files(root, file) for file in files))
    names = sorted(".".join(file.with_suffix("").parts) for file in imported if file.parts[0] == "pipeline")
    return [*names, *RECORDING] if names else []
