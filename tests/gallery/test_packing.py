"""Arrays survive the way into a page, to half a step of their range."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipeline.gallery.packing import pack_range, pack_whole, unpack


@given(
    arrays.arrays(np.float64, arrays.array_shapes(max_dims=3, max_side=4), elements=st.floats(-3, 3) | st.just(np.nan)),
    st.sampled_from([8, 16]),
)
def test_numbers_are_rounded_clipped_and_may_be_unknown(values, bits):
    read = unpack(pack_range(values, -2, 2, bits))
    assert read.shape == values.shape
    assert np.array_equal(np.isnan(read), np.isnan(values))
    np.testing.assert_allclose(read, values.clip(-2, 2), atol=0.5001 * 4 / (2**bits - 2))


@given(arrays.arrays(np.int64, arrays.array_shapes(max_side=5), elements=st.integers(0, 65535)))
def test_whole_numbers_stay_as_they_are(values):
    assert np.array_equal(unpack(pack_whole(values)), values)


def test_booleans_take_a_byte_and_large_numbers_are_refused():
    packed = pack_whole(np.array([True, False]))
    assert packed["bits"] == 8 and unpack(packed).tolist() == [1, 0]
    for value in (-1, 65536):
        with pytest.raises(ValueError, match="16 bits"):
            pack_whole(np.array([value]))
