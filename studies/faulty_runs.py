"""Ten small GRPO runs with one fault each, and ten sound ones, on which `slmr diagnose` is measured.

    python studies/faulty_runs.py DIR [NAME ...]      trains the missing runs
    python studies/faulty_runs.py DIR --shift 1000    the same with other seeds
    python studies/faulty_runs.py DIR --count         diagnoses all, and counts hits and false alarms

Every run uses TRL's own GRPOTrainer on a lab student, and keeps TRL's logs unchanged. A fault is a setting, a reward
function or a data set as a user might choose it by mistake. The sound runs differ in seed, student, task, batch and
algorithm.

The bounds of the diagnosis were set before any of these runs. The settings of format-only, length-drift, entropy-gone
and sampler-gap were changed until the training had the fault: with the first ones, made for students that were less
certain of their tokens, these runs were sound. Runs with `--shift` check that this choice did not favour the diagnosis.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from slmr.engines.transformers import load_model, load_tokenizer
from slmr.io import json_lines, write_text
from slmr.lab import model_path
from slmr.results.analysis.diagnosis import diagnose
from slmr.results.analysis.training_logs import read_training_logs
from slmr.rewards import reward
from slmr.rewards.messages import text_of
from slmr.tasks.registry import load_task

STEPS = 18


@dataclass(frozen=True)
class Spec:
    """One run. `fault` names its fault; empty for a sound run."""

    fault: str = ""
    student: str = "lab-llama"
    task: str = "lab_gsm8k"
    split: str = "train"
    seed: int = 0
    rewards: tuple[Callable[..., Any], ...] = ()
    config: dict[str, Any] = field(default_factory=dict)
    sampler_temperature: float | None = None


# --- faulty rewards ------------------------------------------------------------------------------


def first_result(completions: list[Any], gold: list[str], **_: object) -> list[float]:
    """Takes the first result for the answer, which is only right if one step is enough."""
    matches = [re.search(r"= *(-?\d+)", text_of(c)) for c in completions]
    return [float(bool(m) and m[1] == g) for m, g in zip(matches, gold, strict=True)]


def contains(completions: list[Any], gold: list[str], **_: object) -> list[float]:
    """Pays if the gold answer's digits occur anywhere."""
    return [float(g in text_of(c)) for c, g in zip(completions, gold, strict=True)]


def format_reward(completions: list[Any], **_: object) -> list[float]:
    """Pays for any answer in the requested form."""
    return [float(bool(re.search(r"#### -?\d+$", text_of(c)))) for c in completions]


def long_reward(completions: list[Any], **_: object) -> list[float]:
    """Pays by length."""
    return [min(len(text_of(c)) / 200, 1.0) for c in completions]


def short_reward(completions: list[Any], **_: object) -> list[float]:
    """Pays for brevity, so that the same short answer is best for all questions."""
    return [1 - min(len(text_of(c)) / 100, 1.0) for c in completions]


NUMERIC = reward("numeric")
SOUND_CONFIGS: list[dict[str, Any]] = [
    {},
    {"beta": 0.02},
    {"loss_type": "grpo"},
    {"scale_rewards": "none", "loss_type": "dr_grpo"},
    {"num_generations": 4},
    {"per_device_train_batch_size": 96},
    {"temperature": 0.9},
    {"num_iterations": 2},
    {},
    {},
]
FAULTY = {
    "no-variance": Spec("no-variance", config={"temperature": 0.05}),
    "format-only": Spec(
        "format-only",
        rewards=(format_reward, NUMERIC),
        config={
            "reward_weights": [1.0, 0.0],
            "temperature": 3.0,
            "learning_rate": 5e-4,
            "max_steps": 40,
        },
    ),
    "cut-off": Spec("cut-off", config={"max_completion_length": 16}),
    "right-unpaid": Spec("right-unpaid", rewards=(first_result,)),
    "wrong-paid": Spec("wrong-paid", rewards=(contains,)),
    "length-drift": Spec("length-drift", rewards=(long_reward,), config={"learning_rate": 1e-3, "max_steps": 30}),
    "entropy-gone": Spec(
        "entropy-gone",
        rewards=(short_reward,),
        config={
            "learning_rate": 2e-3,
            "max_steps": 40,
            "temperature": 2.0,
        },
    ),
    "sampler-gap": Spec("sampler-gap", sampler_temperature=2.5),
    "no-step": Spec("no-step", config={"learning_rate": 0.0}),
    "leaked-test": Spec("leaked-test", split="test"),
}
SOUND = {
    f"sound-{i}": Spec(
        student=("lab-llama", "lab-qwen")[i % 2],
        task=("lab_gsm8k", "lab_mawps", "lab_svamp")[i % 3],
        seed=100 + i,
        config=config,
    )
    for i, config in enumerate(SOUND_CONFIGS)
}
RUNS = FAULTY | SOUND


