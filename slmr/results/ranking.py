"""Where every method of a student stands: accuracy with an interval, shared rank, gain, cost, and what it forgot."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from slmr.config import MethodKind
from slmr.errors import RequestError
from slmr.results.compare import detectable, numbers, shown_difference
from slmr.results.entries import Entry
from slmr.results.paired_scores import Pair, differences, mean_interval, paired
from slmr.results.schema import Z95, SummaryRow
from slmr.stats import Difference, Estimate, holm, pareto, shared_ranks


@dataclass(frozen=True, slots=True)
class Standing:
    """One entry of a board, over its seeds.

    Attributes:
        entry: without seeds that lack a task, where it has whole ones.
        accuracy: the unweighted mean over tasks; for other seeds, too, where there are several. None where a task
            is missing.
        spread: the standard deviation of the seeds' means; None with one seed.
        by_task: task → accuracy.
        changes: task → the method minus the untrained student, with the same seeds.
        gain: their mean over tasks; p after Holm's correction over the methods.
        rank: shared by methods of the same seeds that cannot be told apart; None for ablations and controls.
        tokens, flops, wall_s: the mean over seeds of what the method's training cost, shared stages in full.
        efficient: no other method is at once cheaper in tokens and better.
    """

    entry: Entry
    accuracy: Estimate | None
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

    @property
    def method(self) -> str:
        return self.entry.method

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def kind(self) -> MethodKind:
        return self.entry.kind

    @property
    def seeds(self) -> list[int]:
        return self.entry.seeds

    @property
    def mean(self) -> float:
        """Accuracy to sort by; what lacks a task comes last."""
        return self.accuracy.mean if self.accuracy else -1.0


@dataclass(frozen=True, slots=True)
class Board:
    """All entries of one student, the best first, or all models that are only evaluated.

    Attributes:
        against: `against[a][b]` is a minus b by name, of those that are compared with each other.
        notes: what is not compared, and why, a line each.
        detectable: the smallest difference of two of the compared that is found four times in five.
    """

    student: str
    tasks: list[str]
    standings: list[Standing]
    against: dict[str, dict[str, Difference]]
    notes: list[str]
    detectable: float | None

    @property
    def complete(self) -> list[Standing]:
        """Those that have all tasks."""
        return [s for s in self.standings if s.accuracy is not None]


def board(found: Sequence[Entry]) -> Board:
    """Compares all entries of one student, or all models.

    Pairwise those that have the seeds and items that most have; others are listed without rank, and noted.
    """
    tasks = list(dict.fromkeys(task for entry in found for task in entry.tasks))
    listed = [entry.whole(tasks) or entry for entry in found]
    sound, notes = _sound(listed, tasks)
    alike, more = _alike(sound)
    against = _against(alike, tasks)
    accuracy = {e.name: mean_interval([e.sides[task] for task in tasks]) for e in sound}
    ranked = [e.name for e in alike if e.kind not in ("ablation", "control")]
    table = [[1.0 if a == b else against[a][b].p for b in ranked] for a in ranked]
    ranks = dict(zip(ranked, shared_ranks([accuracy[name].mean for name in ranked], table), strict=True))
    base = next((entry for entry in sound if entry.kind == "base"), None)
    changes = _changes([e for e in sound if e is not base], base, tasks) if base else {}
    gains = {name: change[""] for name, change in changes.items()}
    gain_p = dict(zip(gains, holm([gain.p for gain in gains.values()]), strict=True))
    standings = []
    for entry in listed:
        by_task = {task: d for task, d in changes.get(entry.name, {}).items() if task}
        standings.append(replace(
            _standing(entry, tasks, accuracy.get(entry.name)), changes=by_task, gain=gains.get(entry.name),
            gain_p=gain_p.get(entry.name), rank=ranks.get(entry.name),
        ))  # fmt: skip
    student = "models" if found[0].kind == "model" else found[0].student
    surely = max((detectable(d) for row in against.values() for d in row.values()), default=None)
    return Board(student, tasks, _ordered(standings), against, notes + more, surely)


def _sound(listed: Sequence[Entry], tasks: Sequence[str]) -> tuple[list[Entry], list[str]]:
    """The entries that have all tasks, item by item; and why others are not compared."""
    sound, notes = [], []
    for entry in listed:
        lacking = [task for task in tasks if len(entry.rows(task)) < len(entry.seeds)]
        if lacking:
            notes.append(f"{entry.name}: no result of {', '.join(lacking)}, so no mean and no rank")
        elif entry.fault:
            notes.append(f"{entry.name}: not compared: {entry.fault}")
        else:
            sound.append(entry)
    return sound, notes


def _alike(sound: Sequence[Entry]) -> tuple[list[Entry], list[str]]:
    """The entries with the same seeds and items, of the several such sets the one with most seeds, then entries."""
    kinds = [
        (tuple(e.seeds), *((row.task_version, row.checker_version, side.items)
                           for side in e.sides.values() for row in side.rows[:1]))
        for e in sound
    ]  # fmt: skip
    counts = Counter(kinds)
    if not counts:
        return [], []
    common = max(counts, key=lambda kind: (len(kind[0]), counts[kind]))
    notes = []
    for entry, kind in zip(sound, kinds, strict=True):
        if kind[0] == common[0] and kind != common:
            notes.append(f"{entry.name}: not ranked: measured on other items or versions than most")
        elif kind != common and entry.kind not in ("ablation", "control"):
            notes.append(
                f"{entry.name}: not ranked: it has seeds {numbers(kind[0])}, others {numbers(common[0])}"
            )
    return [entry for entry, kind in zip(sound, kinds, strict=True) if kind == common], notes


def _pairs(a: Entry, b: Entry, tasks: Sequence[str]) -> list[Pair]:
    return [paired(task, a.sides[task], b.sides[task]) for task in tasks]


def _against(alike: Sequence[Entry], tasks: Sequence[str]) -> dict[str, dict[str, Difference]]:
    """Every entry minus every other one; each two are compared once."""
    found: dict[str, dict[str, Difference]] = {entry.name: {} for entry in alike}
    both = list(combinations(alike, 2))
    compared = differences([_pairs(a, b, tasks) for a, b in both])
    for (a, b), d in zip(both, compared, strict=True):
        found[a.name][b.name] = d
        found[b.name][a.name] = replace(d, mean=-d.mean, low=-d.high, high=-d.low)
    return found


def _changes(found: Sequence[Entry], base: Entry, tasks: Sequence[str]) -> dict[str, dict[str, Difference]]:
    """Each entry minus base by task and, under "", their mean; without those that base cannot be paired with."""
    pairs: dict[str, list[Pair]] = {}
    for entry in found:
        same = base.of_seeds(entry.seeds)
        # One with other items or versions is left out: what is ranked with base has the same.
        with suppress(RequestError):
            if same.seeds == entry.seeds:
                pairs[entry.name] = _pairs(entry, same, tasks)
    means = differences(list(pairs.values()))
    alone = iter(differences([[pair] for row in pairs.values() for pair in row]))
    return {
        name: {task: next(alone) for task in tasks} | {"": mean}
        for name, mean in zip(pairs, means, strict=True)
    }


def _standing(entry: Entry, tasks: Sequence[str], accuracy: Estimate | None) -> Standing:
    """What can be said of an entry by itself; where no accuracy could be found of its completions, from its rows."""
    rows = [next(row for row in entry.rows() if row.seed == seed) for seed in entry.seeds]
    has = [task for task in tasks if len(entry.rows(task)) == len(entry.seeds)]
    if accuracy:
        sides = [entry.sides[task] for task in tasks]
        by_task = {task: side.interval for task, side in zip(tasks, sides, strict=True)}
        by_seed = np.mean([side.values.mean(axis=(1, 2)) for side in sides], axis=0)
    else:
        by_task = {task: _from_rows(entry.rows(task)) for task in entry.tasks}
        by_seed = (
            np.mean([[row.accuracy for row in entry.rows(task)] for task in has], axis=0)
            if has
            else np.zeros(1)
        )
        accuracy = _mean_of([by_task[task] for task in tasks]) if has == list(tasks) else None
    return Standing(
        entry, accuracy, float(by_seed.std(ddof=1)) if len(entry.seeds) > 1 and accuracy else None, by_task,
        tokens=math.fsum(row.tokens for row in rows) / len(rows),
        flops=math.fsum(row.flops for row in rows) / len(rows),
        wall_s=math.fsum(row.wall_s for row in rows) / len(rows),
    )  # fmt: skip


def _from_rows(rows: Sequence[SummaryRow]) -> Estimate:
    """A task's accuracy by its rows alone: seeds share their items, so that averaging them gains nothing here."""
    mean = math.fsum(row.accuracy for row in rows) / len(rows)
    return _estimate(mean, math.fsum(row.cautious_stderr for row in rows) / len(rows))


