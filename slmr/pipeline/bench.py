"""Runs a bench: executes the missing stages of its plan, reports and writes each method's results and the summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from slmr.artifacts import Cost, Store
from slmr.curriculum.schema import PROBLEMS
from slmr.evaluate import METRICS, SAMPLES
from slmr.evaluate.metrics import read_metrics
from slmr.io import disk_faults, locked, read_rows, sha256_of, write_rows
from slmr.pipeline.executors import stage_results
from slmr.pipeline.export import export_capability, export_course, export_provenance
from slmr.pipeline.plan import BenchRequest, Plan, PlannedMethod, make_plan
from slmr.pipeline.planner import spent_on, unique_stages
from slmr.pipeline.runner import StageResult, Watcher
from slmr.results.runs.exported import is_exported, mark_exported
from slmr.results.runs.files import SUMMARY, RunFiles
from slmr.results.runs.schema import (
    Contamination,
    Summary,
    SummaryRow,
    read_summary,
    write_summary,
)
from slmr.results.runs.suites import listed_suites, suites_of
from slmr.stats import formats, mean_over_tasks
from slmr.tasks.contamination import overlap

__all__ = ["BenchRequest", "Plan", "PlannedMethod", "make_plan", "run_bench"]


def run_bench(plan: Plan, watcher: Watcher) -> Summary:
    """Runs the missing stages, writes `samples/` and `summary.json`, and returns the plan's part of the summary.

    If there are several methods, each is reported to the watcher, and written, as soon as it is finished.

    Raises:
        WorkError: a stage or the disk failed; finished stages are kept.
        Stopped: a signal came; finished stages are kept.
    """
    store = plan.store
    unfinished = [_Unfinished(method) for method in plan.methods] if len(plan.methods) > 1 else []
    for result in stage_results(plan.execution, watcher):
        for method in unfinished:
            method.update(result)
            if result.node.key == method.planned.evaluation.key and not result.reused:
                watcher.result(result_line(store, method.planned, plan))
        complete = [method.planned for method in unfinished if method.complete]
        unfinished = [method for method in unfinished if not method.complete]
        if complete:
            write_results(store, plan, complete)
    pools = contamination(store, plan)
    return Summary(rows=write_results(store, plan, plan.methods, pools), contamination=pools)


@dataclass
class _Unfinished:
    """A method of a plan whose stages are being run; `ran`: at least one of them was, the others were reused."""

    planned: PlannedMethod
    ran: bool = False
    remaining: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self.remaining = {node.key for node in unique_stages(self.planned.last)}

    def update(self, result: StageResult) -> None:
        if result.node.key in self.remaining:
            self.remaining.remove(result.node.key)
            self.ran |= not result.reused

    @property
    def complete(self) -> bool:
        """Whether there are new results to write."""
        return self.ran and not self.remaining


def write_results(
    store: Store, plan: Plan, methods: Sequence[PlannedMethod], pools: Sequence[Contamination] | None = None
) -> list[SummaryRow]:
    """Writes the samples and other tables of finished methods, and their rows into the summary; returns the rows.

    `pools` replaces the summary's contamination figures; None keeps them.
    """
    rows = [row for method in methods for row in summary_rows(store, method, plan)]
    path = plan.folder / SUMMARY
    # Another bench may be writing to the same summary: its rows must not be lost.
    with disk_faults(plan.folder), locked(plan.folder):
        for method in methods:
            _export(store, method, plan)
        old = read_summary(path) if path.is_file() else Summary(rows=[])
        new = {row.identity for row in rows}
        # A row whose completions are gone is dropped.
        others = [r for r in old.rows if r.identity not in new and r.samples_file(plan.folder).is_file()]
        merged = sorted([*others, *rows], key=lambda r: (r.student, r.seed, r.identity))
        write_summary(path, merged, list(old.contamination if pools is None else pools))
    return rows


def result_line(store: Store, method: PlannedMethod, plan: Plan) -> str:
    """A method's mean accuracy over each suite's tasks with its 95 % interval, and its cost."""
    scores: dict[str, dict[str, list[bool]]] = {}
    for row in read_rows(method.evaluation.output(store) / SAMPLES, ["task", "item_id", "strict"]):
        scores.setdefault(row["task"], {}).setdefault(row["item_id"], []).append(bool(row["strict"]))
    suites = suites_of(summary_rows(store, method, plan), listed_suites(plan.folder))
    accuracies = []
    for suite in suites:
        of_suite = [np.array(list(scores[t].values()), dtype=float) for t in suite.among(scores)]
        mean = mean_over_tasks(of_suite)
        of = f" {suite.name}" if len(suites) > 1 else ""
        accuracies.append(f"accuracy{of} {formats.percent(mean.mean, mean.low, mean.high)}")
    several = len({(m.student, m.seed) for m in plan.methods}) > 1
    name = f"{method.recipe.name}, {method.student}, seed {method.seed}" if several else method.recipe.name
    cost = method_cost(store, method)
    return f"{name}: {', '.join(accuracies)}, {formats.tokens(cost.tokens)} tokens, {formats.duration(cost.wall_s)}"


def contamination(store: Store, plan: Plan) -> list[Contamination]:
    """The overlap of the test items with each training pool of the plan."""
    pools = {}  # keyed by content: the paper edition's pool is the same for all seeds
    for node in plan.nodes:
        if node.kind == "pool":
            pool = read_rows(node.output(store) / PROBLEMS)
            pools.setdefault((pool[0]["id"], pool[-1]["id"]), (node.seed, pool))
    rows = []
    for seed, pool in pools.values():
        name = f"{pool[0]['task']}, {len(pool)} training problems"
        name += f", seed {seed}" if len(pools) > 1 else ""
        for task in plan.tasks:
            shared = overlap([row["problem"] for row in pool], task.test_items(plan.profile.evaluate.limit))
            rows.append(Contamination.model_validate(shared.as_row(name, task.name)))
    return rows


def method_cost(store: Store, method: PlannedMethod) -> Cost:
    """The cost of the method's training: all its stages, shared ones in full, without evaluation."""
    return spent_on(store, [method.model])


