"""The cache of slots: rows keep their contents when others leave."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from slmr.engines.slots import SlotCache


@settings(max_examples=60)
@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=8),
    data=st.data(),
)
def test_keeping_rows_moves_each_with_its_contents(lengths: list[int], data: st.DataObject) -> None:
    cache = SlotCache(len(lengths), 12, torch.device("cpu"))
    states = torch.arange(len(lengths), dtype=torch.float32)[:, None, None, None].expand(-1, 1, 9, 2)
    with cache.admitting(lengths, range(len(lengths))):
        cache.update(states, -states, 0)
    kept = data.draw(st.lists(st.sampled_from(range(len(lengths))), unique=True).map(sorted))
    moved = cache.keep(kept)
    assert sorted(moved) == kept and cache.active == len(kept)
    for slot, was in enumerate(moved):
        assert int(cache.lengths[slot]) == lengths[was]
        assert (cache._keys[0][slot, 0, : lengths[was]] == was).all()
        assert (cache._values[0][slot, 0, : lengths[was]] == -was).all()