def _mean_of(tasks: Sequence[Estimate]) -> Estimate:
    mean = math.fsum(e.mean for e in tasks) / len(tasks)
    return _estimate(mean, math.sqrt(math.fsum(e.stderr**2 for e in tasks)) / len(tasks))


def _estimate(mean: float, stderr: float) -> Estimate:
    return Estimate(mean, stderr, max(0.0, mean - Z95 * stderr), min(1.0, mean + Z95 * stderr))


def _ordered(standings: Sequence[Standing]) -> list[Standing]:
    """The best first, each with whether anything beats it in cost and accuracy at once."""
    complete = [s for s in standings if s.accuracy]
    efficient = pareto([s.tokens for s in complete], [s.mean for s in complete])
    found = [replace(s, efficient=e) for s, e in zip(complete, efficient, strict=True)]
    return sorted([*found, *(s for s in standings if not s.accuracy)], key=lambda s: -s.mean)


def in_words(found: Board, title: str | None = None) -> str:
    """The first paragraph of a report: who leads, how surely, what it cost, what did not help, and `stagewise`.

    It begins with the title, else with the student.
    """
    title = title or found.student
    entries = {s.name: s for s in found.standings if s.rank is not None}
    ranked = [s for s in found.standings if s.rank is not None and s.kind != "base"]
    if not ranked:
        return f"{title}: no method to compare."
    best = ranked[0]
    level = [s.name for s in ranked[1:] if s.rank == best.rank]
    count = len(best.seeds)
    seeds = (
        "one seed, so the intervals know nothing of another training run" if count == 1 else f"{count} seeds"
    )
    parts = [
        f"{title}, {seeds}: {best.name} has the highest mean accuracy, {_percent(best.accuracy)}"
        f"{_gained(best)}, for {best.tokens / 1e6:.2f} million tokens."
    ]
    if level:
        parts.append(_tied(found, best.name, level, math.comb(len(entries), 2)))
    elif len(ranked) > 1:
        lead = found.against[best.name][ranked[1].name]
        parts.append(f"It is ahead of the next, {ranked[1].name}, by {_difference(lead)}.")
    cheap = next((s for s in sorted(ranked, key=lambda s: s.tokens) if s.rank == best.rank), best)
    if cheap.name != best.name:
        parts.append(f"The cheapest among them is {cheap.name}, at {cheap.tokens / 1e6:.2f} million.")
    useless = [s.name for s in ranked if s.gain is not None and (s.gain_p or 0) >= 0.05]
    worse = [s.name for s in ranked if s.gain is not None and (s.gain_p or 1) < 0.05 and s.gain.mean < 0]
    if useless:
        parts.append(f"No gain over the untrained student is shown for {_list(useless)}.")
    if worse:
        parts.append(f"Worse than the untrained student: {_list(worse)}.")
    if "stagewise" in entries and best.name != "stagewise":
        own = entries["stagewise"]
        where = "shares the first rank" if own.rank == best.rank else f"has rank {own.rank}"
        gap = found.against["stagewise"][best.name]
        alone = (
            ", a difference if no other pair is looked at" if own.rank == best.rank and gap.p < 0.05 else ""
        )
        parts.append(f"stagewise {where}, {_difference(gap)} from {best.name}{alone}.")
    if "stagewise" in entries and "sft_grpo" in entries:
        gap = found.against["stagewise"]["sft_grpo"]
        shown = "cannot be told apart from"
        if gap.p < 0.05:  # a rank is among all pairs, corrected
            alone = entries["stagewise"].rank == entries["sft_grpo"].rank
            shown = "differs, if no other pair is looked at, from" if alone else "is separably different from"
        parts.append(
            "The paper's claim, that stage-specific data beats the same data in both stages:"
            f" stagewise {shown} sft_grpo ({_difference(gap)}, p = {gap.p:.3f} before correction)."
        )
    return " ".join(parts)


def _tied(found: Board, best: str, level: Sequence[str], pairs: int) -> str:
    """Of those that share the best one's rank, which it would be ahead of if they were the only ones compared."""
    text = f"It cannot be told apart from {_list(level)}"
    ahead = [name for name in level if found.against[best][name].p < 0.05]
    if not ahead:
        return f"{text}."
    those = "each of them" if ahead == level else _list(ahead)
    return f"{text} once all {pairs} pairs are looked at; it is ahead of {those} if no other pair is."


def _percent(estimate: Estimate | None) -> str:
    assert estimate is not None  # what has a rank has a mean
    return f"{100 * estimate.mean:.1f} % ({100 * estimate.low:.1f} to {100 * estimate.high:.1f})"


def _gained(entry: Standing) -> str:
    return f", {_difference(entry.gain)} over the untrained student" if entry.gain else ""


def _difference(d: Difference) -> str:
    return "{} points ({})".format(*shown_difference(d))


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else names[0]
