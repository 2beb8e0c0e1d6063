"""MATLAB 5 files: what is read is what scipy reads, and no bytes lead to more than an error."""

import io
import random
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.base.errors import InputError
from pipeline.data import mat5, matlab, pascal3d
from support.releases import CAR

RECORD = pascal3d.ImageRecord("n1_1.JPEG", 500, 375, (CAR, replace(CAR, bbox=None)))


def saved(value: object, compressed: bool = False) -> bytes:
    stream = io.BytesIO()
    scipy.io.savemat(stream, {"other": 1.0, "x": value}, do_compression=compressed, long_field_names=True)
    return stream.getvalue()


def record_bytes(tmp_path, compressed: bool = False) -> bytes:
    """A record of PASCAL3D+, as a file that need not be compressed."""
    pascal3d.write_record(tmp_path / "a.mat", RECORD)
    record = scipy.io.loadmat(tmp_path / "a.mat")["record"]
    stream = io.BytesIO()
    scipy.io.savemat(stream, {"record": record}, do_compression=compressed)
    return stream.getvalue()


def plain(value: object) -> object:
    """What scipy reads, as `mat5` says it: structs as lists of dicts, cells as lists, text as str."""
    if isinstance(value, np.ndarray) and value.dtype.names:
        return [{name: plain(item[name]) for name in value.dtype.names} for item in value.ravel(order="F")]
    if isinstance(value, np.ndarray) and value.dtype == object:
        return [plain(item) for item in value.ravel(order="F")]
    if isinstance(value, np.ndarray) and value.dtype.kind == "U":
        return "\n".join(value.ravel())
    return value


def assert_same(found: object, expected: object) -> None:
    assert type(found) is type(expected)
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for name in expected:
            assert_same(found[name], expected[name])
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for pair in zip(found, expected, strict=True):
            assert_same(*pair)
    elif isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
    else:
        assert found == expected


