"""The plan of a trainer on a fixed data set."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from slmr.training.supervised import schedule


@given(
    st.lists(st.integers(1, 50), min_size=1, max_size=80),
    st.integers(1, 12),
    st.integers(1, 9),
    st.integers(0, 3),
)
def test_a_schedule_takes_every_row_once_a_pass(
    lengths: list[int], steps: int, batch: int, seed: int
) -> None:
    order = schedule(lengths, steps, batch, seed)
    assert len(order) == steps * batch and order == schedule(lengths, steps, batch, seed)
    for start in range(0, len(order) - len(lengths) + 1, len(lengths)):
        assert sorted(order[start : start + len(lengths)]) == list(range(len(lengths)))
