"""The transformers engine: a local model that samples and scores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from slmr.config import EngineSettings
from slmr.engines import Completion, OnCompletion, Prompt, Sampling, memory
from slmr.engines.chat import TemplateValue, chat_text, thought_begun, with_arguments
from slmr.engines.decode import Generation
from slmr.engines.draws import row_seed
from slmr.engines.sampler import Sampler
from slmr.engines.scoring import completion_nlls
from slmr.errors import RequestError, WorkError, first_line, reading

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase


def load_tokenizer(
    folder: Path,
    trust_remote_code: bool = False,
    template_arguments: Mapping[str, TemplateValue] | None = None,
) -> PreTrainedTokenizerBase:
    """Loads a folder's tokenizer with a padding token, left padding, and these variables set in its chat template.

    Raises:
        RequestError: it cannot be read, or its template does not know such a variable.
    """
    if not folder.is_dir():
        raise RequestError(f"model folder {folder} does not exist")
    with lean_imports():
        from transformers import AutoTokenizer

        with reading(f"{folder} holds no tokenizer that transformers can read"):
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=trust_remote_code)
    tokenizer.padding_side = "left"
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    with_arguments(tokenizer, template_arguments or {})
    return tokenizer


def load_config(folder: Path, trust_remote_code: bool = False) -> PreTrainedConfig:
    """A folder's configuration. Raises RequestError if transformers cannot read it, or does not know the model."""
    with lean_imports():
        from transformers import AutoConfig

        with reading(f"{folder / 'config.json'} describes no model that transformers can read"):
            return AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code)


def load_model(
    folder: Path, device: str = "auto", dtype: str = "float32", trust_remote_code: bool = False
) -> PreTrainedModel:
    """Loads a folder's causal language model, from safetensors only, without running code from the folder.

    Raises:
        RequestError: it cannot be read; the message includes transformers' error.
    """
    import torch

    with lean_imports():
        from transformers import AutoModelForCausalLM, modeling_utils  # noqa: F401 - else imported by the first use

    if not (folder / "config.json").is_file():
        raise RequestError(f"{folder} is no transformers model: it has no config.json")
    target = usable_device(device)
    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=getattr(torch, dtype), use_safetensors=True, trust_remote_code=trust_remote_code
        )
    except Exception as error:  # those of safetensors and of strict configurations derive from it alone
        damaged = type(error).__name__ == "SafetensorError"
        what = f"the weights in {folder} are damaged" if damaged else f"cannot load the model in {folder}"
        shapes = "mismatched_sizes" in str(error)  # transformers logs which, and says how to go on regardless
        reason = "its weights have other shapes than config.json says" if shapes else first_line(error)
        raise RequestError(f"{what}: {reason}") from None
    return model.to(target)  # type: ignore[arg-type]


@contextmanager
def lean_imports() -> Iterator[None]:
    """Hides scikit-learn and SciPy from transformers' modules that are first imported inside the context.

    They would import them for assisted decoding and for object detection, and it takes longer than importing torch.
    To read a configuration imports the modules of its model, so it belongs inside.
    """
    from transformers import utils

    names = ("is_sklearn_available", "is_scipy_available")
    available = {name: getattr(utils, name) for name in names}
    try:
        for name in names:
            setattr(utils, name, lambda: False)
        yield
    finally:
        for name in names:
            setattr(utils, name, available[name])


def pick_device(device: str) -> str:
    """`auto` is the first CUDA device if there is one, else the CPU."""
    import torch

    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def usable_device(device: str) -> str:
    """As `pick_device`; for the CPU, which needs no check, torch is not loaded.

    Raises:
        RequestError: this machine, or this build of torch, has no such device.
    """
    if device == "cpu":
        return device
    import torch

    picked = pick_device(device)
    try:
        torch.zeros(1, device=picked).item()  # a device without data, such as meta, has none to give
    except Exception as error:  # an AssertionError where torch was built without CUDA
        raise RequestError(
            f"device {device}: torch {torch.__version__} cannot use it here ({first_line(error)[:200]}):"
            " choose auto or cpu"
        ) from None
    return picked


def encode(tokenizer: PreTrainedTokenizerBase, prompt: Prompt) -> list[int]:
    """Token ids of a prompt, in the tokenizer's chat template if it has one, else as plain text.

    Raises:
        RequestError: the template fails, or it leaves out the system message.
    """
    if tokenizer.chat_template is None or prompt.plain:
        if prompt.system:
            raise RequestError(f"{tokenizer.name_or_path} has no chat template, so it takes no system message")
        examples = [f"{question} {answer}\n\n" for question, answer in prompt.examples]
        return list(tokenizer("".join([*examples, prompt.user, prompt.prefix]))["input_ids"])  # type: ignore[arg-type]
    text = chat_text(tokenizer, prompt.messages())
    if prompt.system.strip() not in text:
        raise RequestError(f"the chat template of {tokenizer.name_or_path} leaves out the system message")
    return list(tokenizer(f"{text}{prompt.prefix}", add_special_tokens=False)["input_ids"])  # type: ignore[arg-type]


