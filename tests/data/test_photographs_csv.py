"""photographs.csv: what is read is what was written, and each mistake is named with its line and column."""

import string
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.errors import InputError
from pipeline.data.photographs_csv import Angles, Row, read_rows
from pipeline.photographs.image_files import write_mask
from pipeline.photographs.records import Box
from support.folders import row, write_table

names = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=8).filter(
    lambda name: name[0] not in "_-"
)
numbers = st.floats(-1e6, 1e6)
turns = st.floats(-360, 360)
points = st.dictionaries(names, st.tuples(numbers, numbers), max_size=3)


@st.composite
def lines(draw):
    """The cells of one line, and the values that they stand for."""
    x0, y0, width, height = draw(numbers), draw(numbers), draw(st.floats(1, 1e3)), draw(st.floats(1, 1e3))
    box = Box(x0, y0, x0 + width, y0 + height)
    angles = draw(st.none() | st.builds(Angles, turns, st.floats(-90, 90), turns))
    places, flags = draw(points), draw(st.tuples(st.booleans(), st.booleans()))
    category, split = draw(names), draw(st.sampled_from(["train", "test", "val"]))
    cells = {"category": category, "split": split, **box._asdict(), **(angles._asdict() if angles else {})}
    cells |= dict(zip(("truncated", "occluded"), map(int, flags), strict=True))
    cells |= {f"kp:{name}:{axis}": place["xy".index(axis)] for name, place in places.items() for axis in "xy"}
    return cells, (category, split, box, angles, *flags, places)


@given(
    st.lists(lines(), min_size=1, max_size=4),
    st.sampled_from(",;\t"),
    st.sampled_from(["utf-8", "utf-8-sig"]),
)
def test_what_is_written_is_read_with_any_separator(tmp_path_factory, written, delimiter, encoding):
    table = tmp_path_factory.mktemp("folder") / "photographs.csv"
    cells = [{"image": f"sub folder/ä{i}.jpg", **cells} for i, (cells, _) in enumerate(written)]
    write_table(table, cells, delimiter, encoding)
    rows = read_rows(table)
    assert [row.name for row in rows] == [f"ä{i}" for i in range(len(written))]
    assert rows[0].image == table.parent / "sub folder" / "ä0.jpg"
    for found, (_, expected) in zip(rows, written, strict=True):
        values = (found.category, found.split, found.box, found.angles, found.truncated, found.occluded)
        assert (*values, found.keypoints) == expected


def test_empty_cells_and_lines_are_unknown_values(tmp_path):
    table = tmp_path / "photographs.csv"
    table.write_text(
        "split, image ,category,mask,x0,y0,x1,y1,azimuth,elevation,theta,symmetry,kp:rim:x,kp:rim:y\n\n"
        "test,a.jpg,mug,a.png,,,,,,,,,,\n,,,,,,,,,,,,,\n train , b.jpg,bottle,,1,2,3,4,10,20,-30,2,5,6.5\n"
    )
    first, second = read_rows(table)
    assert (first.box, first.angles, first.symmetry, first.keypoints) == (None, None, 1, {})
    assert (first.truncated, first.occluded, first.mask) == (False, False, tmp_path / "a.png")
    assert (second.split, second.box, second.mask) == ("train", Box(1, 2, 3, 4), None)
    assert (second.angles, second.symmetry, second.keypoints) == (Angles(10, 20, -30), 2, {"rim": (5, 6.5)})
    assert second.where.endswith("line 5")


