"""A fingerprint tells arrays apart."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from scheduler.selection.fingerprint import fingerprint

numbers = st.sampled_from((0.0, 0.5, 1.0, 1.5, 2.0, -1.0, 1e-9, 3.0, 4096.0)) | st.floats(allow_nan=False)


@given(st.lists(numbers, max_size=20), st.lists(numbers, max_size=20))
def test_other_values_have_another_one(some: list[float], others: list[float]) -> None:
    one, other = np.array(some, dtype=np.float64), np.array(others, dtype=np.float64)
    assert (fingerprint(one) == fingerprint(other)) == (one.tobytes().rstrip(b"\0") == other.tobytes().rstrip(b"\0"))


@given(st.lists(numbers, min_size=2, max_size=20), st.data())
def test_the_same_values_in_another_order_have_another_one(values: list[float], data: st.DataObject) -> None:
    one, other = np.array(values), np.array(data.draw(st.permutations(values)))
    assume(one.tobytes() != other.tobytes())
    assert fingerprint(one) != fingerprint(other)


def test_rows_are_told_apart_and_so_is_every_single_bit() -> None:
    rows = np.arange(1000)
    assert len({fingerprint(np.delete(rows, gone)) for gone in range(1000)}) == 1000
    weight = np.array([1.0, 0.5])
    changed = weight.view(np.uint64)[:, None] ^ (np.uint64(1) << np.arange(64, dtype=np.uint64))
    assert len({fingerprint(np.array([one, 0.5]).view(np.float64)) for one in changed[0].view(np.float64)}) == 64


def test_it_is_the_same_in_every_process() -> None:
    assert fingerprint(np.array([1.0, 2.0, 0.5])) == 5055356769495372032