def encode_completion(tokenizer: PreTrainedTokenizerBase, prompt: Prompt, completion: str) -> list[int]:
    """Token ids of a completion and the end token; a space between prefix and completion belongs to the completion.

    A thought tag with which the prompt already ends is left out.
    """
    text = completion.removeprefix(thought_begun(tokenizer, prompt))
    ids = list(tokenizer(text, add_special_tokens=False)["input_ids"])  # type: ignore[arg-type]
    return [*ids, tokenizer.eos_token_id]  # type: ignore[list-item]


class TransformersEngine:
    """Generates and scores with a local model. Not thread-safe."""

    def __init__(self, folder: Path, settings: EngineSettings) -> None:
        self.tokenizer = load_tokenizer(folder, settings.trust_remote_code, settings.chat_template_kwargs)
        self.model = load_model(folder, settings.device, settings.dtype, settings.trust_remote_code).eval()
        self.parameters: int = self.model.num_parameters()
        self.batch_size = memory.batch_size(self.model, settings.batch_size)
        self.width, self.unit = self.batch_size, 4 * self.batch_size
        self._sampler = Sampler(self.model, self.tokenizer, settings.compile)

    def generate(
        self, prompts: Sequence[Prompt], sampling: Sampling, on_completion: OnCompletion | None = None
    ) -> list[Completion]:
        """One completion per prompt; the seed, the prompt and its sample index fix the random draws."""
        encoded = cache(lambda first: tuple(encode(self.tokenizer, first)))  # k completions have one prompt
        rows = [
            Generation(i, encoded(replace(prompt, sample_index=0)), row_seed(sampling.seed, prompt))
            for i, prompt in enumerate(prompts)
        ]
        done: dict[int, Completion] = {}
        for row in self._rows(rows, sampling):
            ended = row.ids[-1] in self._sampler.ends
            done[row.index] = completion_of(
                self.tokenizer, prompts[row.index], row.ids, row.logprobs, sampling.stop, ended
            )
            if on_completion:
                on_completion(row.index, done[row.index])
        return [done[i] for i in range(len(prompts))]

    def token_nlls(self, prompts: Sequence[Prompt], completions: Sequence[str]) -> list[list[float]]:
        """NLL in nats of every completion token under the model, in float32."""
        pairs = [
            (encode(self.tokenizer, prompt), encode_completion(self.tokenizer, prompt, completion))
            for prompt, completion in zip(prompts, completions, strict=True)
        ]
        results: dict[int, list[float]] = {}
        for batch in self._batches([len(head) + len(tail) for head, tail in pairs]):
            nlls = completion_nlls(self.model, [pairs[i] for i in batch])
            results.update(zip(batch, (row.tolist() for row in nlls), strict=True))
        return [results[i] for i in range(len(pairs))]

    def close(self) -> None:
        """Releases the model's memory."""
        del self.model, self._sampler

    def _rows(self, rows: Sequence[Generation], sampling: Sampling) -> Iterator[Generation]:
        """Yields finished rows. After running out of memory, unfinished rows start again with half the batch."""
        waiting = {row.index: row for row in rows}
        while waiting:
            try:
                for row in self._sampler.run(list(waiting.values()), sampling, self.batch_size):
                    del waiting[row.index]
                    yield row
            except RuntimeError as error:
                if not memory.exhausted(error):
                    raise
                if self.batch_size == 1:
                    raise WorkError(
                        "out of memory with one completion at a time; use a smaller model or dtype=bfloat16"
                    ) from None
                self.batch_size //= 2
                waiting = {i: Generation(row.index, row.prompt, row.seed) for i, row in waiting.items()}
                memory.release()

    def _batches(self, lengths: Sequence[int]) -> Iterable[list[int]]:
        """Indices in batches of similar length, longest first, so that running out of memory shows at once."""
        order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
        for start in range(0, len(order), self.batch_size):
            yield order[start : start + self.batch_size]


def completion_of(
    tokenizer: PreTrainedTokenizerBase,
    prompt: Prompt,
    ids: Sequence[int],
    logprobs: Sequence[float],
    stop: Sequence[str],
    ended: bool,
) -> Completion:
    """The completion of sampled token ids, cut before its first stop text; `ended` says that an end token was sampled.

    If the prompt ends with an opening thought tag, the text begins with it, so that an unfinished thought is not
    taken for an answer.
    """
    text = str(tokenizer.decode(list(ids), skip_special_tokens=True))
    cut = first_stop(text, stop)
    reason = "length" if cut is None and not ended else "stop"
    text = thought_begun(tokenizer, prompt) + text[:cut]
    return Completion(text, reason, len(ids), tuple(ids), tuple(logprobs))


def first_stop(text: str, stop: Sequence[str]) -> int | None:
    """Position of the first stop text; None if there is none."""
    return min((text.index(each) for each in stop if each in text), default=None)
