"""Runs a bench: executes the missing stages of its plan, reports and writes each method's results and the summary."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from slmr.artifacts import Cost, Store
from slmr.curriculum.schema import PROBLEMS
from slmr.evaluate import METRICS, SAMPLES
from slmr.evaluate.metrics import read_metrics
from slmr.io import disk_faults, locked, read_rows, sha256_of, write_rows
from slmr.pipeline.executors import run_stages
from slmr.pipeline.export import export_capability, export_course, export_provenance
from slmr.pipeline.plan import BenchRequest, Entry, Plan, make_plan
from slmr.pipeline.planner import StageNode, spent_on, unique_stages
from slmr.pipeline.runner import Watcher
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

__all__ = ["BenchRequest", "Entry", "Plan", "make_plan", "run_bench"]


def run_bench(plan: Plan, watcher: Watcher) -> Summary:
    """Runs the missing stages, writes `samples/` and `summary.json`, and returns the plan's part of the summary.

    If there are several methods, each is reported to the watcher, and written, as soon as it is finished.

    Raises:
        WorkError: a stage or the disk failed; finished stages are kept.
        Stopped: a signal came; finished stages are kept.
    """
    several, store = len(plan.entries) > 1, plan.store
    run_stages(plan.execution, _MethodWatcher(watcher, plan) if several else watcher)
    pools = contamination(store, plan)
    return Summary(rows=write_entries(store, plan, plan.entries, pools), contamination=pools)


def write_entries(
    store: Store, plan: Plan, entries: Sequence[Entry], pools: Sequence[Contamination] | None = None
) -> list[SummaryRow]:
    """Writes the samples and other tables of finished entries, and their rows into the summary; returns the rows.

    `pools` replaces the summary's contamination figures; None keeps them.
    """
    rows = [row for entry in entries for row in entry_rows(store, entry, plan)]
    path = plan.folder / SUMMARY
    # Another bench may be writing to the same summary: its rows must not be lost.
    with disk_faults(plan.folder), locked(plan.folder):
        for entry in entries:
            _export(store, entry, plan)
        old = read_summary(path) if path.is_file() else Summary(rows=[])
        new = {row.identity: row for row in rows}
        # A row whose completions are gone is dropped.
        kept = [r for r in old.rows if r.identity not in new and r.samples_file(plan.folder).is_file()]
        merged = sorted([*kept, *rows], key=lambda r: (r.student, r.seed, r.identity))
        write_summary(path, merged, list(old.contamination if pools is None else pools))
    return rows


class _MethodWatcher:
    """Forwards events to a watcher; also reports each method's result and writes it into the summary."""

    def __init__(self, watcher: Watcher, plan: Plan) -> None:
        self._watcher, self._plan, self._store = watcher, plan, plan.store
        self.started, self.progress, self.result = watcher.started, watcher.progress, watcher.result
        # (entry, keys of its unfinished stages).
        self._awaited: list[tuple[Entry, set[str]]] = []

    def planned(self, nodes: Sequence[StageNode], missing: Sequence[StageNode]) -> None:
        keys = {node.key for node in missing}
        self._awaited = [(entry, {n.key for n in unique_stages(entry.last)} & keys) for entry in self._plan.entries]
        self._watcher.planned(nodes, missing)

    def finished(self, node: StageNode, reused: bool, seconds: float) -> None:
        self._watcher.finished(node, reused, seconds)
        for entry, awaited in self._awaited:
            if node.key in awaited:
                awaited.remove(node.key)
                if node.key == entry.evaluation.key:
                    self.result(result_line(self._store, entry, self._plan))
                if not awaited:
                    write_entries(self._store, self._plan, [entry])


def result_line(store: Store, entry: Entry, plan: Plan) -> str:
    """A method's mean accuracy over each suite's tasks with its 95 % interval, and its cost."""
    scores: dict[str, dict[str, list[bool]]] = {}
    for row in read_rows(entry.evaluation.output(store) / SAMPLES, ["task", "item_id", "strict"]):
        scores.setdefault(row["task"], {}).setdefault(row["item_id"], []).append(bool(row["strict"]))
    suites = suites_of(entry_rows(store, entry, plan), listed_suites(plan.folder))
    accuracies = []
    for suite in suites:
        of_suite = [np.array(list(scores[t].values()), dtype=float) for t in suite.among(scores)]
        mean = mean_over_tasks(of_suite)
        of = f" {suite.name}" if len(suites) > 1 else ""
        accuracies.append(f"accuracy{of} {formats.percent(mean.mean, mean.low, mean.high)}")
    several = len({(e.student, e.seed) for e in plan.entries}) > 1
    name = f"{entry.recipe.name}, {entry.student}, seed {entry.seed}" if several else entry.recipe.name
    cost = method_cost(store, entry)
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


def method_cost(store: Store, entry: Entry) -> Cost:
    """The cost of the method's training: all its stages, shared ones in full, without evaluation."""
    return spent_on(store, [entry.model])


def entry_rows(store: Store, entry: Entry, plan: Plan) -> list[SummaryRow]:
    """The summary rows of one method, student and seed: one per task."""
    cost = method_cost(store, entry)
    folder = entry.evaluation.output(store)
    return [
        SummaryRow(
            method=entry.recipe.name,
            method_kind=entry.recipe.kind,
            student=entry.student,
            seed=entry.seed,
            task=task,
            manifest=entry.evaluation.key,
            command=entry.command,
            engine=plan.profile.engine.label,
            **metrics.summary_fields(),
            **cost.model_dump(),
        )
        for task, metrics in read_metrics(folder / METRICS).items()
    ]


def _export(store: Store, entry: Entry, plan: Plan) -> None:
    """Writes an entry's tables into the run's folder, unless they exist: samples, capability, training history."""
    files = RunFiles(plan.folder, entry.recipe.name, entry.student, entry.seed)
    # The keys do not suffice: a repeated evaluation may draw other completions on another device.
    sources = [f"{node.key}-{sha256_of(node.output(store) / SAMPLES)}" for node in entry.last]
    if is_exported(files, sources):
        return
    rows = read_rows(entry.evaluation.output(store) / SAMPLES)
    head = {"method": files.method, "student": files.student, "seed": files.seed}
    for task in plan.tasks:
        write_rows(files.samples / f"{task.name}.parquet", [head | r for r in rows if r["task"] == task.name])
    if entry.capability is not None:
        export_capability(files, read_rows(entry.capability.output(store) / SAMPLES))
    export_course(files, store, entry.model)
    export_provenance(files, store, entry.last)
    mark_exported(files, sources)
