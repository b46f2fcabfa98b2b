"""slmr's engines as an lm-eval model. `import slmr.lm_eval` registers it as `slmr`; this module is also a command.

    python -m slmr.lm_eval --model slmr --model_args pretrained=lab-llama --tasks lab_math --apply_chat_template

The command takes lm_eval's arguments and knows slmr's tasks without `--include_path`. With a chat template it gives
the answers of `slmr eval`: the same prompts, the same batches, the same random draws.
"""

from __future__ import annotations

import atexit
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

from lm_eval.api.model import LM
from lm_eval.api.registry import register_model

from slmr.config import Truncation
from slmr.engines import Completion, Engine, Prompt, Sampling, open_engine
from slmr.engines.models import resolve_model
from slmr.errors import RequestError, SlmrError
from slmr.parsing import parse
from slmr.pipeline.evaluation import EvalRequest, engine_settings
from slmr.tasks.registry import task_folders

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance

_MAX_TOKENS = 256  # lm-eval's default, for a task that sets no limit
# The first of these that a task sets counts.
_MAX_TOKENS_NAMES = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
# The values with which these settings leave the distribution as it is.
_NEUTRAL = {"repetition_penalty": (1,), "num_beams": (1,)}
_CHAT = "slmr_chat"


@register_model("slmr")
class SlmrLM(LM):
    """One of slmr's engines, for generation.

    Args:
        pretrained: what `slmr eval` takes as MODEL: a lab student, folder, GGUF file, adapter, hub id or server's URL.
        engine, dtype, device, concurrency, served_name, compile, trust_remote_code: as for `slmr eval`.
        batch_size: `auto` or a number; lm-eval's default of 1 counts as `auto`.
        seed: of the random draws, if a task samples.

    Raises:
        RequestError: there is no such model, or a setting does not fit it.
    """

    def __init__(
        self,
        pretrained: str,
        engine: str = "auto",
        dtype: str = "auto",
        device: str | None = None,
        batch_size: str | int = "auto",
        max_batch_size: int | None = None,
        concurrency: int = 16,
        served_name: str | None = None,
        compile: bool = False,
        trust_remote_code: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        model = resolve_model(str(pretrained), lambda line: print(line, file=sys.stderr))
        request = EvalRequest(
            str(pretrained),
            engine=engine,
            dtype=dtype,
            device=_usable(device),
            concurrency=concurrency,
            batch_size="auto" if str(batch_size) == "1" else str(batch_size),
            served_name=served_name,
            compile=compile,
            trust_remote_code=trust_remote_code,
        )
        self._settings = engine_settings(request, model)
        self._seed, self._name = seed, f"{model.name}-{model.key}"
        self._engine: Engine = open_engine(model.location, self._settings)
        atexit.register(self._engine.close)

    @property
    def tokenizer_name(self) -> str:
        """The key under which lm-eval caches rendered requests: it stands for the model and its chat template."""
        return f"slmr-{self._name}".replace("/", "__")

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """The turns as JSON: the engine, or the server, renders them later with the model's own template."""
        return _Chat(chat_history).text()

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """One completion per request; repeats of a request are independent draws.

        Raises:
            RequestError: the engines do not support the task's sampling settings or its form of prompt.
        """
        from tqdm import tqdm

        answers: list[str] = []
        with tqdm(total=len(requests), disable=disable_tqdm, desc="slmr") as bar:

            def on_completion(index: int, completion: Completion) -> None:
                bar.update()

            for batch, sampling in self._batches(requests):
                completions = self._engine.generate([prompt for _, prompt in batch], sampling, on_completion)
                answers += [completion.text for completion in completions]
                for (request, _), completion in zip(batch, completions, strict=True):
                    self.cache_hook.add_partial("generate_until", request.args, completion.text)
        return answers

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> NoReturn:
        """Raises RequestError: the engines only generate."""
        raise RequestError(
            "slmr's engines generate; this task asks for log-likelihoods: run it with lm-eval's own `--model hf`"
        )

    loglikelihood_rolling = loglikelihood

    def _batches(self, requests: Sequence[Instance]) -> Iterator[tuple[list[tuple[Instance, Prompt]], Sampling]]:
        """The batches of `slmr eval`: a local model's arithmetic depends on what shares a batch."""
        repeats: Counter[int] = Counter()  # how often lm-eval has repeated a request so far
        for (_, settings), group in groupby(
            requests, key=lambda r: (r.task_name, json.dumps(cast("tuple[Any, ...]", r.args)[1], default=str))
        ):
            pairs = []
            for request in group:
                pairs.append((request, self._prompt(str(request.args[0]), repeats[id(request)])))
                repeats[id(request)] += 1
            size = self._engine.unit if self._engine.unit > 1 else len(pairs)
            for start in range(0, len(pairs), size):
                yield pairs[start : start + size], sampling_of(json.loads(settings), self._seed)

    def _prompt(self, text: str, sample_index: int) -> Prompt:
        if chat := _Chat.of(text):
            return chat.prompt(sample_index)
        if self._settings.name == "server":
            raise RequestError("a server takes chat messages only: add --apply_chat_template")
        return Prompt(text, sample_index=sample_index, plain=True)


def sampling_of(settings: Mapping[str, Any], seed: int) -> Sampling:
    """The sampling settings of a task's `generation_kwargs`.

    Raises:
        RequestError: the engines do not support a setting, or it has no effect on greedy decoding.
    """
    named = dict(settings)
    until = named.pop("until", None) or ()
    limits = [named.pop(name) for name in _MAX_TOKENS_NAMES if name in named]
    temperature = float(named.pop("temperature", None) or 0)
    sampled = named.pop("do_sample", temperature > 0)
    truncation = _truncation({name: named.pop(name, None) for name in Truncation.model_fields})
    for name, value in named.items():
        if value is not None and value not in _NEUTRAL.get(name, ()):
            raise RequestError(f"generation_kwargs: slmr's engines do not support {name}={value}")
    if truncation.cuts and not sampled:
        raise RequestError(f"generation_kwargs: {', '.join(truncation.cuts)}: without effect on greedy decoding")
    return Sampling(
        (temperature or 1.0) if sampled else 0.0,
        int(limits[0] if limits else _MAX_TOKENS),
        seed,
        tuple(filter(None, [until] if isinstance(until, str) else until)),
        truncation,
    )


def _truncation(settings: Mapping[str, Any]) -> Truncation:
    """The truncation that `generation_kwargs` name; None is unset, and a top_k of -1 is vLLM's for all tokens."""
    values = {name: value for name, value in settings.items() if value is not None}
    if values.get("top_k") == -1:
        del values["top_k"]
    return parse(Truncation, values, "generation_kwargs")


@dataclass(frozen=True, slots=True)
class _Chat:
    """A chat encoded as text, because lm-eval handles prompts as text only."""

    turns: list[dict[str, str]]

    def text(self) -> str:
        return json.dumps({_CHAT: self.turns})

    @classmethod
    def of(cls, text: str) -> _Chat | None:
        """The chat that `text` encodes; None if it is plain text."""
        return cls(json.loads(text)[_CHAT]) if text.startswith(f'{{"{_CHAT}": ') else None

    def prompt(self, sample_index: int) -> Prompt:
        """The chat as an engine's prompt; the beginning of an answer becomes its prefix.

        Raises:
            RequestError: the turns do not alternate between user and assistant.
        """
        turns, prefix, system = self.turns, "", ""
        if turns[0]["role"] == "system":
            system, *turns = turns[0]["content"], *turns[1:]
        if turns[-1]["role"] == "assistant":
            *turns, begun = turns
            prefix = begun["content"]
        roles, texts = [turn["role"] for turn in turns], [turn["content"] for turn in turns]
        if roles != ["user", "assistant"] * (len(turns) // 2) + ["user"]:
            raise RequestError(
                f"slmr's prompts alternate between user and assistant, but the roles here are {', '.join(roles)}:"
                " leave out the task's `description`"
            )
        examples = tuple(zip(texts[:-1:2], texts[1:-1:2], strict=True))
        return Prompt(texts[-1], prefix, examples, sample_index, system=system)


def _usable(device: str | None) -> str:
    """The requested device, but `auto` for none or for lm-eval's default `cuda:0` on a machine without CUDA."""
    import torch

    unusable = device is None or (device.startswith("cuda") and not torch.cuda.is_available())
    return "auto" if unusable else str(device)


def main() -> None:
    """`lm_eval`, with the model `slmr` and slmr's tasks."""
    import lm_eval.tasks
    from lm_eval.__main__ import cli_evaluate

    class WithOurTasks(lm_eval.tasks.TaskManager):
        """Also finds slmr's tasks; those in the folder that the user names take precedence."""

        def __init__(self, *args: Any, include_path: Any = None, **named: Any) -> None:
            paths = include_path if isinstance(include_path, list) else [include_path]
            super().__init__(*args, include_path=[*_task_roots(), *filter(None, paths)], **named)

    lm_eval.tasks.TaskManager = WithOurTasks  # the command has no option for a second folder
    try:
        cli_evaluate()
    except SlmrError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def _task_roots() -> list[Path]:
    return sorted({folder.parent for folder in task_folders().values()})


if __name__ == "__main__":
    main()
