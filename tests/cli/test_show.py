"""`semagic show` opens the pages that are there, and says how to make those that are not."""

import shutil
import webbrowser
from pathlib import Path

import pytest

from pipeline.base.errors import InputError
from pipeline.base.files import write_text
from semagic.cli.show import show
from support.paths import ROOT


@pytest.fixture
def folder(tmp_path, monkeypatch) -> tuple[Path, list[str]]:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    return tmp_path, opened


def test_the_overview_and_a_category_are_opened(folder):
    root, opened = folder
    for page in ("index.html", "pages/car.html"):
        write_text(root / "reports" / page, "<!doctype html>")
    show(None, root)
    show("car", root)
    assert opened == [(root / "reports" / page).resolve().as_uri() for page in ("index.html", "pages/car.html")]


def test_a_missing_page_and_an_unknown_category_are_named(folder):
    root, opened = folder
    with pytest.raises(InputError, match=r"index\.html: expected the page.*make repro"):
        show(None, root)
    with pytest.raises(InputError, match="no category 'cat' in this run.*car"):
        show("cat", root)
    assert opened == []
