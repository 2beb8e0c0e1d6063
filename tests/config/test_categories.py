"""The ten categories, and which names a dataset reader may have."""

import pytest

from pipeline.base.errors import InputError
from pipeline.config.categories import CATEGORIES, check_category, symmetry_fold
from support.tiny import tiny_params


def test_ids_name_one_category_each():
    assert sorted(category.id for category in CATEGORIES.values()) == list(range(len(CATEGORIES)))


def test_only_a_bottle_looks_the_same_from_all_sides():
    assert {name: symmetry_fold(name) for name in ("bottle", "car", "mug")} == {"bottle": 0, "car": 1, "mug": 1}


def test_the_releases_have_the_ten_categories():
    assert check_category("car") == "car"
    with pytest.raises(InputError, match="Unknown category 'cars'. Did you mean 'car'"):
        check_category("cars")
    with pytest.raises(InputError, match="Unknown category 'chairs'. Did you mean 'chair'"):
        tiny_params(categories=["car", "chairs"])


def test_another_reader_has_any_category_that_can_name_a_folder():
    assert check_category("coffee_mug-2", "folder") == "coffee_mug-2"
    assert tiny_params(categories=["mug"], data__reader="folder", data__generate=[]).categories == ("mug",)
    with pytest.raises(InputError, match=r"data\.generate .* the reader 'folder' .*Set data\.generate to"):
        tiny_params(categories=["mug"], data__reader="folder")
    for name in ("", "a mug", "a/b", "..", "-mug"):
        with pytest.raises(InputError, match="cannot name a folder.*another name"):
            check_category(name, "folder")
