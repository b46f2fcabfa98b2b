"""Ranks the methods of a student: accuracy and rank with intervals, gain, cost, and changes by task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from slmr.config import UNRANKED, MethodKind
from slmr.errors import RequestError
from slmr.results.analysis.compare import SIGNIFICANCE, detectable, numbers
from slmr.results.analysis.reverted import reverted_notes
from slmr.results.runs.method_results import MethodResult, run_results
from slmr.results.runs.paired_scores import (
    PairedScores,
    aligned,
    differences,
    mean_interval,
    mean_interval_of_rows,
    pair_scores,
)
from slmr.results.runs.schema import grouped
from slmr.results.runs.suites import Suite, listed_suites, suites_of
from slmr.stats import Difference, Estimate, RankInterval, holm, margin, noisy_methods, pareto, rank_intervals


@dataclass(frozen=True, slots=True)
class RankedMethod:
    """One method of a ranking, over its seeds; accuracies and differences are fractions.

    Attributes:
        result: without seeds that lack a task, where it has complete ones.
        accuracy: the unweighted mean over tasks; for other seeds, too, where there are several. None where a task
            is missing.
        spread: the standard deviation of the seeds' means; None with one seed.
        by_task: task → accuracy.
        changes: task → the method minus the untrained student, with the same seeds.
        gain: their mean over tasks; its p after Holm's correction over the methods.
        rank: the best and the worst that it may have among those of the same seeds; None for base, ablations, controls.
        efficient: no other method is at once cheaper in tokens and better. A reference, such as a teacher, is none that
            could be chosen.
    """

    result: MethodResult
    accuracy: Estimate | None
    spread: float | None
    by_task: dict[str, Estimate]
    changes: dict[str, Difference] = field(default_factory=dict)
    gain: Difference | None = None
    rank: RankInterval | None = None
    efficient: bool = False

    @property
    def name(self) -> str:
        return self.result.name

    @property
    def kind(self) -> MethodKind:
        return self.result.kind

    @property
    def seeds(self) -> list[int]:
        return self.result.seeds

    @property
    def mean(self) -> float:
        """The accuracy to sort by; methods that lack a task come last."""
        return self.accuracy.mean if self.accuracy else -1.0

    @property
    def tokens(self) -> float:
        """The tokens of its training, mean over seeds, with shared stages in full."""
        return self.result.cost("tokens")

    @property
    def significantly_better(self) -> bool:
        """Whether it is significantly better than the untrained student."""
        return self.gain is not None and self.gain.mean > 0 and self.gain.p < SIGNIFICANCE

    @property
    def significantly_worse(self) -> bool:
        """Whether it is significantly worse than the untrained student."""
        return self.gain is not None and self.gain.mean < 0 and self.gain.p < SIGNIFICANCE

    @property
    def may_be_best(self) -> bool:
        """Whether its rank may be the first."""
        return self.rank is not None and self.rank.low == 1


@dataclass(frozen=True, slots=True)
class Order:
    """Ranks by name. Two methods whose means differ by at most the margin, a fraction, are not told apart.

    Attributes:
        noisy: the methods that have no rank, because their means differ far more from seed to seed than the others'.
    """

    ranks: dict[str, RankInterval]
    margin: float | None
    noisy: tuple[str, ...] = ()

    def apart(self, a: float, b: float) -> bool:
        """Whether two of the means differ by more than the margin."""
        return self.margin is not None and abs(a - b) > self.margin


@dataclass(frozen=True, slots=True)
class Ranking:
    """All methods of one student, the best first, or all models that are only evaluated.

    Attributes:
        student: its name, or `models`.
        tasks: those that means and ranks are over.
        other_tasks: those that some have, too, in columns of their own.
        differences: `differences[a][b]` is a minus b by name, of those that are compared with each other.
        notes: what is not compared, and why, and which stages were reverted, a line each.
        detectable: the true difference that is detectable with 80 % power, a fraction, for the median pair of the
            compared and for the noisiest.
        order: who is above whom of those that have a rank, all compared at once.
    """

    student: str
    tasks: list[str]
    methods: list[RankedMethod]
    differences: dict[str, dict[str, Difference]]
    notes: list[str]
    detectable: tuple[float, float] | None
    order: Order
    suite: Suite | None = None
    other_tasks: list[str] = field(default_factory=list)
    of_models: bool = False

    @property
    def title(self) -> str:
        """The description of the mean, for titles."""
        if self.suite is None or self.tasks == list(self.suite.tasks):
            return "mean accuracy over tasks"
        return f"mean accuracy over {len(self.tasks)} of the {len(self.suite.tasks)} tasks of {self.suite.name}"

    @property
    def results(self) -> list[MethodResult]:
        return [method.result for method in self.methods]

    @property
    def ranked(self) -> list[RankedMethod]:
        """The methods with a rank, the best first; base has none."""
        return [method for method in self.methods if method.rank is not None and method.kind != "base"]

    @property
    def complete(self) -> list[RankedMethod]:
        """The methods that have all tasks."""
        return [method for method in self.methods if method.accuracy is not None]


def run_rankings(run: Path) -> list[tuple[str, Ranking]]:
    """A titled ranking for each suite and student of a run; its notes name reverted stages.

    Raises as `read_summary` and `listed_suites`.
    """
    results = run_results(run)
    suites = suites_of([row for result in results for row in result.rows()], listed_suites(run))
    sections = []
    for suite in suites:
        for ranking in suite_rankings(results, suite):
            ranking = replace(ranking, notes=[*ranking.notes, *reverted_notes(ranking.results)])
            name = ranking.results[0].student if len(ranking.results) == 1 else ranking.student
            sections.append((f"{name}, {suite.label}" if len(suites) > 1 else name, ranking))
    return sections


def suite_rankings(results: Sequence[MethodResult], suite: Suite) -> list[Ranking]:
    """A ranking for each student, by name, and at the end one for models that are only evaluated."""
    groups = grouped(suite.results(results), lambda r: "" if r.kind == "model" else r.student)
    return [rank_methods(groups[name], suite) for name in sorted(groups, key=lambda name: (name == "", name))]


def rank_methods(results: Sequence[MethodResult], suite: Suite | None = None) -> Ranking:
    """Compares all methods of a student, or all models, on the tasks that any of them has, within the suite if given.

    Pairwise those that have the seeds and items that most have; others are listed without rank, and noted.
    """
    all_tasks = list(dict.fromkeys(task for result in results for task in result.tasks))
    tasks = suite.among(all_tasks) if suite else all_tasks
    results = [result.complete(tasks) or result for result in results]
    complete, notes = _complete_results(results, tasks)
    comparable, comparable_notes = _comparable_results(complete, tasks)
    pairwise = _pairwise_differences(comparable, tasks)
    accuracy = {r.name: mean_interval([r.scores[task] for task in tasks]) for r in complete}
    competitors = [result for result in comparable if result.kind not in (*UNRANKED, "base")]
    order = order_of(competitors, [accuracy[result.name].mean for result in competitors], tasks)
    changes, gains = _changes(complete, tasks)
    methods = [
        replace(
            _ranked_method(result, tasks, accuracy.get(result.name)),
            changes=changes.get(result.name, {}),
            gain=gains.get(result.name),
            rank=order.ranks.get(result.name),
        )
        for result in results
    ]
    of_models = results[0].kind == "model"
    student = "models" if of_models else results[0].student
    other_tasks = [task for task in all_tasks if task not in tasks]
    return Ranking(
        student,
        tasks,
        _best_first(methods),
        pairwise,
        notes + comparable_notes,
        _detectable_differences(pairwise),
        order,
        suite,
        other_tasks,
        of_models,
    )


def order_of(results: Sequence[MethodResult], means: Sequence[float], tasks: Sequence[str]) -> Order:
    """The order of results with the same seeds and items, by their means over the tasks.

    Raises:
        RequestError: as `Scores.values`.
    """
    if len(results) < 2:
        return Order({result.name: RankInterval(1, 1) for result in results}, None)
    scores = [aligned([result.scores[task] for result in results]) for task in tasks]
    noisy = noisy_methods(scores)
    steady = [i for i in range(len(results)) if i not in noisy]
    least_difference = margin([task[steady] for task in scores])
    ranks = rank_intervals([means[i] for i in steady], least_difference)
    return Order(
        dict(zip((results[i].name for i in steady), ranks, strict=True)),
        least_difference,
        tuple(results[i].name for i in noisy),
    )


def _complete_results(results: Sequence[MethodResult], tasks: Sequence[str]) -> tuple[list[MethodResult], list[str]]:
    """The results that have all tasks and can be compared item by item, and notes about the others."""
    complete, notes = [], []
    for result in results:
        missing = [task for task in tasks if len(result.rows(task)) < len(result.seeds)]
        if missing:
            notes.append(f"{result.name}: no result of {', '.join(missing)}, so no mean and no rank")
        elif fault := result.of_tasks(tasks).fault:
            notes.append(f"{result.name}: not compared: {fault}")
        else:
            complete.append(result)
    return complete, notes


def _comparable_results(complete: Sequence[MethodResult], tasks: Sequence[str]) -> tuple[list[MethodResult], list[str]]:
    """The largest set of results with the same seeds and items, by number of seeds, then of results; and notes."""
    signatures = [
        (
            tuple(result.seeds),
            *(
                (row.task_version, row.checker_version, scores.item_set)
                for scores in (result.scores[task] for task in tasks)
                for row in scores.rows[:1]
            ),
        )
        for result in complete
    ]
    counts = Counter(signatures)
    if not counts:
        return [], []
    common = max(counts, key=lambda signature: (len(signature[0]), counts[signature]))
    notes = []
    for result, signature in zip(complete, signatures, strict=True):
        seeds = signature[0]
        if seeds == common[0] and signature != common:
            notes.append(f"{result.name}: not ranked: measured on other items or versions than most")
        elif signature != common and result.kind not in UNRANKED:
            notes.append(f"{result.name}: not ranked: it has seeds {numbers(seeds)}, others {numbers(common[0])}")
    return [r for r, signature in zip(complete, signatures, strict=True) if signature == common], notes


def _pairs(a: MethodResult, b: MethodResult, tasks: Sequence[str]) -> list[PairedScores]:
    return [pair_scores(task, a.scores[task], b.scores[task]) for task in tasks]


def _pairwise_differences(comparable: Sequence[MethodResult], tasks: Sequence[str]) -> dict[str, dict[str, Difference]]:
    """Each result minus each other one."""
    pairwise: dict[str, dict[str, Difference]] = {result.name: {} for result in comparable}
    pairs = list(combinations(comparable, 2))
    for (a, b), d in zip(pairs, differences([_pairs(a, b, tasks) for a, b in pairs]), strict=True):
        pairwise[a.name][b.name] = d
        pairwise[b.name][a.name] = replace(d, mean=-d.mean, low=-d.high, high=-d.low)
    return pairwise


def _detectable_differences(pairwise: dict[str, dict[str, Difference]]) -> tuple[float, float] | None:
    """The median and the largest of the differences that are detectable between two results."""
    sizes = [detectable(d) for row in pairwise.values() for d in row.values()]
    return (float(np.median(sizes)), max(sizes)) if sizes else None


def _changes(
    complete: Sequence[MethodResult], tasks: Sequence[str]
) -> tuple[dict[str, dict[str, Difference]], dict[str, Difference]]:
    """Each result minus base, by name: for each task, and the mean over tasks with p corrected for their number.

    Leaves out results that base cannot pair with.
    """
    base = next((result for result in complete if result.kind == "base"), None)
    pairs: dict[str, list[PairedScores]] = {}
    for result in complete if base else []:
        same_seeds = base.of_seeds(result.seeds) if base else result
        # One with other items or versions is left out: what is ranked with base has the same.
        with suppress(RequestError):
            if result is not base and same_seeds.seeds == result.seeds:
                pairs[result.name] = _pairs(result, same_seeds, tasks)
    task_changes = iter(differences([[pair] for by_task in pairs.values() for pair in by_task]))
    changes = {name: {task: next(task_changes) for task in tasks} for name in pairs}
    means = differences(list(pairs.values()))
    adjusted = holm([mean.p for mean in means])
    gains = {name: replace(mean, p=p) for name, mean, p in zip(pairs, means, adjusted, strict=True)}
    return changes, gains


def _ranked_method(result: MethodResult, tasks: Sequence[str], accuracy: Estimate | None) -> RankedMethod:
    """The method without comparisons; its accuracy is from summary rows if completions are unreadable."""
    by_task = {
        task: mean_interval_of_rows([scores.rows]) if scores.fault else scores.interval
        for task, scores in result.scores.items()
    }
    if not accuracy and all(len(result.rows(task)) == len(result.seeds) for task in tasks):
        accuracy = mean_interval_of_rows([result.rows(task) for task in tasks])
    spread = None
    if accuracy and len(result.seeds) > 1:
        by_seed = np.mean([[row.accuracy for row in result.rows(task)] for task in tasks], axis=0)
        spread = float(by_seed.std(ddof=1))
    return RankedMethod(result, accuracy, spread, by_task)


def _best_first(methods: Sequence[RankedMethod]) -> list[RankedMethod]:
    """The methods sorted by mean, those that lack a task last; marks the Pareto-optimal ones."""
    candidates = [method for method in methods if method.accuracy and method.kind != "reference"]
    optimal = pareto([method.tokens for method in candidates], [method.mean for method in candidates])
    efficient = {m.name for m, is_optimal in zip(candidates, optimal, strict=True) if is_optimal}
    methods = [replace(method, efficient=method.name in efficient) for method in methods]
    return sorted(methods, key=lambda method: (method.accuracy is None, -method.mean))