def test_a_category_of_the_ten_has_its_own_symmetry(tmp_path):
    write_table(tmp_path / "t.csv", [row("a", category="bottle"), row("b", category="car")])
    assert [row.symmetry for row in read_rows(tmp_path / "t.csv")] == [0, 1]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"image": ""}, "column 'image': expected the path of a photograph, found nothing"),
        ({"category": "a mug"}, "column 'category': expected letters, digits, '_' and '-', found 'a mug'"),
        ({"category": "../mug"}, "column 'category': expected letters"),
        ({"split": "training"}, "column 'split': expected train, trn, val or test, found 'training'"),
        ({"x0": "12,5"}, "column 'x0': expected a number such as 12.5, found '12,5'"),
        ({"y1": ""}, "column 'y1': expected a number such as 12.5, found nothing"),
        ({"y1": "nan"}, "column 'y1': expected a number"),
        ({"x1": 20}, "column 'x1': expected more than x0, which is 20, found '20'"),
        ({"y1": 10}, "column 'y1': expected more than y0, which is 15, found '10'"),
        ({"x0": "", "y0": "", "x1": "", "y1": ""}, "column 'x0': expected a box in x0, y0, x1 and y1, or a mask"),
        ({"azimuth": 10, "elevation": 5}, "column 'theta': expected a number such as 12.5, found nothing"),
        ({"azimuth": 10, "elevation": 95, "theta": 0}, "column 'elevation': expected degrees from -90 to 90"),
        (
            {"azimuth": 361, "elevation": 5, "theta": 0},
            "column 'azimuth': expected degrees from -360 to 360",
        ),
        ({"azimuth": 0, "elevation": 5, "theta": 1e9}, "column 'theta': expected degrees from -360 to 360"),
        ({"image": "/etc/passwd"}, "column 'image': expected a path below the folder of the table"),
        ({"image": "../b.jpg"}, "column 'image': expected a path below the folder of the table"),
        ({"image": "sub/../../b.jpg"}, "column 'image': expected a path below the folder of the table"),
        ({"mask": "/dev/zero"}, "column 'mask': expected a path below the folder of the table"),
        ({"symmetry": 3}, "column 'symmetry': expected 0, 1, 2 or 4, found '3'"),
        ({"truncated": "yes"}, "column 'truncated': expected 0 or 1, found 'yes'"),
        ({"kp:rim:x": 5, "kp:rim:y": ""}, "column 'kp:rim:y': expected a number such as 12.5, found nothing"),
    ],
)
def test_a_wrong_cell_is_named_with_file_line_and_column(tmp_path, cells, message):
    table = tmp_path / "photographs.csv"
    write_table(table, [row("a"), row("b", **cells)])
    with pytest.raises(InputError) as found:
        read_rows(table)
    assert str(found.value).startswith(f"{table}, line 3, {message}")
    assert str(found.value).endswith("Correct the cell.")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected the column 'image', found .*Add it"),
        ("image,category\n", "line 1: expected the column 'split', found image, category. Add it"),
        ("image,category,split,azimut\n", "line 1: unknown column 'azimut'. Did you mean 'azimuth'?"),
        ("image,category,split,kp:rim\n", "line 1: unknown column 'kp:rim'. Did you mean 'kp:<name>:x'?"),
        ("image,category,split,kp:rim:x\n", "line 1: expected the column 'kp:rim:y' beside 'kp:rim:x', found none"),
        ("image,category,split" + ",kp:a:x" * 2000, "line 1: expected at most 1000 columns, found 2003. Remove some"),
        ('image,category,split\na.jpg,mug,"' + "x" * 200_000 + '"\n', "line 2: expected values between ','.*Correct"),
        ("image,category,split\na\0.jpg,mug,test\n", "line 2: expected printable text, found .*U.0000"),
        ("image,category,split,split\n", "line 1: expected each column once, found 'split' again"),
        ("image,category,split,mask\na.jpg,mug,test,m.png,7\n", "line 2: expected 4 values.* found 5.*','"),
        (
            "image,category,split,mask\nx/a.jpg,mug,test,m.png\ny/a.png,mug,train,m.png\n",
            "line 3, column 'image': expected a file name that no other .* found 'a' again .*line 2.*Rename",
        ),
    ],
)
def test_a_wrong_table_is_named_with_its_line(tmp_path, text, message):
    table = tmp_path / "photographs.csv"
    table.write_text(text)
    with pytest.raises(InputError, match=message) as found:
        read_rows(table)
    assert str(found.value).startswith(str(table))


def test_one_file_name_may_be_that_of_two_categories(tmp_path):
    write_table(tmp_path / "t.csv", [row("x/a"), row("y/a", category="bottle")])
    assert [row.key for row in read_rows(tmp_path / "t.csv")] == ["mug/a", "bottle/a"]


def test_a_missing_file_and_another_encoding_are_errors_with_a_remedy(tmp_path):
    table = tmp_path / "photographs.csv"
    with pytest.raises(InputError, match=r"photographs\.csv.*data\.folder"):
        read_rows(table)
    table.write_bytes("image,category,split\nä.jpg,mug,test\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"photographs\.csv, line 2: expected text in UTF-8, found .*Save it as UTF-8"):
        read_rows(table)


def row_with_mask(folder: Path, pixels: np.ndarray | None, **cells: object) -> Row:
    write_table(folder / "photographs.csv", [row("a", **cells)])
    if pixels is not None:
        write_mask(folder / "m.png", pixels)
    (found,) = read_rows(folder / "photographs.csv")
    return found


def test_a_mask_is_read_as_it_is(tmp_path):
    mask = np.random.default_rng(0).random((9, 12)) < 0.5
    np.testing.assert_array_equal(row_with_mask(tmp_path, mask, mask="m.png").read_mask(9, 12), mask)


@pytest.mark.parametrize(
    ("mask", "cells", "message"),
    [
        (None, {}, "expected the path of a mask, found nothing.*another mask backend"),
        (None, {"mask": "m.png"}, r"expected an image, found no file .*m\.png"),
        (np.ones((8, 12), bool), {"mask": "m.png"}, "expected 12 x 9 pixels.*found 12 x 8"),
        (np.zeros((9, 12), bool), {"mask": "m.png"}, "expected white pixels on the object, found none"),
    ],
)
def test_a_mask_that_cannot_be_used_names_line_and_column(tmp_path, mask, cells, message):
    with pytest.raises(InputError, match=rf"photographs\.csv, line 2, column 'mask': {message}"):
        row_with_mask(tmp_path, mask, **cells).read_mask(9, 12)


def test_no_link_leads_out_of_the_folder(tmp_path):
    folder = tmp_path / "photographs"
    write_table(folder / "photographs.csv", [row("a"), row("sub/b")])
    (tmp_path / "outside").mkdir()
    (folder / "sub").symlink_to(tmp_path / "outside")
    with pytest.raises(InputError, match=r"line 3, column 'image': .*found a link that leads to .*Put a copy"):
        read_rows(folder / "photographs.csv")
    (tmp_path / "link").symlink_to(folder)
    (folder / "sub").unlink()
    (folder / "real").mkdir()
    (folder / "sub").symlink_to("real")
    assert len(read_rows(tmp_path / "link" / "photographs.csv")) == 2
