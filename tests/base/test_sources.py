"""Source files that determine a module's results: the closure of its imports, and their digest."""

import re
from pathlib import Path

import pytest

from pipeline.base import sources
from pipeline.base.sources import imported_files, module_file, source_sha256
from support.package_copy import digests

FILES = {
    "stages/x.py": "import os\nimport pipeline.a\ndef f():\n    from pipeline.sub import c\n",
    "pipeline/__init__.py": "",
    "pipeline/a.py": "from pipeline.b import something\nfrom pipeline.tracking.store import record\n",
    "pipeline/b.py": "import pipeline.a\n",
    "pipeline/unused.py": "",
    "pipeline/sub/__init__.py": "",
    "pipeline/sub/c.py": "x = 1\n",
    "pipeline/tracking/store.py": "import pipeline.unused\n",
}
RUN = set(FILES) - {"pipeline/unused.py", "pipeline/tracking/store.py"}
"""Files of which `stages.x` is made: unused ones and recorders are not among them."""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A small project, with the module under test where it belongs."""
    own = {"pipeline/base/__init__.py": "", "pipeline/base/sources.py": Path(sources.__file__).read_text()}
    for name, content in (FILES | own).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path


def test_closure_follows_imports_of_every_form_but_no_recorders(package: Path) -> None:
    assert {str(path) for path in imported_files(package, Path("stages/x.py"))} == RUN


def test_a_name_is_found_as_a_module_a_package_or_not_at_all(package: Path) -> None:
    assert module_file(package, "pipeline.a") == Path("pipeline/a.py")
    assert module_file(package, "pipeline.sub") == Path("pipeline/sub/__init__.py")
    assert module_file(package, "pipeline.a.something") is None
    assert module_file(package, "os.path") is None


@pytest.mark.parametrize("content", ["from . import b\n", "from .b import c\n", "from ..a import b\n"])
def test_relative_imports_are_refused(package: Path, content: str) -> None:
    (package / "pipeline" / "relative.py").write_text(content)
    with pytest.raises(ValueError, match=re.escape("pipeline/relative.py:1: a relative import")):
        imported_files(package, Path("pipeline/relative.py"))


@pytest.mark.parametrize("name", sorted(FILES))
def test_the_digest_changes_with_each_file_that_is_run_and_no_other(package: Path, name: str) -> None:
    before = digests(package, ["stages.x"])
    with (package / name).open("a") as stream:
        stream.write("# edited\n")
    assert (digests(package, ["stages.x"]) != before) == (name in RUN)


def test_the_digest_changes_where_a_module_moves(package: Path) -> None:
    before = digests(package, ["stages.x"])
    (package / "pipeline" / "a").mkdir()
    (package / "pipeline" / "a.py").rename(package / "pipeline" / "a" / "__init__.py")
    assert digests(package, ["stages.x"]) != before


def test_a_module_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"no module pipeline\.nothing in pipeline, stages"):
        source_sha256("pipeline.nothing")
