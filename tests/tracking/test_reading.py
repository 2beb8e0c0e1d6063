"""Result files that are read for MLflow: whatever their content, the file is read or named."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.errors import InputError
from pipeline.tracking.reading import read_curve, read_description, read_json

CURVE = b"step,total,depth\n1,2.5,\n2,1.5,0.25\n"
MODEL = json.dumps({"config": {"a": {"b": 1}}, "identity": "i" * 64}).encode()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("results") / "file"


def test_good_files(path):
    path.write_bytes(CURVE)
    assert read_curve(path) == [(1, {"step": 1.0, "total": 2.5}), (2, {"step": 2.0, "total": 1.5, "depth": 0.25})]
    path.write_bytes(MODEL)
    assert read_description(path) == ({"a": {"b": 1}}, "i" * 64)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"step,total\n1\n",
        b"step,total\n1,2,3\n",
        b"total\n1\n",
        b"step,total\nx,1\n",
        b"step,total\n1,x\n",
        b"step,total\n-1,1\n",
        b"step,total\n99999999999999999999,1\n",
        b'step,total\n1,"2',
        b"step,total\n1,2\x00\n",
        b"step,total\n1,\xff\n",
        b"step," + b"x" * 200_000 + b"\n1,2\n",
    ],
)
def test_a_damaged_curve_is_named(path, content):
    path.write_bytes(content)
    with pytest.raises(InputError, match=str(path)):
        read_curve(path)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1]", b"null", b"\xff{}", b"[" * 100_000, b'{"a": ' + b"1" * 5000 + b"}"]
)
def test_damaged_json_is_named(path, content):
    path.write_bytes(content)
    with pytest.raises(InputError, match=str(path)):
        read_json(path)


@pytest.mark.parametrize("content", [{}, {"config": 1, "identity": "i"}, {"config": {}, "identity": 1}])
def test_a_description_without_its_entries_is_named(path, content):
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=f"{path}.*identity"):
        read_description(path)


@given(st.data())
def test_any_changed_byte(path, data):
    reader, content = data.draw(st.sampled_from([(read_curve, CURVE), (read_description, MODEL)]))
    position = data.draw(st.integers(0, len(content) - 1))
    path.write_bytes(content[:position] + data.draw(st.binary(max_size=3)) + content[position + 1 :])
    try:
        reader(path)
    except InputError as error:
        assert str(path) in str(error)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="metrics.json"):
        read_json(tmp_path / "metrics.json")
