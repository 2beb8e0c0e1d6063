"""Archives on their way between machines."""

import hashlib
import io
import tarfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.base.errors import InputError
from pipeline.cluster import packs
from pipeline.cluster.packs import Pack, files_below, pack, signature, unpack, unpack_once

NAMES = st.text("ab/ü .", min_size=1, max_size=12).filter(
    lambda name: all(part.strip(" .") for part in name.split("/"))
)
TREES = st.dictionaries(NAMES, st.binary(max_size=300), max_size=8)


def write(folder, tree):
    """Write the files, as far as no folder of one is another."""
    kept = {name: content for name, content in tree.items() if not any(f"{name}/" in f"{one}" for one in tree)}
    for name, content in kept.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return kept


def read(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files_below(folder)}


@settings(max_examples=50, deadline=None)
@given(TREES, st.integers(1, 1000))
def test_files_arrive_as_they_were(tmp_path_factory, tree, chunk):
    source, target, store = (tmp_path_factory.mktemp(name) for name in ("source", "target", "store"))
    tree = write(source, tree)
    before, packs.CHUNK = packs.CHUNK, chunk
    try:
        found = list(pack(source, files_below(source)))
        again = list(pack(source, files_below(source)))
    finally:
        packs.CHUNK = before
    assert found == again
    assert all(hashlib.sha256(b"".join(one.chunks)).hexdigest() == one.sha256 for one in found)
    assert sorted(name for one in found for name in one.names) == sorted(
        path.relative_to(source).as_posix() for path in files_below(source)
    )
    for one in found:
        unpack(one, target)
        unpack_once(one, store)
        unpack_once(one, store)
    assert read(target) == tree
    assert {name: content for one in found for name, content in read(store / one.sha256).items()} == tree
    assert sorted(path.name for path in store.iterdir()) == sorted({one.sha256 for one in found})


def test_an_archive_that_was_damaged_on_its_way_is_refused(tmp_path):
    (tmp_path / "a").write_bytes(b"content")
    (one,) = pack(tmp_path, [tmp_path / "a"])
    damaged = one._replace(chunks=(one.chunks[0].replace(b"content", b"kontent"),))
    with pytest.raises(InputError, match="SHA-256"):
        unpack(damaged, tmp_path / "target")
    with pytest.raises(InputError, match="SHA-256"):
        unpack_once(damaged, tmp_path)
    assert list((tmp_path / "target").iterdir()) == [] and not (tmp_path / one.sha256).exists()


def test_a_large_file_is_never_in_memory_as_a_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(packs, "CHUNK", 2**20)
    content = np.random.default_rng(0).bytes(20 * 2**20 + 7)
    (tmp_path / "large").write_bytes(content)
    disk = tmp_path / "elsewhere"
    disk.mkdir()

    def keep(piece):
        path = disk / f"{len(list(disk.iterdir()))}"
        path.write_bytes(piece)
        return path

    tracemalloc.start()
    try:
        (one,) = pack(tmp_path, [tmp_path / "large"], keep)
        unpack(one, tmp_path / "target", Path.read_bytes)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6 * 2**20 < len(content)
    assert (tmp_path / "target" / "large").read_bytes() == content
    assert one.sha256 == hashlib.sha256(b"".join(path.read_bytes() for path in one.chunks)).hexdigest()


@pytest.mark.parametrize("name", ["../outside", "/outside", "in/../../outside"])
def test_an_archive_writes_nothing_outside(tmp_path, name):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    blob = stream.getvalue()
    with pytest.raises(InputError, match="outside"):
        unpack(Pack(hashlib.sha256(blob).hexdigest(), (name,), (blob,)), tmp_path / "target")
    assert not (tmp_path / "outside").exists()


def test_a_file_that_vanishes_is_left_out_and_a_change_is_seen(tmp_path):
    paths = [tmp_path / "a", tmp_path / "b"]
    for path in paths:
        path.write_text("1")
    before = signature(paths)
    assert signature(paths) == before
    paths[0].write_text("22")
    assert signature(paths) != before
    paths[0].unlink()
    (one,) = pack(tmp_path, paths)
    assert one.names == ("b",)


def test_links_are_followed_and_compiled_code_is_left(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a").write_text("1")
    (tmp_path / "real" / "b.pyc").write_text("2")
    (tmp_path / "top").mkdir()
    (tmp_path / "top" / "link").symlink_to(tmp_path / "real")
    assert files_below(tmp_path / "top") == [tmp_path / "top" / "link" / "a"]
    assert files_below(tmp_path / "real" / "a") == [tmp_path / "real" / "a"]
    assert files_below(tmp_path / "nothing") == []
