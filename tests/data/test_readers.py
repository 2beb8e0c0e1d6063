"""Dataset readers: one more is a class with three methods and an entry in `READERS`."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest

from pipeline.config.workspace import Workspace
from pipeline.data.folder import Folder
from pipeline.data.paper_rules import select
from pipeline.data.reader import DatasetReader, Found
from pipeline.data.readers import READERS
from pipeline.data.releases import Releases
from pipeline.photographs.records import Box, Instance, Pair
from support.photographs import make_instance
from support.tiny import tiny_params

BOX = Box(20.0, 15.0, 100.0, 75.0)


class Minimal:
    """Two training photographs of anything, one of which cannot be used, and one pair."""

    def training(self, category: str) -> Found:
        return Found((self._instance("good", category),), {"bad": "too dark"}, Path("list.txt"))

    def pairs(self, category: str, split: str) -> tuple[Pair, ...]:
        return (Pair(category, "a", "b", ("rim",), np.ones((1, 2)), np.ones((1, 2)), BOX, BOX, 0),)

    def unpaired(self, category: str, split: str) -> None:
        return

    def evaluation(self, category: str, names: Collection[str], split: str) -> Found:
        return Found(tuple(self._instance(name, category, split) for name in sorted(names)), {}, Path("list.txt"))

    def _instance(self, name: str, category: str, split: str = "train") -> Instance:
        return make_instance(name, split, BOX, category)


def test_a_third_dataset_is_a_reader_and_an_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(READERS, "minimal", lambda workspace: Minimal())
    params = tiny_params(data__reader="minimal", data__generate=[], categories=["mug"])
    selection = select(Workspace(tmp_path, params), "mug")
    assert [(item.key, item.split) for item in selection.instances] == [
        ("mug/good", "train"),
        ("mug/a", "test"),
        ("mug/b", "test"),
    ]
    assert selection.skipped == {"bad": "too dark"}
    assert (selection.counts.training_listed, selection.counts.training, selection.counts.pairs) == (2, 1, 1)


def test_readers_have_the_methods_of_the_protocol() -> None:
    for reader in (Minimal(), Releases(None, Path("spair")), Folder(Path("photographs.csv"), ())):
        assert isinstance(reader, DatasetReader)
    assert not isinstance(READERS, DatasetReader)
