"""Where every method of a run stands: accuracy with an interval, shared rank, gain, cost, and what it forgot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from slmr.compare import Pair, Side, difference, load_sides, paired, seeds_of, shown_difference
from slmr.results import MethodKind, SummaryRow, read_summary
from slmr.runstats import pareto, seeds_and_items
from slmr.stats import Difference, Estimate, holm, mean_over_tasks, shared_ranks


@dataclass(frozen=True, slots=True)
class Standing:
    """One method of one student, over its seeds.

    Attributes:
        accuracy: the unweighted mean over tasks; for other seeds, too, where there are several.
        spread: the standard deviation of the seeds' means; None with one seed.
        by_task: task → accuracy.
        changes: task → the method minus the untrained student.
        gain: their mean over tasks; p after Holm's correction over the methods.
        rank: shared by methods of the same seeds that cannot be told apart; None for ablations and controls.
        tokens, flops, wall_s: the mean over seeds of what the method's training cost, shared stages in full.
        efficient: no other method is at once cheaper in tokens and better.
    """

    method: str
    kind: MethodKind
    seeds: list[int]
    accuracy: Estimate
    spread: float | None
    by_task: dict[str, Estimate]
    tokens: float
    flops: float
    wall_s: float
    changes: dict[str, Difference] = field(default_factory=dict)
    gain: Difference | None = None
    gain_p: float | None = None
    rank: int | None = None
    efficient: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """All methods of one student, the best first; `against[a][b]` is method a minus method b."""

    student: str
    tasks: list[str]
    standings: list[Standing]
    against: dict[str, dict[str, Difference]]


def board(run: Path, student: str) -> Board:
    """Reads and compares all methods of a student.

    Methods are compared pairwise where they have the seeds that most have; others are listed without rank.

    Raises:
        RequestError: the run or the samples behind it cannot be read, or they do not pair.
    """
    seeds = seeds_of(run, student)
    rows = [row for row in read_summary(run / "summary.json").rows if row.student == student]
    kinds = {row.method: row.method_kind for row in rows}
    sides = {method: load_sides(f"{run}:{method}", student) for method in seeds}
    tasks = [task for task in sides[next(iter(sides))] if all(task in side for side in sides.values())]
    common = max(seeds.values(), key=lambda numbers: (len(numbers), list(seeds.values()).count(numbers)))
    comparable = [method for method in seeds if seeds[method] == common]
    against = _against(comparable, sides, tasks)
    ranks = _ranks([m for m in comparable if kinds[m] not in ("ablation", "control")], sides, tasks, against)
    gains = {m: against[m]["base"] for m in comparable if m != "base"} if "base" in comparable else {}
    gain_p = dict(zip(gains, holm([gain.p for gain in gains.values()]), strict=True))
    found = []
    for method in seeds:
        changes = (
            {t: difference(_pairs(sides[method], sides["base"], [t])) for t in tasks}
            if method in gains
            else {}
        )
        own = [row for row in rows if row.method == method]
        entry = _standing(method, seeds[method], sides[method], tasks, own)
        found.append(
            replace(
                entry,
                changes=changes,
                gain=gains.get(method),
                gain_p=gain_p.get(method),
                rank=ranks.get(method),
            )
        )
    efficient = pareto([s.tokens for s in found], [s.accuracy.mean for s in found])
    standings = [replace(s, efficient=e) for s, e in zip(found, efficient, strict=True)]
    return Board(student, tasks, sorted(standings, key=lambda s: -s.accuracy.mean), against)


Sides = dict[str, dict[str, Side]]


def _pairs(a: dict[str, Side], b: dict[str, Side], tasks: Sequence[str]) -> list[Pair]:
    return [paired(task, a[task], b[task]) for task in tasks]


def _against(methods: Sequence[str], sides: Sides, tasks: Sequence[str]) -> dict[str, dict[str, Difference]]:
    """Every method minus every other one; each two are compared once."""
    found: dict[str, dict[str, Difference]] = {method: {} for method in methods}
    for a, b in combinations(methods, 2):
        d = difference(_pairs(sides[a], sides[b], tasks))
        found[a][b] = d
        found[b][a] = replace(d, mean=-d.mean, low=-d.high, high=-d.low)
    return found


def _ranks(
    methods: Sequence[str], sides: Sides, tasks: Sequence[str], against: dict[str, dict[str, Difference]]
) -> dict[str, int]:
    means = [accuracy(sides[m], tasks).mean for m in methods]
    table = [[1.0 if a == b else against[a][b].p for b in methods] for a in methods]
    return dict(zip(methods, shared_ranks(means, table), strict=True))


def accuracy(sides: dict[str, Side], tasks: Sequence[str]) -> Estimate:
    """The mean over tasks of one method; see `mean_interval`."""
    return mean_interval([sides[task].values for task in tasks])


def mean_interval(tasks: Sequence[np.ndarray]) -> Estimate:
    """The mean over tasks; its interval is for other items, and for other seeds where there are several.

    Args:
        tasks: per task [seeds, items, completions] of 0 and 1.
    """
    if min(len(task) for task in tasks) > 1 and min(task.shape[1] for task in tasks) > 1:
        return seeds_and_items([task.mean(axis=2) for task in tasks])
    return mean_over_tasks([task[0] if len(task) == 1 else task.mean(axis=0) for task in tasks])


def _standing(
    method: str, seeds: list[int], sides: dict[str, Side], tasks: Sequence[str], rows: Sequence[SummaryRow]
) -> Standing:
    """What can be said of a method by itself."""
    by_seed = np.mean([sides[task].values.mean(axis=(1, 2)) for task in tasks], axis=0)
    own = [next(row for row in rows if row.seed == seed) for seed in seeds]
    return Standing(
        method, rows[0].method_kind, seeds, accuracy(sides, tasks),
        spread=float(by_seed.std(ddof=1)) if len(seeds) > 1 else None,
        by_task={task: accuracy(sides, [task]) for task in tasks},
        tokens=math.fsum(r.tokens for r in own) / len(own),
        flops=math.fsum(r.flops for r in own) / len(own),
        wall_s=math.fsum(r.wall_s for r in own) / len(own),
    )  # fmt: skip


def in_words(found: Board) -> str:
    """The first paragraph of a report: who leads, how surely, what it cost, what did not help, and `stagewise`."""
    entries = {s.method: s for s in found.standings if s.rank is not None}
    ranked = [s for s in found.standings if s.rank is not None and s.kind != "base"]
    if not ranked:
        return f"{found.student}: no method to compare."
    best = ranked[0]
    level = [s.method for s in ranked[1:] if s.rank == best.rank]
    count = len(best.seeds)
    seeds = (
        "one seed, so the intervals know nothing of another training run" if count == 1 else f"{count} seeds"
    )
    parts = [
        f"{found.student}, {seeds}: {best.method} has the highest mean accuracy, {_percent(best.accuracy)}"
        f"{_gained(best)}, for {best.tokens / 1e6:.2f} million tokens."
    ]
    if level:
        parts.append(f"It cannot be told apart from {_list(level)}.")
    elif len(ranked) > 1:
        lead = found.against[best.method][ranked[1].method]
        parts.append(f"It is ahead of the next, {ranked[1].method}, by {_difference(lead)}.")
    cheap = next((s for s in sorted(ranked, key=lambda s: s.tokens) if s.rank == best.rank), best)
    if cheap.method != best.method:
        parts.append(f"The cheapest among them is {cheap.method}, at {cheap.tokens / 1e6:.2f} million.")
    useless = [s.method for s in ranked if s.gain is not None and (s.gain_p or 0) >= 0.05]
    worse = [s.method for s in ranked if s.gain is not None and (s.gain_p or 1) < 0.05 and s.gain.mean < 0]
    if useless:
        parts.append(f"No gain over the untrained student is shown for {_list(useless)}.")
    if worse:
        parts.append(f"Worse than the untrained student: {_list(worse)}.")
    if "stagewise" in entries and best.method != "stagewise":
        own = entries["stagewise"]
        where = "shares the first rank" if own.rank == best.rank else f"has rank {own.rank}"
        gap = found.against["stagewise"][best.method]
        parts.append(f"stagewise {where}, {_difference(gap)} from {best.method}.")
    if "stagewise" in entries and "sft_grpo" in entries:
        gap = found.against["stagewise"]["sft_grpo"]
        shown = "is separably different from" if gap.p < 0.05 else "cannot be told apart from"
        parts.append(
            "The paper's claim, that stage-specific data beats the same data in both stages:"
            f" stagewise {shown} sft_grpo ({_difference(gap)}, p = {gap.p:.3f} before correction)."
        )
    return " ".join(parts)


def _percent(estimate: Estimate) -> str:
    return f"{100 * estimate.mean:.1f} % ({100 * estimate.low:.1f} to {100 * estimate.high:.1f})"


def _gained(entry: Standing) -> str:
    return f", {_difference(entry.gain)} over the untrained student" if entry.gain else ""


def _difference(d: Difference) -> str:
    return "{} points ({})".format(*shown_difference(d))


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else names[0]
