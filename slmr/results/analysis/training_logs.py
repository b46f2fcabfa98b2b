"""Reads a training's logs, from any of these trainers: its steps and its rewarded completions. Nothing is executed.

TRL       `trainer_state.json` and `completions/*.parquet` (`log_completions=True`)
verl      `trainer.rollout_data_dir`, a file of JSON lines a step; the JSON lines of its file logger
verifiers `results.jsonl` or `traces.jsonl`, and any rollouts in that form
slmr      the courses of a run's methods
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from slmr.errors import RequestError
from slmr.io import json_lines, parse_json, read_text
from slmr.results.analysis.rollouts import (
    PaidCompletion,
    gold_of,
    number_in,
    prompt_text,
    rollouts_of,
    step_of,
)
from slmr.results.runs.files import SUMMARY, read_table
from slmr.results.runs.method_results import MethodResult, run_results
from slmr.results.runs.schema import Contamination, grouped, read_summary
from slmr.rewards.messages import text_of
from slmr.training.curve import renamed

Step = dict[str, float]
_STATE = "trainer_state.json"
_MAX_BYTES = 1 << 30  # of one file of JSON lines
_SHOWN = 8  # trainings within a folder that is none

# Names of other trainers; `slmr.training.curve` knows the others of TRL.
_TRL = {
    "completion_length": "length",  # of its first versions
    "clip_ratio": "clip_ratio",
    "frac_reward_zero_std": "zero_variance",
    "sampling/sampling_logp_difference/mean": "logprob_gap",
}
_VERL = {
    "actor/entropy": "entropy",
    "actor/entropy_loss": "entropy",
    "actor/grad_norm": "grad_norm",
    "actor/lr": "learning_rate",
    "actor/pg_loss": "loss",
    "critic/score/mean": "reward",
    "response_length/mean": "length",
    "response_length/clip_ratio": "truncated",
    "training/rollout_probs_diff_mean": "logprob_gap",
}


@dataclass(frozen=True)
class TrainingLog:
    """One training.

    Attributes:
        steps: a row a step, under the names of `slmr.training.curve`; a step need not have all of them.
        contamination: what the run itself says of test items among its training problems.
        unchanged: whether the trained weights are those of the start; None where nobody looked.
        lacks: what of its log is not there, and how it gets there.
    """

    name: str
    source: str
    steps: list[Step]
    completions: list[PaidCompletion] = field(default_factory=list)
    contamination: list[Contamination] = field(default_factory=list)
    unchanged: bool | None = None
    lacks: str = ""

    def series(self, name: str) -> list[float]:
        """The values of a column in the steps that have it."""
        return [step[name] for step in self.steps if name in step]


def read_training_logs(run: Path, reward: str | None = None) -> list[TrainingLog]:
    """The trainings in a folder or file: one, or for a run of slmr one per method, student, seed and stage.

    Args:
        run: what the trainer wrote.
        reward: the column of the completions' table that says whether an answer is right.

    Raises:
        RequestError: there is no training's log in it, or a file is damaged.
    """
    if not run.exists():
        raise RequestError(f"{run} does not exist: name the folder or the file that a trainer wrote")
    run = run.parent if run.name == _STATE and run.is_file() else run
    if _trl_state(run) or _trl_tables(run):
        logs = [_trl_log(run, reward)]
    elif reward is not None:
        raise RequestError(f"--reward is of TRL's tables of completions, and {run} has none")
    elif (run / SUMMARY).is_file():
        logs = _slmr_logs(run)
    else:
        logs = [_json_lines_log(run)]
    if not any(log.steps or log.completions for log in logs):
        raise RequestError(_no_log(run))
    return logs


def _no_log(run: Path) -> str:
    if state := _trl_state(run):
        return f"{state} has no step with a loss: the training ended before its first logging_steps"
    within = sorted({str(file.relative_to(run).parts[0]) for file in run.glob(f"*/**/{_STATE}")})
    there = f"; there is one in {', '.join(str(run / name) for name in within[:_SHOWN])}" if within else ""
    return (
        f"{run} holds no training's log: there is neither a trainer_state.json, nor completions/*.parquet, nor a"
        f" .jsonl of rollouts, nor a training history of slmr{there}"
    )


# ------------------------------------------------------------------------------------------------------- slmr


def _slmr_logs(run: Path) -> list[TrainingLog]:
    contamination = read_summary(run / SUMMARY).contamination
    logs = [
        log for result in run_results(run) for seed in result.seeds for log in _courses(result, seed, contamination)
    ]
    if not logs:
        raise RequestError(
            f"{run} keeps no training history: its methods train nothing, or the run is older than this table"
        )
    return logs


def _courses(result: MethodResult, seed: int, contamination: list[Contamination]) -> Iterable[TrainingLog]:
    """A log for each stage that trained, because each begins at step 1."""
    unchanged = {row["label"]: json.loads(row["stats"]).get("unchanged") for row in result.table("stages", seed)}
    for stage, rows in grouped(result.table("course", seed), lambda row: row["stage"]).items():
        yield TrainingLog(
            f"{result.method}:{result.student} seed {seed}, {stage}",
            "slmr",
            list(map(_numbers, rows)),
            contamination=contamination,
            unchanged=unchanged.get(stage),
        )


# -------------------------------------------------------------------------------------------------------- TRL


def _trl_state(run: Path) -> Path | None:
    """The state file of the folder, or of its last checkpoint."""
    state = [run / _STATE] if (run / _STATE).is_file() else []
    checkpoints = sorted(run.glob(f"checkpoint-*/{_STATE}"), key=lambda f: number_in(f.parent.name))
    return next(iter([*state, *reversed(checkpoints)]), None)


def _trl_tables(run: Path) -> list[Path]:
    """The tables of completions, in the folder or beside it."""
    for folder in (run, run.parent):
        if files := sorted(folder.glob("completions/*.parquet"), key=lambda f: number_in(f.stem)):
            return files
    return []


def _trl_log(run: Path, reward: str | None) -> TrainingLog:
    state = _trl_state(run)
    history = _history(state) if state else []
    steps = [_trl_step(row) for row in history if isinstance(row.get("step"), int | float) and "loss" in row]
    names = [re.fullmatch(r"rewards/([^/]+)(?:/mean)?", key) for row in history for key in row]
    functions = {name[1] for name in names if name}
    rows = [row for file in _trl_tables(run) for row in read_table(file)]
    lacks = [
        *([] if state else ["no trainer_state.json: end with trainer.save_state(), or keep a checkpoint"]),
        *([] if rows or not functions else ["no completions/*.parquet: set log_completions=True"]),
    ]
    log = TrainingLog(run.name, "TRL", steps, lacks="; ".join(lacks))
    return _with_completions(log, _trl_completions(rows, functions, reward))


def _trl_step(row: Mapping[str, Any]) -> Step:
    """A step from the trainer's history; `same_rewards` is 1 if no group had variance, which every TRL logs."""
    step = {"step": float(row["step"])} | _renamed(row, _TRL) | renamed(row)
    if isinstance(row.get("reward_std"), int | float):
        step["same_rewards"] = float(row["reward_std"] == 0)
    return step


