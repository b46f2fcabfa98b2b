"""Samples token ids from a loaded model, through the slot cache if the model supports it, else through `generate`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmr.engines import Sampling, memory
from slmr.engines.decode import Decoding, Generation, context_length, decode, next_tokens
from slmr.errors import RequestError, reading

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_SAID = "what the assistant said"
_TAIL = 32  # last tokens that are searched for a stop text


class Sampler:
    """Continues rows of token ids with one model; `compile` compiles its decoding steps.

    Attributes:
        ends: every token that ends a completion.
        slots: whether the model decodes through the slot cache. It does if a trial gave the logits of a plain
            forward pass; others, such as models with sliding windows or recurrent layers, use `generate`.

    Raises:
        RequestError: the model's steps cannot be compiled.
    """

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, compile: bool = False) -> None:
        self._model, self._tokenizer = model, tokenizer
        self.ends = end_tokens(tokenizer, model)
        self._pad = int(tokenizer.pad_token_id)  # type: ignore[arg-type]
        self.slots = slots_are_right(model)
        self._decoder = _compile(model) if compile else model

    def run(self, rows: Sequence[Generation], sampling: Sampling, batch_size: int) -> Iterator[Generation]:
        """Yields each row as soon as it is finished."""
        how = Decoding(
            sampling.max_tokens,
            sampling.temperature,
            self.ends,
            self._pad,
            self._stop_check(sampling.stop),
            context_length(self._model.config),
            sampling.truncation,
        )
        check_room(rows, how)
        training = self._model.training
        self._model.eval()
        try:
            if self.slots:
                yield from decode(self._decoder, rows, batch_size, how)
            else:
                yield from generate(self._model, rows, batch_size, how)
        finally:
            self._model.train(training)

    def fill(self, rows: Sequence[Generation], sampling: Sampling) -> None:
        """Completes all rows in place, as many side by side as fit into memory."""
        for _ in self.run(rows, sampling, memory.batch_size(self._model, "auto")):
            pass

    def _stop_check(self, stops: Sequence[str]) -> Callable[[list[int]], bool] | None:
        if not stops:
            return None
        return lambda ids: any(stop in str(self._tokenizer.decode(ids[-_TAIL:])) for stop in stops)


def end_tokens(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel | Path) -> frozenset[int]:
    """Every token that ends a completion, according to tokenizer, generation config and chat template."""
    from transformers import GenerationConfig

    if isinstance(model, Path):
        written = (model / "generation_config.json").is_file()
        with reading(f"{model / 'generation_config.json'} cannot be read"):
            config = GenerationConfig.from_pretrained(model) if written else None
    else:
        config = model.generation_config
    configured = config.eos_token_id if config else None
    listed = configured if isinstance(configured, list) else [configured]
    ends = [tokenizer.eos_token_id, *listed, _turn_end(tokenizer)]
    return frozenset(int(t) for t in ends if t is not None)  # type: ignore[arg-type]


def _turn_end(tokenizer: PreTrainedTokenizerBase) -> int | None:
    """The special token that the chat template writes after an assistant's turn.

    Base models with a template often declare only another end token, and would continue with an invented user turn.
    """
    from jinja2 import TemplateError

    if not tokenizer.chat_template:
        return None
    turns = [{"role": "user", "content": "q"}, {"role": "assistant", "content": _SAID}]
    try:
        text = str(tokenizer.apply_chat_template(turns, tokenize=False))
    except (TemplateError, ValueError, TypeError, KeyError):
        return None  # the template does not accept such a chat: the configs have to suffice
    rest = text.rpartition(_SAID)[2].lstrip()
    ids = tokenizer(rest, add_special_tokens=False)["input_ids"][:1] if rest else []
    return next((int(i) for i in ids if i in tokenizer.added_tokens_decoder), None)  # type: ignore[union-attr]


def _compile(model: PreTrainedModel) -> PreTrainedModel:
    """The model with a compiled forward pass, for decoding steps; prompts still go through its uncompiled decoder.

    All sizes are dynamic from the start: one program serves every number of rows and every length, so a
    completion does not depend on the sizes that came before it.
    """
    import torch

    compiled: Any = torch.compile(model, dynamic=True)
    if not slots_are_right(model, compiled):
        raise RequestError(
            "this model's decoding steps cannot be compiled here: torch.compile needs a C++ compiler, and a"
            " model that decodes through slots; leave compilation out"
        )
    return compiled


def slots_are_right(model: PreTrainedModel, decoder: PreTrainedModel | None = None) -> bool:
    """Whether decoding a few tokens through the slot cache gives the logits of a plain forward pass.

    `decoder` computes the steps if it is not the model itself. The trial replaces a list of supported
    architectures. It is shorter than any sliding window, so models with one are excluded by their config.
    """
    import torch

    config = model.config.get_text_config()
    if getattr(config, "sliding_window", None) and getattr(config, "use_sliding_window", True):
        return False
    vocabulary = config.vocab_size
    prompts = [tuple((7 * i + 3 * n) % vocabulary for i in range(n)) for n in (5, 9, 2)]
    how = Decoding(2, 0.0, frozenset(), 0)
    try:
        with torch.inference_mode():
            trial = [Generation(i, p, 0) for i, p in enumerate(prompts)]
            rows = list(decode(model if decoder is None else decoder, trial, 2, how))
            return all(_agrees(model, row) for row in rows)
    except (AttributeError, TypeError, ValueError, NotImplementedError, IndexError, KeyError, RuntimeError):
        # The model lacks something that slots need. Running out of memory on nine tokens would recur in `generate`.
        return False


def _agrees(model: PreTrainedModel, row: Generation) -> bool:
    """Whether a plain forward pass gives the row's tokens the same log-probabilities, within a tolerance."""
    import torch

    ids = torch.tensor([[*row.prompt, *row.ids]], device=model.device)
    logprobs = model(input_ids=ids).logits[0, len(row.prompt) - 1 : -1].float().log_softmax(-1)
    expected = logprobs.gather(-1, torch.tensor(row.ids, device=model.device)[:, None])[:, 0]
    tolerance = 1e-3 if model.dtype == torch.float32 else 0.1
    return bool(((expected - torch.tensor(row.logprobs, device=model.device)).abs() < tolerance).all())


