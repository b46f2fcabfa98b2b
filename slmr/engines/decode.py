"""Decoding with a local model, with continuous batching: finished rows leave the batch and waiting prompts enter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slmr.config import WHOLE_DISTRIBUTION, Truncation
from slmr.engines.draws import pick, uniforms

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from slmr.engines.slots import SlotCache

_REFILL_SHARE = 8  # new rows enter when an eighth of the slots is free, so that one pass admits many


@dataclass(frozen=True, slots=True)
class Decoding:
    """How completions are drawn, in token ids.

    Attributes:
        ends: the tokens that end a completion.
        pad: any token; attention never looks at padding.
        stopped: whether new tokens contain a stop text.
        context: maximal tokens of prompt and completion together; None if the model has no limit.
    """

    max_tokens: int
    temperature: float
    ends: frozenset[int]
    pad: int
    stopped: Callable[[list[int]], bool] | None = None
    context: int | None = None
    truncation: Truncation = WHOLE_DISTRIBUTION

    def room(self, row: Generation) -> int:
        """The maximal number of the row's new tokens."""
        return self.max_tokens if self.context is None else min(self.max_tokens, self.context - len(row.prompt))

    def done(self, row: Generation) -> bool:
        """Whether the row is finished."""
        return (
            row.ids[-1] in self.ends
            or len(row.ids) >= self.room(row)
            or (self.stopped is not None and self.stopped(row.ids))
        )


@dataclass(slots=True)
class Generation:
    """An unfinished completion: prompt token ids, seed of its draws, new token ids and their log-probabilities."""

    index: int
    prompt: tuple[int, ...]
    seed: int
    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)


def decode(model: PreTrainedModel, rows: Sequence[Generation], slots: int, how: Decoding) -> Iterator[Generation]:
    """Continues every row until an end token, a stop text, or `max_tokens`; yields each when it is finished.

    Greedy at temperature 0, else sampled with the row's own seed, so that a draw does not depend on what
    shares the batch.
    """
    import torch

    from slmr.engines.slots import SlotCache, slot_attention

    # Longest first: running out of memory shows at once, and neighbours have similar lengths. Equal prompts
    # are neighbours, so that they are computed once.
    waiting = sorted(rows, key=lambda row: (-len(row.prompt), row.prompt, row.index))
    running: list[Generation] = []
    slots = min(slots, len(waiting))
    with torch.inference_mode(), slot_attention(model):
        longest = max(len(row.prompt) + how.room(row) for row in waiting)
        cache = SlotCache(slots, longest, model.device)
        while waiting or running:
            free = slots - len(running)
            if waiting and (free >= max(1, slots // _REFILL_SHARE) or not running):
                batch, waiting = waiting[:free], waiting[free:]
                _admit(model, cache, [row.prompt for row in batch], how.pad)
                running += batch
            _extend(running, _step(model, cache, running), how)
            done = [how.done(row) for row in running]
            if any(done):
                order = cache.keep([i for i, over in enumerate(done) if not over])
                yield from (row for row, over in zip(running, done, strict=True) if over)
                running = [running[i] for i in order]


def _admit(model: PreTrainedModel, cache: SlotCache, prompts: Sequence[tuple[int, ...]], pad: int) -> None:
    """Computes new prompts into free slots, except for their last token, which the next step processes."""
    import torch

    distinct = list(dict.fromkeys(prompts))
    where = {prompt: i for i, prompt in enumerate(distinct)}
    width = max(map(len, distinct)) - 1
    # Padding follows the prompt, where causal attention never looks.
    ids = [[*prompt[:-1], *[pad] * (width + 1 - len(prompt))] for prompt in distinct]
    with cache.admitting([len(p) - 1 for p in prompts], [where[p] for p in prompts]):
        if width:
            model.get_decoder()(
                input_ids=torch.tensor(ids, device=model.device),
                past_key_values=cache,
                use_cache=True,
                position_ids=torch.arange(width, device=model.device)[None],
            )


def _step(model: PreTrainedModel, cache: SlotCache, running: Sequence[Generation]) -> torch.Tensor:
    """The logits after the last token of each running row, [running, vocabulary]."""
    import torch

    last = [[row.ids[-1] if row.ids else row.prompt[-1]] for row in running]
    positions = cache.grow()
    return model(
        input_ids=torch.tensor(last, device=model.device),
        attention_mask=cache.mask(model.dtype),
        position_ids=positions[:, None],
        past_key_values=cache,
        use_cache=True,
    ).logits[:, -1]


def _extend(running: Sequence[Generation], logits: torch.Tensor, how: Decoding) -> None:
    """Gives every running row its next token."""
    for row, token, logprob in zip(running, *next_tokens(running, logits, how), strict=True):
        row.ids.append(token)
        row.logprobs.append(logprob)


def next_tokens(rows: Sequence[Generation], logits: torch.Tensor, how: Decoding) -> tuple[list[int], list[float]]:
    """The next token of each row and its log-probability, from logits [rows, vocabulary]."""
    draws = uniforms([r.seed for r in rows], [len(r.ids) for r in rows]) if how.temperature else None
    tokens, logprobs = pick(logits, how.temperature, draws, how.truncation)
    return tokens.tolist(), logprobs.tolist()


def context_length(config: Any) -> int | None:
    """The maximal number of tokens of prompt and completion together; None if the model has no limit."""
    length = getattr(config.get_text_config(), "max_position_embeddings", None)
    return length if isinstance(length, int) and length > 0 else None
