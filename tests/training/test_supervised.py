"""The plan of a trainer on a fixed data set."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from slmr.training.sft import SftParams
from slmr.training.supervised import batch_order, schedule_rows, updates


@given(
    st.lists(st.integers(1, 50), min_size=1, max_size=80),
    st.integers(1, 12),
    st.integers(1, 9),
    st.integers(0, 3),
)
def test_a_schedule_takes_every_row_once_a_pass(lengths: list[int], steps: int, batch: int, seed: int) -> None:
    order = batch_order(lengths, steps, batch, seed)
    assert len(order) == steps * batch and order == batch_order(lengths, steps, batch, seed)
    for start in range(0, len(order) - len(lengths) + 1, len(lengths)):
        assert sorted(order[start : start + len(lengths)]) == list(range(len(lengths)))


def test_an_epoch_may_have_more_rows_than_there_are() -> None:
    """What is trained on less is trained on as many updates, every row as often as any other."""
    params = SftParams(epochs=2, batch_size=4)
    rows = schedule_rows(list("abcde"), len, params, 0, epoch=20)
    assert len(rows) == 4 * updates(20, params) == 40 and {rows.count(row) for row in "abcde"} == {8}
    assert (
        len(schedule_rows(list("abcde"), len, params, 0)) == 4 * updates(5, params) == 8
    )  # 2.5 steps, rounded to even
    assert updates(20, params, share=0.5) == 5 and updates(1, params, share=0.1) == 1