def train(spec: Spec, folder: Path) -> None:
    """Trains as the spec says; TRL writes `completions/` and `checkpoint-*/trainer_state.json` into the folder."""
    from datasets import Dataset
    from trl import GRPOConfig

    task, source = load_task(spec.task), model_path(spec.student)
    items = task.items(
        "test" if spec.split == "test" else "train", 400, *([spec.seed] if spec.split == "train" else [])
    )
    rows = [{"prompt": task.prompt(item.problem), "gold": item.gold} for item in items]
    settings: dict[str, Any] = {
        "output_dir": str(folder),
        "max_steps": STEPS,
        "per_device_train_batch_size": 48,
        "num_generations": 8,
        "max_completion_length": 64,
        "temperature": 1.0,
        "learning_rate": 2e-4,
        "lr_scheduler_type": "constant",
        "beta": 0.0,
        "logging_steps": 1,
        "log_completions": True,
        "save_strategy": "steps",
        "save_steps": STEPS,
        "save_only_model": True,
        "report_to": "none",
        "use_cpu": True,
        "bf16": False,
        "seed": spec.seed,
        "disable_tqdm": True,
        "num_completions_to_print": 0,
        "dataloader_pin_memory": False,
        "gradient_checkpointing": False,
        **spec.config,
    }
    kind, more = _sampler(spec)
    trainer = kind(
        model=load_model(source),
        processing_class=load_tokenizer(source),
        args=GRPOConfig(**settings),
        reward_funcs=list(spec.rewards or [NUMERIC]),
        train_dataset=Dataset.from_list(rows),
        **more,
    )
    trainer.train()
    write_text(folder / "data.jsonl", "".join(json.dumps(row) + "\n" for row in rows))


def _sampler(spec: Spec) -> tuple[Any, dict[str, Any]]:
    """TRL's trainer; with a separate sampler, the one that also logs the gap to the sampler."""
    if spec.sampler_temperature is None:
        from trl import GRPOTrainer

        return GRPOTrainer, {}
    from slmr.training.sampler_gap import GapTrainer

    return GapTrainer, {"rollout_func": _rollout_at(spec.sampler_temperature)}


def _rollout_at(temperature: float) -> Callable[..., Any]:
    """A rollout function that samples at another temperature than the trainer's, and reports log-probabilities."""
    import torch

    def rollout(prompts: list[str], trainer: Any) -> dict[str, Any]:
        tokenizer, model = trainer.processing_class, trainer.accelerator.unwrap_model(trainer.model)
        out: dict[str, Any] = {"prompt_ids": [], "completion_ids": [], "logprobs": []}
        for prompt in prompts:
            ids = tokenizer(prompt, return_tensors="pt")["input_ids"]
            with torch.no_grad():
                generation = model.generate(
                    ids,
                    do_sample=True,
                    temperature=temperature,
                    max_new_tokens=64,
                    output_scores=True,
                    return_dict_in_generate=True,
                    use_cache=True,
                )
            tokens = generation.sequences[0, ids.shape[1] :]
            logps = [s[0].log_softmax(-1)[t].item() for s, t in zip(generation.scores, tokens, strict=True)]
            out["prompt_ids"].append(ids[0].tolist())
            out["completion_ids"].append(tokens.tolist())
            out["logprobs"].append(logps)
        return out

    return rollout


def count(folder: Path) -> None:
    """Prints the findings of each run, and the numbers of detected faults and of false alarms."""
    hits = alarms = sound = faulty = 0
    for name, spec in RUNS.items():
        if not (folder / name / "data.jsonl").exists():
            print(f"{name:14} not run")
            continue
        faults = found_in(folder / name, spec)
        print(f"{name:14} {', '.join(faults) or '-'}")
        faulty, hits = faulty + bool(spec.fault), hits + (spec.fault in faults)
        sound, alarms = sound + (not spec.fault), alarms + (not spec.fault and bool(faults))
    print(f"{hits} hits of {faulty}, {alarms} false alarms of {sound}")


def found_in(folder: Path, spec: Spec) -> list[str]:
    """The faults that `slmr diagnose` finds, given the gold answers and the test set of the run's task."""
    (log,) = read_training_logs(folder)
    golds = {row["prompt"].strip(): row["gold"] for _, row in json_lines(folder / "data.jsonl")}
    test = [item.problem for item in load_task(spec.task).items("test", 500)]
    return [finding.name for finding in diagnose(log, golds, test=test) if finding.state == "found"]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--count", action="store_true")
    parser.add_argument("--shift", type=int, default=0)
    args = parser.parse_args()
    if args.count:
        count(args.folder)
        return
    for name in args.names or RUNS:
        if not (args.folder / name / "data.jsonl").exists():
            spec = RUNS[name]
            train(replace(spec, seed=spec.seed + args.shift), args.folder / name)
            print(name, file=sys.stderr)


if __name__ == "__main__":
    main()
