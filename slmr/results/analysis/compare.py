"""Compares two methods on the same items: which is better, by how much, and how certain that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from slmr.errors import RequestError, unknown
from slmr.results.analysis.decoding import decoding_notices
from slmr.results.runs.method_results import MethodResult, find_result
from slmr.results.runs.paired_scores import Scores, difference, mean_interval, pair_scores
from slmr.results.runs.schema import Z95
from slmr.results.runs.suites import Suite, listed_suites, suite_of_mean
from slmr.stats import Difference, holm, minimum_detectable_difference

SIGNIFICANCE = 0.05  # p-values below it are called significant
DEFAULT_LABELS = ("A", "B")

ONE_SEED = "One training run per method: intervals and p-values cover other questions, not another training run."
RANKS_OF_ONE_SEED = (
    "One training run per method: intervals and ranks cover other questions, not another training run, which may"
    " change the order."
)


@dataclass(frozen=True, slots=True)
class TaskComparison:
    """A minus B on one task, paired by item.

    Attributes:
        items: how many.
        a, b: the accuracies, fractions.
        p: Holm's, over the tasks compared.
        detectable: the true difference that is detectable with 80 % power, a fraction.
        only_a, only_b: ids of the items on which A is better, and B, the largest differences first.
    """

    task: str
    items: int
    a: float
    b: float
    difference: Difference
    p: float
    detectable: float
    only_a: list[str] = field(default_factory=list)
    only_b: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The comparison on all common tasks, and the mean over those of a suite if there are several tasks.

    Attributes:
        a, b: the names that were compared.
        labels: what A and B are called where they are shown: by their methods or models, unless those are the same.
        seeds: how many training seeds the interval is over; with one it knows nothing of another training run.
        mean_a, mean_b: the accuracies whose difference is the mean, fractions; None where there is none.
        trained: whether one of the two was trained, so that another seed would have given another one.
    """

    a: str
    b: str
    tasks: list[TaskComparison]
    mean: Difference | None
    notices: list[str]
    seeds: int = 1
    trained: bool = False
    mean_name: str = "mean"
    mean_a: float | None = None
    mean_b: float | None = None
    labels: tuple[str, str] = DEFAULT_LABELS

    @property
    def overall(self) -> Difference:
        """The mean over tasks, or the first task's difference if there is no mean."""
        return self.mean or self.tasks[0].difference


def compare(name_a: str, name_b: str, labels: tuple[str, str] | None = None) -> Comparison:
    """Compares two results, each named as `find_result` says.

    Raises:
        RequestError: a run cannot be read, the two have no task in common, or they are of different
            items, task versions or checker versions.
    """
    a, b = find_result(name_a), find_result(name_b)
    rows = [row for row in a.rows() if row.task in b.tasks]
    suite, several = suite_of_mean(rows, listed_suites(a.run_rows[0].run))
    comparison = compare_results(a, b, suite or Suite("none", ()), (name_a, name_b))
    common = [task.task for task in comparison.tasks]
    comparison.notices.extend(decoding_notices(a.of_tasks(common), b.of_tasks(common)))
    if several:
        comparison.notices.append(f"no mean: the tasks are of several suites: {', '.join(several)}")
    return replace(comparison, labels=labels) if labels and labels[0] != labels[1] else comparison


def compare_results(
    a: MethodResult, b: MethodResult, suite: Suite | None = None, names: tuple[str, str] | None = None
) -> Comparison:
    """As `compare`, for loaded results; the mean is over the tasks of the suite if one is given, else over all.

    Notices and errors call the two by `names`, by default their own.
    """
    name_a, name_b = names = names or (a.name, b.name)
    a, b, notices = same_seeds(a, b, names)
    common = [task for task in a.tasks if task in b.tasks]
    suite_tasks = suite.among(common) if suite else common
    outside = [task for task in common if task not in suite_tasks]
    shared = [*suite_tasks, *outside]
    if not shared:
        raise RequestError(f"no task in common: {name_a} has {', '.join(a.tasks)}; {name_b} has {', '.join(b.tasks)}")
    for name, result in zip(names, (a, b), strict=True):
        notices += [f"only in {name}: {task}" for task in result.tasks if task not in shared]
    pairs = {task: pair_scores(task, a.scores[task], b.scores[task]) for task in shared}
    differences = {task: difference([pair]) for task, pair in pairs.items()}
    # A task outside the suite changes no p-value of the suite's tasks.
    adjusted = [p for family in (suite_tasks, outside) for p in holm([differences[task].p for task in family])]
    tasks = [
        _task(task, a.scores[task], b.scores[task], differences[task], p)
        for task, p in zip(shared, adjusted, strict=True)
    ]
    mean = difference([pairs[task] for task in suite_tasks]) if suite_tasks and len(shared) > 1 else None
    mean_a, mean_b = (mean_interval([r.scores[task] for task in suite_tasks]).mean if mean else None for r in (a, b))
    return Comparison(
        name_a,
        name_b,
        tasks,
        mean,
        notices,
        seeds=min(pair.seeds for pair in pairs.values()),
        trained=a.trained or b.trained,
        mean_name=f"mean, {suite.name}" if suite and len(suite_tasks) < len(shared) else "mean",
        mean_a=mean_a,
        mean_b=mean_b,
        labels=(a.name, b.name) if a.name != b.name else DEFAULT_LABELS,
    )