def summary_rows(store: Store, method: PlannedMethod, plan: Plan) -> list[SummaryRow]:
    """The summary rows of one method, student and seed: one per task."""
    cost = method_cost(store, method)
    folder = method.evaluation.output(store)
    return [
        SummaryRow(
            method=method.recipe.name,
            method_kind=method.recipe.kind,
            student=method.student,
            seed=method.seed,
            task=task,
            manifest=method.evaluation.key,
            command=method.command,
            engine=plan.profile.engine.label,
            **metrics.summary_fields(),
            **cost.model_dump(),
        )
        for task, metrics in read_metrics(folder / METRICS).items()
    ]


def _export(store: Store, method: PlannedMethod, plan: Plan) -> None:
    """Writes a method's tables into the run's folder, unless they exist: samples, capability, training history."""
    files = RunFiles(plan.folder, method.recipe.name, method.student, method.seed)
    # The keys do not suffice: a repeated evaluation may draw other completions on another device.
    sources = [f"{node.key}-{sha256_of(node.output(store) / SAMPLES)}" for node in method.last]
    if is_exported(files, sources):
        return
    rows = read_rows(method.evaluation.output(store) / SAMPLES)
    head = {"method": files.method, "student": files.student, "seed": files.seed}
    for task in plan.tasks:
        write_rows(files.samples / f"{task.name}.parquet", [head | r for r in rows if r["task"] == task.name])
    if method.capability is not None:
        export_capability(files, read_rows(method.capability.output(store) / SAMPLES))
    export_course(files, store, method.model)
    export_provenance(files, store, method.last)
    mark_exported(files, sources)
