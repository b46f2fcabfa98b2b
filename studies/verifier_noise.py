"""How good a checker has to be: accuracy after training with a noisy checker, for false accepts and false rejects.

    python -m studies.verifier_noise --out runs/verifier-noise               # all of it: hours on two cores
    python -m studies.verifier_noise --out runs/verifier-noise --only-tell   # only reports finished runs
    python -m studies.verifier_noise --methods grpo --rates 20 --seeds 1 --profile tiny.yaml --out runs/small

At each rate, the checker of the probes and of RL's reward calls that share of the wrong answers right, or of the
right ones wrong. Teachers' traces, Bridge's rewrites, critiques and evaluations are judged without noise. Each seed
has its own pool. Changes are relative to the same method and seeds without noise, paired by seed and item. Stages are
kept by their content and shared, so that the same command resumes a stopped study. Prints a Markdown table, and
writes noise.svg and the accuracy of every item, scores.parquet, beside the stages.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from slmr.artifacts import Store
from slmr.config import Profile, load_profile
from slmr.engines.models import resolve_model
from slmr.evaluate import SAMPLES
from slmr.evaluate.metrics import by_item
from slmr.io import read_rows, write_rows, write_text
from slmr.pipeline.planner import Planner, StageNode, unique_stages
from slmr.pipeline.recipe import load_recipe
from slmr.results.render import colours
from slmr.results.render.svg import figure_svg
from slmr.stats import (
    Difference,
    Estimate,
    formats,
    mean_over_tasks,
    paired_difference_over_tasks,
    seeds_and_items,
    seeds_and_items_differences,
)
from slmr.stats.seeds import Effects
from slmr.tasks.registry import select_tasks
from slmr.tasks.task import Task
from studies.artefacts import made

Lie = Literal["false_accept", "false_reject"]
LIES: dict[Lie, str] = {"false_accept": "calls wrong right", "false_reject": "calls right wrong"}
LYING = ("probe", "grpo")  # kinds of stages with a noisy checker
Scores = list[np.ndarray]  # per task [seeds, items]


class Condition(NamedTuple):
    """A method and the kind and rate (in percent) of its checker's noise; with rate 0 the kind is irrelevant."""

    method: str
    lie: Lie
    rate: float


class Finding(NamedTuple):
    """Accuracy of a condition, and its change relative to the one without noise; None for that one."""

    condition: Condition
    accuracy: Estimate
    change: Difference | None


def main() -> None:
    args = parse()
    profile = load_profile(args.profile)
    rates = [0.0, *sorted(set(args.rates) - {0.0})]
    conditions = list(
        dict.fromkeys(
            Condition(method, "false_accept" if not rate else lie, rate)
            for rate in rates
            for method in args.methods.split(",")
            for lie in LIES
        )
    )
    by_condition: dict[Condition, Scores] = {}
    for condition in conditions:
        nodes = [evaluation(condition, seed, profile, args.student) for seed in range(args.seeds)]
        store = Store(args.out / "artefacts")
        if not args.only_tell:
            store = made(unique_stages(nodes), profile, args.out)
        if all(node.output(store).is_dir() for node in nodes):
            by_condition[condition] = scores(nodes, store)
    findings = findings_of(by_condition)
    print(table(findings))
    if findings:
        write_text(args.out / "noise.svg", draw(findings, args.student))
        write_rows(args.out / "scores.parquet", item_rows(by_condition, select_tasks(profile.tasks)))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", default="grpo,rft,stagewise")
    parser.add_argument("--rates", nargs="+", type=float, default=[2, 5, 10, 20], help="in percent")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--student", default="lab-llama")
    parser.add_argument("--profile", default="lab-quick")
    parser.add_argument("--out", type=Path, default=Path("runs/verifier-noise"))
    parser.add_argument("--only-tell", action="store_true", help="train nothing")
    return parser.parse_args()


def evaluation(condition: Condition, seed: int, profile: Profile, student: str) -> StageNode:
    """The node that evaluates the condition's model with this seed."""
    defaults = {name: dict(values) for name, values in profile.stages.items()}
    for name in LYING if condition.rate else ():
        defaults.setdefault(name, {})[condition.lie] = condition.rate / 100
    model = resolve_model(student)
    planner = Planner(model, profile.model_copy(update={"stages": defaults}), seed)
    tasks = select_tasks(profile.tasks)
    overrides: dict[str, Any] = {
        "tasks": tuple(task.name for task in tasks),
        "task_digests": tuple(task.digest for task in tasks),
    }
    return planner.evaluation(planner.plan(load_recipe(condition.method)), profile.evaluate.model_dump() | overrides)