def _task(task: str, a: Scores, b: Scores, change: Difference, p: float) -> TaskComparison:
    pair = pair_scores(task, a, b)
    leads = pair.a.mean(axis=(0, 2)) - pair.b.mean(axis=(0, 2))
    by_size = sorted(zip(pair.items, leads, strict=True), key=lambda item: -abs(item[1]))
    return TaskComparison(
        # Of the estimator of all other places: another order of adding may round the other way.
        task,
        len(pair.items),
        a.interval.mean,
        b.interval.mean,
        change,
        p,
        detectable(change),
        only_a=[item for item, size in by_size if size > 0],
        only_b=[item for item, size in by_size if size < 0],
    )


def same_seeds(
    a: MethodResult, b: MethodResult, names: tuple[str, str]
) -> tuple[MethodResult, MethodResult, list[str]]:
    """Both results with the same seeds, so that they pair by seed and item, and notices of what was left out.

    Seeds change nothing in what is not trained: it pairs with each. Two methods without a seed in common pair in order,
    as one seed of a method has nothing to do with the same seed of another one where they share no stage.
    """
    if a.seeds == b.seeds:
        return a, b, []
    if not a.trained or not b.trained:
        seeds = a.seeds if a.trained else b.seeds if b.trained else [0]
        a, b = (r if r.trained else r.as_seeds(r.seeds[:1] * len(seeds), seeds) for r in (a, b))
        return a, b, []
    seeds_of_both = f"{names[0]} has seeds {numbers(a.seeds)}, {names[1]} {numbers(b.seeds)}"
    if common := [seed for seed in a.seeds if seed in b.seeds]:
        notice = f"compared on the seeds that both have: {seeds_of_both}"
        return a.of_seeds(common), b.of_seeds(common), [notice]
    n = min(len(a.seeds), len(b.seeds))
    notice = f"no seed in common, so they are paired in order: {seeds_of_both}"
    return a.of_seeds(a.seeds[:n]), b.as_seeds(b.seeds[:n], a.seeds[:n]), [notice]


def numbers(seeds: Sequence[int]) -> str:
    """`0, 1, 2`."""
    return ", ".join(map(str, seeds))


@dataclass(frozen=True, slots=True)
class OverallDifference:
    """The mean over tasks of one method minus another; `p` is Holm's, over all listed methods."""

    method: str
    seeds: int
    difference: Difference
    p: float


def compare_all(results: Sequence[MethodResult], reference: str, suite: Suite | None = None) -> list[OverallDifference]:
    """Each other result of a student minus the reference, the best first.

    One that has fewer seeds is compared with the reference's same seeds; one with a seed that the reference lacks is
    left out, as its scores would not pair.

    Raises:
        RequestError: as `compare`, or there is no such method.
    """
    base = next((result for result in results if result.method == reference), None)
    if base is None:
        raise unknown("method", reference, [result.method for result in results])
    comparisons = {
        result.method: compare_results(result, base.of_seeds(result.seeds), suite, (result.method, reference))
        for result in results
        if result is not base and set(result.seeds) <= set(base.seeds)
    }
    return sorted(overall_differences(comparisons), key=lambda d: -d.difference.mean)


def overall_differences(comparisons: Mapping[str, Comparison]) -> list[OverallDifference]:
    """The overall difference of each comparison, by the name of one of its methods; p-values are corrected for all."""
    adjusted = holm([comparison.overall.p for comparison in comparisons.values()])
    return [
        OverallDifference(name, c.seeds, c.overall, p)
        for (name, c), p in zip(comparisons.items(), adjusted, strict=True)
    ]


def detectable(change: Difference) -> float:
    """The minimum detectable difference, computed from the interval because the standard error may be 0."""
    return minimum_detectable_difference(change.half / Z95)
