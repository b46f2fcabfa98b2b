"""Small training runs on the lab, for tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from slmr.engines.transformers import load_model, load_tokenizer
from slmr.lab import student_path
from slmr.stage import EngineSettings, StageContext
from slmr.store import write_rows
from slmr.tasks import load_task
from slmr.train.curve import Curve
from slmr.train.grpo import GrpoParams, _trainer, grpo_stage
from slmr.train.rollouts import GroupReward, Rollouts
from slmr.train.sft import SftParams, sft_stage

Run = Callable[..., StageContext]


def make_pool(folder: Path, size: int = 16, held_out: int = 8) -> Path:
    """An artefact with problems, their traces, and held-out problems."""
    task = load_task("lab_gsm8k")
    rows = [
        {"id": i.id, "task": task.name, "prompt": task.prompt(i.problem), "gold": i.gold, "kind": task.kind}
        for i in task.items("train", size + held_out)
    ]
    folder.mkdir()
    write_rows(folder / "problems.parquet", rows[:size])
    write_rows(folder / "validation.parquet", rows[size:])
    traces = [
        {"problem_id": r["id"], "prompt": r["prompt"], "prefix": "", "completion": f"{n} + 1 = {n + 1}. #### {r['gold']}"}
        for n, r in enumerate(rows[:size])
    ]  # fmt: skip
    write_rows(folder / "traces.parquet", traces)
    return folder


def context_of(
    out: Path, pool: Path, progress: Callable[[int, int, str], None] | None = None
) -> StageContext:
    """A stage's context, with every input that a trainer can take."""
    out.mkdir(parents=True, exist_ok=True)
    inputs: dict[str, list[Path | str]] = {
        "model": [student_path("lab-llama")], "problems": [pool], "traces": [pool], "validation": [pool],
    }  # fmt: skip
    return StageContext(out, inputs, 0, EngineSettings(device="cpu"), progress or (lambda *_: None))


def run_grpo(context: StageContext, **changes: Any) -> StageContext:
    """Six steps of 4 problems x 4 completions."""
    settings = {"steps": 6, "group_size": 4, "prompts_per_step": 4, "max_tokens": 40, "learning_rate": 3e-4}
    grpo_stage(context, GrpoParams(**{**settings, **changes}))
    return context


def run_sft(context: StageContext, **changes: Any) -> StageContext:
    """Three passes of 4 batches over 16 traces."""
    sft_stage(context, SftParams(**{"epochs": 3, "batch_size": 4, "max_tokens": 40, **changes}))
    return context


def real_trainer(folder: Path, **changes: Any) -> Any:
    """TRL's trainer with the settings of our GRPO stage, for one problem with groups of two."""
    source = student_path("lab-llama")
    problem = {"id": "p", "prompt": "1 + 1?", "gold": "2", "kind": "numeric"}
    context = StageContext(folder, {}, 0, EngineSettings(device="cpu"), lambda *_: None)
    params = GrpoParams(**{"steps": 1, "group_size": 2, "prompts_per_step": 1, "max_tokens": 10, **changes})
    reward = GroupReward(params.group_size)
    rollouts = Rollouts([problem], params, reward, 0)
    model, tokenizer = load_model(source), load_tokenizer(source)
    trainer = _trainer(model, tokenizer, [problem], rollouts, reward, params, Curve(), context)
    trainer.model.train()
    trainer.current_gradient_accumulation_steps = 1
    return trainer