def _history(state: Path) -> list[dict[str, Any]]:
    content = parse_json(read_text(state), str(state))
    history = content.get("log_history") if isinstance(content, dict) else None
    if not isinstance(history, list) or not all(isinstance(row, dict) for row in history):
        raise RequestError(f"{state} is no state of a trainer: it has no list 'log_history'")
    return history


def _trl_completions(
    rows: Sequence[Mapping[str, Any]], functions: set[str], reward: str | None
) -> list[PaidCompletion]:
    if not rows:
        return []
    columns = set(rows[0])
    if lacks := {"step", "prompt", "completion"} - columns:
        raise RequestError(f"a table of completions lacks the column {', '.join(sorted(lacks))}")
    paid = sorted(columns & functions) or sorted(_numeric(rows) - {"step", "advantage"})
    if reward is not None and reward not in paid:
        raise RequestError(f"no reward '{reward}' in the completions (there are: {', '.join(paid) or 'none'})")
    form_rewards = [name for name in paid if "format" in name.lower()]
    right = [reward] if reward else [name for name in paid if name not in form_rewards] or paid
    return [
        PaidCompletion(
            int(row["step"]),
            prompt_text(row["prompt"]),
            text_of(row["completion"]),
            _sum(row, right),
            gold_of(row),
            _sum(row, form_rewards),
        )
        for row in rows
    ]