def generate(
    model: PreTrainedModel, rows: Sequence[Generation], batch_size: int, how: Decoding
) -> Iterator[Generation]:
    """As `decode`, for models that need their own cache: batches through transformers' `generate`."""
    import torch
    from transformers import LogitsProcessorList, StoppingCriteriaList

    for batch in _batches(rows, batch_size, how):
        width = len(batch[0].prompt)
        ids = [[how.pad] * (width - len(row.prompt)) + list(row.prompt) for row in batch]
        mask = [[0] * (width - len(row.prompt)) + [1] * len(row.prompt) for row in batch]
        with torch.inference_mode():
            model.generate(
                input_ids=torch.tensor(ids, device=model.device),
                do_sample=False,
                use_cache=True,
                attention_mask=torch.tensor(mask, device=model.device),
                max_new_tokens=how.room(batch[0]),
                pad_token_id=how.pad,
                logits_processor=LogitsProcessorList([partial(_draw, batch, how)]),
                stopping_criteria=StoppingCriteriaList([partial(_all_done, batch, how)]),
                eos_token_id=None,
            )  # type: ignore[operator]
        yield from batch


def _batches(rows: Sequence[Generation], size: int, how: Decoding) -> Iterator[Sequence[Generation]]:
    """Batches, the longest prompts first.

    A batch runs until its last row is finished. So a prompt after which the model's context ends before `max_tokens`
    shares its batch only with prompts of the same length: no row may exceed the model's positions.
    """
    ordered = sorted(rows, key=lambda row: (-len(row.prompt), row.prompt, row.index))
    for _, group in groupby(ordered, key=lambda row: how.room(row) < how.max_tokens and len(row.prompt)):
        members = list(group)
        for start in range(0, len(members), size):
            yield members[start : start + size]


def check_room(rows: Sequence[Generation], how: Decoding) -> None:
    """Raises RequestError if a prompt leaves no room for an answer in the model's context."""
    if full := next((row for row in rows if how.room(row) < 1), None):
        raise RequestError(
            f"a prompt has {len(full.prompt):,} tokens, but the model's context has {how.context:,}, including the"
            " answer"
        )


def _draw(batch: Sequence[Generation], how: Decoding, _: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    """A logits processor that draws each row's next token and makes all others impossible for greedy search."""
    import torch

    tokens, logprobs = next_tokens(batch, scores, how)
    for row, token, logprob in zip(batch, tokens, logprobs, strict=True):
        if not row.ids or not how.done(row):
            row.ids.append(token)
            row.logprobs.append(logprob)
    chosen = torch.tensor(tokens, device=scores.device)[:, None]
    return scores.new_full(scores.shape, float("-inf")).scatter_(-1, chosen, 0.0)


def _all_done(
    batch: Sequence[Generation], how: Decoding, ids: torch.Tensor, scores: object, **_: object
) -> torch.Tensor:
    """Stops `generate` when every row is done."""
    import torch

    over = all(how.done(row) for row in batch)
    return torch.full((ids.shape[0],), over, dtype=torch.bool, device=ids.device)