DTYPES = st.sampled_from(["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])
ARRAYS = st.builds(
    lambda shape, kind, seed: (np.random.default_rng(seed).normal(0, 50, shape)).astype(kind),
    st.tuples(st.integers(0, 3), st.integers(0, 4)) | st.tuples(*[st.integers(1, 3)] * 3),
    DTYPES,
    st.integers(0, 9),
)
NAMES = st.text("abcdefg_", min_size=1, max_size=40).filter(lambda name: not name.startswith("_"))
VALUES = st.recursive(
    ARRAYS | st.text("abc äß", min_size=1, max_size=9),
    lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=3),
    max_leaves=6,
)


@settings(max_examples=40)
@given(VALUES, st.booleans())
def test_values_are_those_that_scipy_reads(value, compressed):
    content = saved(value, compressed)
    expected = scipy.io.loadmat(io.BytesIO(content))["x"]
    assert_same(mat5.read_variable(content, "x"), plain(expected))


def test_struct_arrays_cells_and_rows_of_text_are_read():
    rows = matlab.struct_array([{"a": 1.0, "b": "x"}, {"a": np.eye(2), "b": {"c": "yz"}}], ("a", "b"))
    cells = np.array([["one", 2.0], [np.zeros((0, 0)), "four"]], dtype=object)
    for value in (rows, cells, np.array(["abc", "defg"])):
        content = saved(value)
        assert_same(mat5.read_variable(content, "x"), plain(scipy.io.loadmat(io.BytesIO(content))["x"]))


def test_numbers_of_the_other_byte_order_are_read():
    head = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack(">HH", 0x0100, 0x4D49)
    row = struct.pack(">4I", 6, 8, 6, 0) + struct.pack(">2I2i", 5, 8, 1, 2) + struct.pack(">HHI", 1, 1, ord("x") << 24)
    row += struct.pack(">2I2d", 9, 16, 1.5, -2.0)
    content = head + struct.pack(">2I", 14, len(row)) + row
    np.testing.assert_array_equal(mat5.read_variable(content, "x"), [[1.5, -2.0]])
    assert mat5.read_variable(content, "y") is None


def test_what_no_record_holds_reads_as_nothing():
    for value in (np.array([[1j]]), scipy.sparse.csc_array(np.eye(2))):
        assert mat5.read_variable(saved(value), "x").shape == (0, 0)
        assert matlab.number(mat5.read_variable(saved({"a": value}), "x")[0]["a"]) is None


def test_no_changed_byte_does_more_than_an_error():
    """Among them are types and sizes at which scipy 1.17 ends the process, or takes 20 seconds."""
    small = {"class": "car", "bbox": [1.0, 2.0, 30.0, 40.0], "viewpoint": {"azimuth": 10.0, "theta": np.empty((0, 0))}}
    content = saved({"objects": small, "size": {"width": 500}})
    rng = random.Random(0)
    counts = {"read": 0, "damaged": 0}
    for at in range(126, len(content), 2):
        changed = bytearray(content)
        changed[at] = rng.choice([0, 5, 14, 15, 128, 255, rng.randrange(256)])
        try:
            mat5.read_variable(bytes(changed), "x")
        except mat5.DamageError:
            counts["damaged"] += 1
        else:
            counts["read"] += 1
    assert min(counts.values()) > 50


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("compressed", [False, True])
def test_no_truncation_is_read(share, compressed, tmp_path):
    content = record_bytes(tmp_path, compressed)
    with pytest.raises(mat5.DamageError):
        mat5.read_variable(content[: int(share * len(content))], "record")


def test_no_flipped_bit_of_a_compressed_file_changes_what_is_read(tmp_path):
    content = record_bytes(tmp_path, compressed=True)
    whole, found = mat5.read_variable(content, "record"), 0
    for at in range(136, len(content), 9):
        changed = bytearray(content)
        changed[at] ^= 1 << at % 8
        try:
            # Some bits make no difference: a repetition of zeros may be copied from any other.
            assert_same(mat5.read_variable(bytes(changed), "record"), whole)
        except mat5.DamageError:
            found += 1
    assert found > 50


def element(kind: int, data: bytes) -> bytes:
    return struct.pack("<2I", kind, len(data)) + data + bytes(-len(data) % 8)


def array(kind: int, shape: tuple[int, ...], content: bytes, name: bytes = b"") -> bytes:
    head = element(6, struct.pack("<2I", kind, 0)) + element(5, struct.pack(f"<{len(shape)}i", *shape))
    return element(14, head + element(1, name) + content)


def file_of(variable: bytes) -> bytes:
    return b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<HH", 0x0100, 0x4D49) + variable


def nested(levels: int) -> bytes:
    value = array(6, (0, 0), element(9, b""))
    for _ in range(levels):
        value = array(1, (1, 1), value)
    return array(1, (1, 1), value, b"x")


CLAIMS = {
    "cells without end": array(1, (2**31 - 1, 2**31 - 1), b"", b"x"),
    "numbers without end": array(6, (2**31 - 1, 2**31 - 1), element(9, bytes(8)), b"x"),
    "a negative shape": array(6, (-1, -1), element(9, bytes(8)), b"x"),
    "a shape of one side": array(6, (1,), element(9, bytes(8)), b"x"),
    "structs without end": array(2, (2**31 - 1, 2**31 - 1), element(5, struct.pack("<i", 1)) + element(1, b"a"), b"x"),
    "field names of no length": array(2, (1, 1), element(5, struct.pack("<i", 0)) + element(1, b"a"), b"x"),
    "a field name twice": array(2, (1, 2), element(5, struct.pack("<i", 2)) + element(1, b"a\0a\0"), b"x"),
    "half a character": array(4, (1, 2), element(17, b"\x00\xd8\x00\xd8"), b"x"),
    "nothing, compressed": element(15, zlib.compress(b"")),
    "a checksum cut off": element(15, zlib.compress(array(6, (1, 1), element(9, bytes(8)), b"x"))[:-1]),
    "one level too many": nested(mat5.DEEPEST + 1),
    "many levels": nested(600),
}


@pytest.mark.parametrize("variable", CLAIMS.values(), ids=CLAIMS)
def test_claims_that_the_file_does_not_keep_are_damage(variable):
    with pytest.raises(mat5.DamageError):
        mat5.read_variable(file_of(variable), "x")


def test_a_struct_array_without_fields_is_empty():
    content = array(2, (2**31 - 1, 4), element(5, struct.pack("<i", 1)) + element(1, b""), b"x")
    assert mat5.read_variable(file_of(content), "x") == []


def test_what_a_file_may_claim_has_a_limit(monkeypatch, tmp_path):
    bomb = file_of(element(15, zlib.compress(bytes(1 << 20), 9)))
    many = file_of(array(1, (1, 300), array(6, (0, 0), element(9, b"")) * 300, b"x"))
    assert len(mat5.read_variable(many, "x")) == 300
    monkeypatch.setattr(mat5, "LARGEST", 1 << 13)
    monkeypatch.setattr(mat5, "MOST_ELEMENTS", 1000)
    for content in (bomb, many):
        with pytest.raises(mat5.DamageError, match="more than"):
            mat5.read_variable(content, "x")
    (tmp_path / "a.mat").write_bytes(many)
    with pytest.raises(InputError, match=r"a\.mat: expected at most 8192 bytes"):
        matlab.read_variable(tmp_path / "a.mat", "x")


@pytest.mark.parametrize("content", [b"\x89HDF\r\n\x1a\n" + bytes(600), b"MATLAB 7.3 MAT-file".ljust(600)])
def test_matlab_7_3_is_told_from_damage(content, tmp_path):
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.mat.*MATLAB 7\.3 \(HDF5\), which is not read\. Save it .* -v7"):
        matlab.read_variable(tmp_path / "a.mat", "x")