def _numeric(rows: Sequence[Mapping[str, Any]]) -> set[str]:
    return {
        name
        for name in rows[0]
        if any(isinstance(row[name], int | float) for row in rows)
        and all(row[name] is None or isinstance(row[name], int | float) for row in rows)
    }


def _sum(row: Mapping[str, Any], names: Sequence[str]) -> float | None:
    """The sum of these columns; None if none has a number, as after an abstention."""
    values = [float(row[name]) for name in names if row.get(name) is not None and not math.isnan(row[name])]
    return math.fsum(values) if values else None


# --------------------------------------------------------------------------------------- verl and verifiers


def _json_lines_log(run: Path) -> TrainingLog:
    """The log in one file or in all files of a folder; the keys of a row tell what it is."""
    files = [run] if run.is_file() else sorted(run.glob("**/*.jsonl"), key=lambda f: (number_in(f.stem), str(f)))
    steps: list[Step] = []
    completions: list[PaidCompletion] = []
    source = ""
    for file in files:
        if file.stat().st_size > _MAX_BYTES:
            raise RequestError(f"{file} is larger than {_MAX_BYTES:,} bytes: cut it to the steps that you ask about")
        for place, row in json_lines(file):
            if not isinstance(row, dict):
                raise RequestError(f"{place}: a line is an object, not {type(row).__name__}")
            if isinstance(row.get("data"), dict) and "step" in row:
                steps.append({"step": float(step_of(row, file, place))} | _renamed(row["data"], _VERL))
                source = source or "verl"
            else:
                source, rollouts = rollouts_of(row, file, place)
                completions += rollouts
    return _with_completions(TrainingLog(run.name, source, steps), completions)


# ------------------------------------------------------------------------------------------------ what all share


def _with_completions(log: TrainingLog, completions: list[PaidCompletion]) -> TrainingLog:
    """The log with these completions, and with their figures in steps for which the trainer logged none."""
    rows = {int(step["step"]): step for step in log.steps}
    for step, group in grouped(completions, lambda c: c.step).items():
        rows[step] = _measured(step, group) | rows.get(step, {})
    return replace(log, steps=[rows[step] for step in sorted(rows)], completions=completions)


def _measured(step: int, completions: Sequence[PaidCompletion]) -> Step:
    """The figures of a step from its completions; `characters` replaces the length in tokens."""
    rewards = [(c.prompt, c.reward) for c in completions if c.reward is not None]
    groups = grouped(rewards, lambda paid: paid[0]).values()
    columns = {
        "characters": [len(c.text) for c in completions],
        "zero_variance": [float(len(set(group)) == 1) for group in groups if len(group) > 1],
        "reward": [reward for _, reward in rewards],
        "format": [float(c.in_form > 0) for c in completions if c.in_form is not None],
        "truncated": [float(c.truncated) for c in completions if c.truncated is not None],
    }
    return {"step": float(step)} | {name: fmean(values) for name, values in columns.items() if values}


def _renamed(row: Mapping[str, Any], names: Mapping[str, str]) -> Step:
    return {standard: float(row[name]) for name, standard in names.items() if isinstance(row.get(name), int | float)}


def _numbers(row: Mapping[str, Any]) -> Step:
    return {name: float(value) for name, value in row.items() if isinstance(value, int | float)}
