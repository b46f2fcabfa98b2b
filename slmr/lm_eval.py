"""Our engines as a model of lm-eval: `import slmr.lm_eval` registers `slmr`, and the command here is `lm_eval` with it.

    python -m slmr.lm_eval --model slmr --model_args pretrained=lab-llama --tasks lab_math --apply_chat_template

It takes lm_eval's own arguments, and knows the tasks of slmr beside lm-eval's without `--include_path`. With a chat
template an answer is the one of `slmr eval`: the same prompt, the same batches, the same draws.
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

from slmr.engines import Completion, Engine, Prompt, Sampling, open_engine
from slmr.engines.models import resolve_model
from slmr.errors import RequestError, SlmrError
from slmr.pipeline.evaluation import EvalRequest, engine_settings
from slmr.tasks.registry import task_folders

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance

_BUDGET = 256  # tokens, where a task names no budget; lm-eval's own
_BUDGETS = (
    "max_gen_toks",
    "max_new_tokens",
    "max_tokens",
    "max_completion_tokens",
)  # the first that is there counts
_WHOLE = {"top_p": (1,), "top_k": (0, -1), "min_p": (0,), "repetition_penalty": (1,), "num_beams": (1,)}
_CHAT = "slmr_chat"


@register_model("slmr")
class SlmrLM(LM):
    """An engine of slmr, for generation.

    Args:
        pretrained: what `slmr eval` takes as MODEL: a lab student, folder, GGUF file, adapter, hub id or server's URL.
        engine, dtype, device, concurrency, served_name, compile, trust_remote_code: as there.
        batch_size: `auto` or a number; lm-eval's usual 1 counts as `auto`.
        seed: of the draws, where a task samples.

    Raises:
        RequestError: there is no such model, or a setting does not fit it.
    """

    def __init__(
        self, pretrained: str, engine: str = "auto", dtype: str = "auto", device: str | None = None,
        batch_size: str | int = "auto", max_batch_size: int | None = None, concurrency: int = 16,
        served_name: str | None = None, compile: bool = False, trust_remote_code: bool = False, seed: int = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        model = resolve_model(str(pretrained), lambda line: print(line, file=sys.stderr))
        request = EvalRequest(
            str(pretrained), engine=engine, dtype=dtype, device=_usable(device), concurrency=concurrency,
            batch_size="auto" if str(batch_size) == "1" else str(batch_size), served_name=served_name,
            compile=compile, trust_remote_code=trust_remote_code,
        )  # fmt: skip
        self._settings = engine_settings(request, model)
        self._seed, self._name = seed, f"{model.name}-{model.key}"
        self._engine: Engine = open_engine(model.location, self._settings)
        atexit.register(self._engine.close)

    @property
    def tokenizer_name(self) -> str:
        """What lm-eval keeps rendered requests under: the model with its chat template."""
        return f"slmr-{self._name}".replace("/", "__")

    def apply_chat_template(
        self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True
    ) -> str:
        """The turns as they are, for the engine: what renders them is the model's own template, or its server."""
        return _Chat(chat_history).text()

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """One completion a request; repeats of a request are draws of their own.

        Raises:
            RequestError: the task samples in a way that the engines do not, or the prompt is none that they can ask.
        """
        from tqdm import tqdm

        answers: list[str] = []
        with tqdm(total=len(requests), disable=disable_tqdm, desc="slmr") as bar:

            def drawn(index: int, completion: Completion) -> None:
                bar.update()

            for asked, sampling in self._batches(requests):
                completions = self._engine.generate([prompt for _, prompt in asked], sampling, drawn)
                answers += [completion.text for completion in completions]
                for (request, _), completion in zip(asked, completions, strict=True):
                    self.cache_hook.add_partial("generate_until", request.args, completion.text)
        return answers

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> NoReturn:
        """Raises RequestError: the engines sample."""
        raise RequestError(
            "slmr's engines generate; this task asks for log-likelihoods: run it with lm-eval's own `--model hf`"
        )

    loglikelihood_rolling = loglikelihood

    def _batches(
        self, requests: Sequence[Instance]
    ) -> Iterator[tuple[list[tuple[Instance, Prompt]], Sampling]]:
        """What is asked together, as in `slmr eval`: a local model's arithmetic depends on what shares its batch."""
        drawn: Counter[int] = Counter()  # of a request that lm-eval repeats
        for (_, settings), group in groupby(
            requests, key=lambda r: (r.task_name, json.dumps(cast("tuple[Any, ...]", r.args)[1], default=str))
        ):
            asked = []
            for request in group:
                asked.append((request, self._prompt(str(request.args[0]), drawn[id(request)])))
                drawn[id(request)] += 1
            size = self._engine.unit if self._engine.unit > 1 else len(asked)
            for start in range(0, len(asked), size):
                yield asked[start : start + size], sampling_of(json.loads(settings), self._seed)

    def _prompt(self, text: str, sample_index: int) -> Prompt:
        if chat := _Chat.of(text):
            return chat.prompt(sample_index)
        if self._settings.name == "server":
            raise RequestError("a server is asked by chat: add --apply_chat_template")
        return Prompt(text, sample_index=sample_index, plain=True)


