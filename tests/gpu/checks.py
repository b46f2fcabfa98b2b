"""The checks of tests/gpu: each runs commands and returns its figures in words, or raises `Failed`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tests.gpu.machine import Failed, Machine, gpus

FLOAT32_POINTS = 6.0  # that bfloat16, or another sampler, may move the accuracy of a greedy evaluation by
GAP = 0.1  # nats a token between who samples and who is trained, in bfloat16
# Qwen2.5-0.5B as its model card and config.json have it.
QWEN = {
    "hidden_size": 896,
    "intermediate_size": 4864,
    "num_hidden_layers": 24,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
    "vocab_size": 151936,
    "max_position_embeddings": 32768,
    "rope_theta": 1e6,
    "tie_word_embeddings": True,
}
# Its shape on a CPU, in small: the vocabulary is still larger than the tokenizer's.
SMALL_QWEN = QWEN | {
    "hidden_size": 56,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 7,
    "num_key_value_heads": 1,
    "vocab_size": 1200,
}
_SERVER = (
    "--logprobs-mode",
    "processed_logprobs",
    "--worker-extension-cls",
    "slmr.engines.vllm_policy.PolicyWorker",
    "--gpu-memory-utilization",
    "0.3",
)


def bf16(machine: Machine) -> str:
    """Both precisions answer alike, and how fast each is."""
    plain, rounded = (evaluated(machine, "lab-llama", "--dtype", dtype) for dtype in ("float32", "bfloat16"))
    alike(plain, rounded)
    return f"float32 {plain}, bfloat16 {rounded}"


def training(machine: Machine) -> str:
    return trained(machine, "training", "sft,grpo")


def jobs(machine: Machine) -> str:
    """Two stages at a time give what one gives: exactly on a CPU, nearly on a GPU, which adds in any order."""
    side_by_side = trained(machine, "jobs", "sft,grpo", jobs="2")
    if not (machine.place / "training").is_dir():
        training(machine)
    one, two = (accuracies(machine.place / name) for name in ("training", "jobs"))
    most = max(abs(one[method] - two[method]) for method in one)
    if most > (0.0 if machine.small else FLOAT32_POINTS):
        raise Failed(f"`--jobs 2` moves an accuracy by {most:.1f} points")
    return f"{side_by_side}; {most:.1f} points from `--jobs 1`"


def lora(machine: Machine) -> str:
    return trained(machine, "lora", "sft,grpo", training={"lora": {"rank": 16, "alpha": 32}})


def qwen(machine: Machine) -> str:
    """A model of half a billion parameters goes through SFT and GRPO."""
    folder = random_qwen(machine.place / "qwen", SMALL_QWEN if machine.small else QWEN)
    return trained(machine, "qwen-runs", "sft,grpo", "--student", str(folder))


def vllm(machine: Machine) -> str:
    plain = evaluated(machine, "lab-llama", "--dtype", "bfloat16")
    theirs = evaluated(machine, "lab-llama", "--dtype", "bfloat16", "--engine", "vllm")
    alike(plain, theirs)
    said = trained(machine, "vllm", "grpo", engine={"name": "vllm"})
    return f"transformers {plain}, vLLM {theirs}; {said}"


def server(machine: Machine) -> str:
    from slmr.lab import model_path
    from tests.engines.vllm_process import serving

    dtype = "float32" if machine.small else "bfloat16"
    shown = {**machine.environment(), "VLLM_SERVER_DEV_MODE": "1"}
    try:
        with serving(model_path("lab-llama"), *_SERVER, "--dtype", dtype, **shown) as url:
            theirs = evaluated(machine, url)
            said = trained(machine, "server", "grpo", engine={"rollouts": url, "dtype": dtype})
    except AssertionError as ended:  # `serving` says so that the server ended, or did not come up
        raise Failed(f"vLLM: {ended}") from None
    return f"evaluated by its server {theirs}; {said}"


def processes(machine: Machine) -> str:
    """On two GPUs; where there is one, two processes are refused there in a line, and train on the CPU."""
    two = {"processes": 2}
    if machine.small or gpus() > 1:
        return trained(machine, "processes", "sft,grpo", training=two)
    try:
        trained(machine, "refused", "sft", training=two)
    except Failed as refusal:
        if "this machine has 1 GPUs" not in str(refusal):
            raise
    else:
        raise Failed("two processes on one GPU were not refused")
    cpu = trained(machine, "processes", "sft", training=two, engine={"device": "cpu", "dtype": "float32"})
    return f"refused on one GPU; on the CPU: {cpu}"


# ------------------------------------------------------------------------------------ evaluations


class Score:
    """An evaluation's accuracy in percent, and the tokens a second that it sampled."""

    def __init__(self, accuracy: float, speed: float | None) -> None:
        self.accuracy, self.speed = accuracy, speed

    def __str__(self) -> str:
        speed = "" if self.speed is None else f" at {self.speed:,.0f} tokens/s"
        return f"{self.accuracy:.1f} %{speed}"


