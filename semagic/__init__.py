"""SEMAGIC: category-level deformable 3D models and dense semantic correspondences from single photographs.

This is the whole public interface. A name is imported when it is first used, so that `import semagic` takes no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.base.errors import InputError
    from semagic.category_model import CategoryModel
    from semagic.results import Matches, PreparedPhoto, Reconstruction

__all__ = ["CategoryModel", "InputError", "Matches", "PreparedPhoto", "Reconstruction"]

_MODULES = {
    "CategoryModel": "semagic.category_model",
    "InputError": "pipeline.base.errors",
    "Matches": "semagic.results",
    "PreparedPhoto": "semagic.results",
    "Reconstruction": "semagic.results",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'semagic' has no attribute '{name}'")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