def sampling_of(settings: Mapping[str, Any], seed: int) -> Sampling:
    """How a task's completions are drawn, from its `generation_kwargs`.

    Raises:
        RequestError: a setting would change the distribution in a way that the engines do not.
    """
    named = dict(settings)
    until = named.pop("until", None) or ()
    budgets = [named.pop(name) for name in _BUDGETS if name in named]
    temperature = float(named.pop("temperature", None) or 0)
    sampled = named.pop("do_sample", temperature > 0)
    for name, value in named.items():
        if value is not None and value not in _WHOLE.get(name, ()):
            raise RequestError(
                f"generation_kwargs: slmr's engines draw from the whole distribution and know no {name}={value}"
            )
    return Sampling(
        (temperature or 1.0) if sampled else 0.0, int(budgets[0] if budgets else _BUDGET), seed,
        tuple(filter(None, [until] if isinstance(until, str) else until)),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Chat:
    """A chat on its way through lm-eval, which knows prompts as text only."""

    turns: list[dict[str, str]]

    def text(self) -> str:
        return json.dumps({_CHAT: self.turns})

    @classmethod
    def of(cls, text: str) -> _Chat | None:
        """None where the text is no chat."""
        return cls(json.loads(text)[_CHAT]) if text.startswith(f'{{"{_CHAT}": ') else None

    def prompt(self, sample_index: int) -> Prompt:
        """The chat as an engine's prompt; an answer that lm-eval has begun is its prefix.

        Raises:
            RequestError: the turns are not those of a user and an assistant by turns.
        """
        turns, prefix = self.turns, ""
        if turns[-1]["role"] == "assistant":
            *turns, begun = turns
            prefix = begun["content"]
        roles, texts = [turn["role"] for turn in turns], [turn["content"] for turn in turns]
        if roles != ["user", "assistant"] * (len(turns) // 2) + ["user"]:
            raise RequestError(
                f"slmr's prompts are turns of user and assistant, and here they are {', '.join(roles)}: leave out"
                " --system_instruction, and a task's `description`"
            )
        examples = tuple(zip(texts[:-1:2], texts[1:-1:2], strict=True))
        return Prompt(texts[-1], prefix, examples, sample_index)


def _usable(device: str | None) -> str:
    """lm-eval's usual `cuda:0` where there is one, else whatever there is."""
    import torch

    unsaid = device is None or (device.startswith("cuda") and not torch.cuda.is_available())
    return "auto" if unsaid else str(device)


def main() -> None:
    """`lm_eval`, with the model `slmr` and slmr's tasks."""
    import lm_eval.tasks
    from lm_eval.__main__ import cli_evaluate

    class WithOurTasks(lm_eval.tasks.TaskManager):
        """Looks into slmr's tasks beside the folder that is named, which wins."""

        def __init__(self, *args: Any, include_path: Any = None, **named: Any) -> None:
            paths = include_path if isinstance(include_path, list) else [include_path]
            super().__init__(*args, include_path=[*_task_roots(), *filter(None, paths)], **named)

    lm_eval.tasks.TaskManager = WithOurTasks  # the command has no other way to name two folders
    try:
        cli_evaluate()
    except SlmrError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def _task_roots() -> list[Path]:
    return sorted({folder.parent for folder in task_folders().values()})


if __name__ == "__main__":
    main()