def evaluated(machine: Machine, model: str, *options: str) -> Score:
    """`slmr eval` of lab_gsm8k, greedily."""
    out = machine.place / f"eval-{len(list(machine.place.glob('eval-*')))}"
    device = () if model.startswith("http") else ("--device", machine.device)
    limit = str(machine.pick(16, 500))
    said = machine.slmr(
        "eval",
        model,
        "--tasks",
        "lab_gsm8k",
        "--limit",
        limit,
        *device,
        *options,
        "--out",
        str(out),
        "--json",
    )
    (row,) = json.loads(said)
    speeds = [json.loads(file.read_text()).get("engine", {}) for file in out.rglob("stats.json")]
    return Score(100 * row["accuracy"], next((s["tokens_per_s"] for s in speeds if "tokens_per_s" in s), None))


def alike(one: Score, other: Score) -> None:
    if abs(one.accuracy - other.accuracy) > FLOAT32_POINTS:
        raise Failed(f"accuracies differ: {one}, {other}")


# -------------------------------------------------------------------------------------- trainings


def trained(
    machine: Machine, name: str, methods: str, *options: str, jobs: str = "1", **settings: dict[str, Any]
) -> str:
    """`slmr bench` of methods, under a profile with these settings; what its trainings took and came to."""
    profile, out = machine.place / f"{name}.yaml", machine.place / name
    profile.write_text(yaml.safe_dump(profile_of(machine, **settings)), encoding="utf-8")
    machine.slmr("bench", "--method", methods, "--profile", str(profile), "--out", str(out), "--jobs", jobs, *options)
    scores = accuracies(out)
    said = []
    for method in methods.split(","):
        row = stage_of(out, method)
        tokens = row["train_tokens"] + row["rollout_tokens"]
        said.append(f"{method} {scores[method]:.1f} % in {row['wall_s']:.0f} s, {tokens / row['wall_s']:,.0f} tokens/s")
    return ", ".join([*said, *sampler_gap(out)])


def profile_of(machine: Machine, **settings: dict[str, Any]) -> dict[str, Any]:
    """lab-quick on this machine's device in bfloat16, with little to do; in a dry run next to nothing."""
    rl = {
        "steps": machine.pick(2, 12),
        "group_size": 4,
        "prompts_per_step": machine.pick(2, 16),
        "max_tokens": machine.pick(8, 64),
    }
    engine = {"device": machine.device, "dtype": "float32" if machine.small else "bfloat16"}
    return {
        "extends": "lab-quick",
        "tasks": "lab_gsm8k",
        "capability": None,
        "evaluate": {"limit": machine.pick(8, 200), "k": 1, "max_tokens": machine.pick(16, 96)},
        "engine": engine | settings.get("engine", {}),
        "training": settings.get("training", {}),
        "stages": {
            "pool": {"size": machine.pick(16, 400), "validation": 8},
            "grpo": rl,
            "sft": {"epochs": machine.pick(1, 3), "batch_size": 8},
        },
    }


def accuracies(out: Path) -> dict[str, float]:
    """Method → accuracy in percent."""
    (file,) = out.glob("*/summary.json")
    return {row["method"]: 100 * row["accuracy"] for row in json.loads(file.read_text())["rows"]}


def stage_of(out: Path, method: str) -> dict[str, Any]:
    """The row of the stage that gave a method its name, with its tokens and seconds."""
    from slmr.io import read_rows

    (file,) = out.glob(f"*/stages/{method}/*/seed-0.parquet")
    return next(row for row in read_rows(file) if row["stage"] == method)


def sampler_gap(out: Path) -> list[str]:
    """How far who samples is from who is trained, where GRPO measured it.

    Raises:
        Failed: too far: it samples from other weights than it trains.
    """
    from slmr.io import read_rows

    rows = [row for file in out.glob("*/course/grpo/*/seed-0.parquet") for row in read_rows(file)]
    gaps = [row["logprob_gap"] for row in rows if row.get("logprob_gap") is not None]
    if gaps and max(gaps) > GAP:
        raise Failed(f"GRPO's rollouts are {max(gaps):.3f} nats a token from what is trained")
    return [f"sampler's gap {max(gaps):.1e}"] if gaps else []


def random_qwen(folder: Path, sizes: dict[str, Any]) -> Path:
    """A Qwen2 of these sizes with random weights, beside the lab's tokenizer, as a model folder."""
    import torch
    from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

    from slmr.lab import model_path

    tokenizer = AutoTokenizer.from_pretrained(model_path("lab-qwen"))
    torch.manual_seed(0)
    ends = {
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": None,
    }
    model = Qwen2ForCausalLM(Qwen2Config(**sizes, **ends))
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
