"""A key-value cache with fixed slots: rows of different lengths, written in place and never copied to grow.

transformers' own cache is copied to grow by one token, and repeats the keys of grouped-query attention
for every head; for a small model that takes most of the time. Here each running completion has a slot of
fixed width. New rows are computed together and stored; a step writes one token per row at the row's own
length. Attention never reads beyond a row's length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.cache_utils import Cache, CacheLayerMixin

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ATTENTION = "slmr_slots"


class SlotCache(Cache):
    """Keys and values of `rows` slots of `width` tokens, for every layer of a decoder.

    Attributes:
        lengths: tokens in each slot, [rows].
        active: number of slots in use, counted from the first.
        longest: maximal number of tokens in these.
    """

    def __init__(self, rows: int, width: int, device: torch.device) -> None:
        super().__init__(layer_class_to_replicate=CacheLayerMixin)
        self.rows, self.width, self.active, self.longest = rows, width, 0, 0
        self.lengths = torch.zeros(rows, dtype=torch.long, device=device)
        self._keys: list[torch.Tensor] = []
        self._values: list[torch.Tensor] = []
        self._rows = torch.arange(rows, device=device)
        self._columns = torch.arange(width, device=device)
        self._sources: torch.Tensor | None = None

    @contextmanager
    def admitting(self, lengths: Sequence[int], sources: Sequence[int]) -> Iterator[None]:
        """Makes the forward pass inside compute new rows; the i-th new slot gets row `sources[i]` of that pass."""
        device = self.lengths.device
        self._sources = torch.tensor(sources, device=device)
        yield
        slots = slice(self.active, self.active + len(sources))
        self.lengths[slots] = torch.tensor(lengths, device=device)
        self._sources = None
        self.active = slots.stop
        self.longest = max(self.longest, *lengths)

    def grow(self) -> torch.Tensor:
        """Adds one token to every running row, which the next forward pass writes; returns its positions, [active]."""
        positions = self.lengths[: self.active].clone()
        self.lengths[: self.active] += 1
        self.longest += 1
        return positions

    def keep(self, rows: Sequence[int]) -> list[int]:
        """Keeps only these slots, moving the last ones into gaps; returns the old index of each remaining slot."""
        count = len(rows)
        staying = [row for row in rows if row < count]
        movers = [row for row in rows if row >= count]
        holes = sorted(set(range(count)) - set(staying))
        if holes:
            to, origin = (torch.tensor(x, device=self.lengths.device) for x in (holes, movers))
            for stored in (*self._keys, *self._values):
                stored[to, :, : self.longest] = stored[origin, :, : self.longest]
            self.lengths[to] = self.lengths[origin]
        self.active = count
        self.longest = int(self.lengths[:count].max()) if count else 0
        moved = dict(zip(holes, movers, strict=True))
        return [moved.get(slot, slot) for slot in range(count)]

    def mask(self, dtype: torch.dtype) -> torch.Tensor:
        """The additive attention mask of a step, [active, 1, 1, longest]."""
        seen = self._columns[: self.longest] < self.lengths[: self.active, None]
        mask = torch.zeros(seen.shape, dtype=dtype, device=seen.device)
        return mask.masked_fill_(~seen, float("-inf"))[:, None, None]

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Stores a layer's keys and values; returns those that its attention reads."""
        if layer_idx == len(self._keys):
            for stored, states in ((self._keys, key_states), (self._values, value_states)):
                # Zeros, not uninitialised memory: a NaN beyond a row's length would spread through 0 * NaN.
                stored.append(states.new_zeros(self.rows, states.shape[1], self.width, states.shape[3]))
        keys, values = self._keys[layer_idx], self._values[layer_idx]
        if self._sources is not None:
            slots, width = slice(self.active, self.active + len(self._sources)), key_states.shape[2]
            keys[slots, :, :width] = key_states[self._sources]
            values[slots, :, :width] = value_states[self._sources]
            return key_states, value_states
        rows, last = self._rows[: self.active], self.lengths[: self.active] - 1
        keys[rows, :, last] = key_states[:, :, 0]
        values[rows, :, last] = value_states[:, :, 0]
        return keys[: self.active, :, : self.longest], values[: self.active, :, : self.longest]

    def get_seq_length(self, layer_idx: int = 0) -> int:
        return 0 if self._sources is not None else self.longest


def _attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Causal attention within new rows, or attention of one token per row to its slot.

    In a step the heads of a group share their keys, so they are passed as queries of one head, and no
    key is repeated.
    """
    rows, heads, length, width = query.shape
    groups = key.shape[1]
    if length > 1:
        out = scaled_dot_product_attention(query, key, value, is_causal=True, scale=scaling, enable_gqa=heads != groups)
        return out.transpose(1, 2), None
    grouped = query.view(rows, groups, heads // groups, width)
    out = scaled_dot_product_attention(grouped, key, value, attn_mask=attention_mask, scale=scaling)
    return out.reshape(rows, 1, heads, width), None


AttentionInterface.register(ATTENTION, _attend)


@contextmanager
def slot_attention(model: PreTrainedModel) -> Iterator[None]:
    """Makes the model attend through slots inside the context."""
    original = model.config._attn_implementation
    model.config._attn_implementation = ATTENTION
    try:
        yield
    finally:
        model.config._attn_implementation = original
