"""The transformers engine: batches of similar length through `generate`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from slmr.engines import Completion, Prompt, Sampling
from slmr.engines.decode import decode
from slmr.errors import RequestError
from slmr.stage import EngineSettings
from slmr.store import digest

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer of a model folder, with a padding token and left padding.

    Raises:
        RequestError: there is none that can be read.
    """
    from transformers import AutoTokenizer

    if not folder.is_dir():
        raise RequestError(f"model folder {folder} does not exist")
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise RequestError(
            f"{folder} holds no tokenizer that transformers can read: {_line(error)}"
        ) from None
    tokenizer.padding_side = "left"
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(folder: Path, device: str = "auto", dtype: str = "float32") -> PreTrainedModel:
    """The causal language model of a folder; safetensors only, no code from the folder is run.

    Raises:
        RequestError: there is none that can be read; the message says what transformers said.
    """
    import torch
    from transformers import AutoModelForCausalLM

    if not (folder / "config.json").is_file():
        raise RequestError(f"{folder} is no transformers model: it has no config.json")
    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=getattr(torch, dtype), use_safetensors=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise RequestError(f"cannot load the model in {folder}: {_line(error)}") from None
    except Exception as error:  # safetensors raises its own type, which derives from Exception alone
        if type(error).__name__ != "SafetensorError":
            raise
        raise RequestError(f"the weights in {folder} are damaged: {_line(error)}") from None
    return model.to(pick_device(device))  # type: ignore[arg-type]


def pick_device(device: str) -> str:
    """`auto` is the first CUDA device if there is one, else the CPU."""
    import torch

    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def end_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Every token that ends a completion: the tokenizer's end mark and those of the generation config."""
    configured = model.generation_config.eos_token_id if model.generation_config else None
    listed = configured if isinstance(configured, list) else [configured]
    return sorted({int(t) for t in [tokenizer.eos_token_id, *listed] if t is not None})  # type: ignore[arg-type]


def encode(tokenizer: PreTrainedTokenizerBase, prompt: Prompt) -> list[int]:
    """Token ids of a prompt: the chat template where the tokenizer has one, plain text otherwise."""
    if tokenizer.chat_template is None:
        return list(tokenizer(prompt.user + prompt.prefix)["input_ids"])  # type: ignore[arg-type]
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": prompt.user}], tokenize=False, add_generation_prompt=True
    )
    return list(tokenizer(f"{text}{prompt.prefix}", add_special_tokens=False)["input_ids"])  # type: ignore[arg-type]


def encode_completion(tokenizer: PreTrainedTokenizerBase, prompt: Prompt, completion: str) -> list[int]:
    """Token ids of a completion and the end mark; a space between prefix and completion stays with it."""
    ids = list(tokenizer(completion, add_special_tokens=False)["input_ids"])  # type: ignore[arg-type]
    return [*ids, tokenizer.eos_token_id]  # type: ignore[list-item]


class TransformersEngine:
    """Generates and scores with a local model. Not thread-safe."""

    def __init__(self, folder: Path, settings: EngineSettings) -> None:
        self.tokenizer = load_tokenizer(folder)
        self.model = load_model(folder, settings.device, settings.dtype).eval()
        self._ends = end_tokens(self.model, self.tokenizer)
        self._pad_id = int(self.tokenizer.pad_token_id)  # type: ignore[arg-type]
        self.batch_size = settings.batch_size
        self.parameters: int = self.model.num_parameters()

    def generate(
        self, prompts: Sequence[Prompt], sampling: Sampling, progress: Callable[[int], None] | None = None
    ) -> list[Completion]:
        """One completion a prompt. Random draws are fixed by the seed and the batch's prompts."""
        encoded = [encode(self.tokenizer, prompt) for prompt in prompts]
        results: dict[int, Completion] = {}
        for batch in self._batches([len(ids) for ids in encoded]):
            rows = self._generate_batch([encoded[i] for i in batch], sampling)
            results.update(zip(batch, rows, strict=True))
            if progress:
                progress(len(results))
        return [results[i] for i in range(len(prompts))]

    def token_nlls(self, prompts: Sequence[Prompt], completions: Sequence[str]) -> list[list[float]]:
        """NLL in nats of every completion token under the model, in float32."""
        pairs = [
            (encode(self.tokenizer, prompt), encode_completion(self.tokenizer, prompt, completion))
            for prompt, completion in zip(prompts, completions, strict=True)
        ]
        results: dict[int, list[float]] = {}
        for batch in self._batches([len(head) + len(tail) for head, tail in pairs]):
            results.update(zip(batch, self._score_batch([pairs[i] for i in batch]), strict=True))
        return [results[i] for i in range(len(pairs))]

    def _batches(self, lengths: Sequence[int]) -> Iterable[list[int]]:
        """Indices in batches of similar length, longest first: an out-of-memory shows at once."""
        order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
        for start in range(0, len(order), self.batch_size):
            yield order[start : start + self.batch_size]

    def _generate_batch(self, encoded: list[list[int]], sampling: Sampling) -> list[Completion]:
        import torch

        generator = torch.Generator(self.model.device)
        generator.manual_seed(int(digest([sampling.seed, encoded]), 16) % 2**63)
        rows = decode(
            self.model, encoded, max_tokens=sampling.max_tokens, temperature=sampling.temperature,
            ends=self._ends, pad=self._pad_id, generator=generator, stopped=self._stop_check(sampling),
        )  # fmt: skip
        return [self._completion(row, sampling) for row in rows]

    def _stop_check(self, sampling: Sampling) -> Callable[[list[int]], bool] | None:
        if not sampling.stop:
            return None
        return lambda ids: any(stop in str(self.tokenizer.decode(ids[-32:])) for stop in sampling.stop)

    def _completion(self, ids: list[int], sampling: Sampling) -> Completion:
        ended = bool(ids) and ids[-1] in self._ends
        text = str(self.tokenizer.decode(ids, skip_special_tokens=True))
        cuts = [text.index(stop) for stop in sampling.stop if stop in text]
        if cuts:
            text = text[: min(cuts)]
        return Completion(text, "stop" if ended or cuts else "length", len(ids))

    def _score_batch(self, pairs: list[tuple[list[int], list[int]]]) -> list[list[float]]:
        import torch

        inputs = self._pad([head + tail for head, tail in pairs])
        width = inputs["input_ids"].shape[1]
        with torch.inference_mode():
            logits = self.model(**inputs).logits[:, :-1].float()
        targets = inputs["input_ids"][:, 1:]
        nll = torch.nn.functional.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
        return [row[width - 1 - len(tail) :].tolist() for row, (_, tail) in zip(nll, pairs, strict=True)]

    def _pad(self, encoded: list[list[int]]) -> dict[str, torch.Tensor]:
        """Left-padded ids, attention mask and positions."""
        import torch

        width = max(map(len, encoded))
        pad = self.tokenizer.pad_token_id
        ids = torch.tensor([[pad] * (width - len(row)) + row for row in encoded])
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in encoded])
        return {"input_ids": ids.to(self.model.device), "attention_mask": mask.to(self.model.device)}


def _line(error: BaseException) -> str:
    """The first line of an error: what a user can act on."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