def scores(nodes: Sequence[StageNode], store: Store) -> Scores:
    """Mean accuracy of every item, per task [seeds, items]."""
    columns = ["task", "item_id", "strict"]
    by_seed = [read_rows(node.output(store) / SAMPLES, columns) for node in nodes]
    names = dict.fromkeys(row["task"] for row in by_seed[0])
    return [
        np.stack([by_item([r for r in rows if r["task"] == name], "strict").mean(axis=1) for rows in by_seed])
        for name in names
    ]


def item_rows(by_condition: dict[Condition, Scores], tasks: Sequence[Task]) -> list[dict[str, Any]]:
    """The accuracy of every item in every condition and seed; items are numbered within their task."""
    return [
        {**condition._asdict(), "task": task.name, "seed": seed, "item": item, "accuracy": float(accuracy)}
        for condition, by_task in by_condition.items()
        for task, values in zip(tasks, by_task, strict=True)
        for seed, items in enumerate(values)
        for item, accuracy in enumerate(items)
    ]


def findings_of(scores_of: dict[Condition, Scores]) -> list[Finding]:
    findings = []
    for condition, values in scores_of.items():
        honest = scores_of.get(Condition(condition.method, "false_accept", 0.0))
        change = difference(values, honest) if condition.rate and honest else None
        findings.append(Finding(condition, accuracy(values), change))
    return findings


def accuracy(tasks: Scores) -> Estimate:
    """Accuracy with an interval over seeds and items, or only over items if there is one seed."""
    if len(tasks[0]) == 1:
        return mean_over_tasks([values.T for values in tasks])
    return seeds_and_items([Effects.of(values).parts for values in tasks]).within(0.0, 1.0)


def difference(tasks: Scores, honest: Scores) -> Difference:
    """The paired difference, with an interval as in `accuracy`."""
    pairs = list(zip(tasks, honest, strict=True))
    if len(tasks[0]) == 1:
        return paired_difference_over_tasks([(a.T, b.T) for a, b in pairs])
    (difference,) = seeds_and_items_differences([[Effects.of(a - b).parts for a, b in pairs]])
    return difference


def table(findings: Sequence[Finding]) -> str:
    lines = ["| method | the checker | % of them | accuracy | change |", "|---|---|---:|---:|---:|"]
    for (method, lie, rate), mean, change in findings:
        how = LIES[lie] if rate else "is honest"
        cell = formats.points(change.mean, change.low, change.high) if change else ""
        interval = formats.percent(mean.mean, mean.low, mean.high)
        lines.append(f"| {method} | {how} | {rate:g} | {interval} | {cell} |")
    return "\n".join(lines)


def draw(findings: Sequence[Finding], student: str) -> str:
    """An SVG of the change by rate, on a logarithmic axis, with a colour per method and kind of noise."""
    import plotly.graph_objects as go

    curves: dict[tuple[str, Lie], list[Finding]] = {}
    for finding in findings:
        if finding.change:
            curves.setdefault((finding.condition.method, finding.condition.lie), []).append(finding)
    figure = go.Figure()
    for i, ((method, lie), of) in enumerate(sorted(curves.items())):
        changes = [f.change for f in of if f.change]
        beside = 1.045 ** (i - (len(curves) - 1) / 2)  # so that intervals do not hide each other
        colour = colours.PALETTE[i % len(colours.PALETTE)]
        figure.add_scatter(
            x=[f.condition.rate * beside for f in of],
            y=[100 * c.mean for c in changes],
            mode="lines+markers",
            name=f"{method}, {LIES[lie]}",
            line={"color": colour},
            marker={"size": 6, "color": colour},
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [100 * (c.high - c.mean) for c in changes],
                "arrayminus": [100 * (c.mean - c.low) for c in changes],
            },
        )
    rates = sorted({finding.condition.rate for finding in findings if finding.change})
    figure.update_xaxes(type="log", tickvals=rates, title_text="% of the wrong, or of the right, answers")
    figure.update_yaxes(title_text="change of accuracy, points, with the 95 % interval")
    figure.update_layout(title=f"How good must a checker be, {student}", height=460)
    return figure_svg(figure).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" color="#444" ', 1)


if __name__ == "__main__":
    sys.exit(main())
