"""Tests whether a run is worse than another: a policy's checks as paired tests, corrected for their number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from statistics import NormalDist
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from slmr.errors import RequestError, nearest
from slmr.io import read_settings
from slmr.lab.skills import EXPOSURES
from slmr.parsing import StrictModel, parse
from slmr.results.analysis.compare import ONE_SEED, same_seeds
from slmr.results.analysis.decoding import decoding_notices
from slmr.results.runs.method_results import MethodResult, find_result
from slmr.results.runs.paired_scores import PairedScores, difference, pair_scores
from slmr.results.runs.suites import listed_suites, suites_of
from slmr.stats import (
    Difference,
    Effects,
    Estimate,
    bounded_mean_over_tasks,
    holm,
    minimum_detectable_difference,
    seeds_and_items,
)

Verdict = Literal["regression", "held", "unclear"]
_LEAST_P = 1e-12


class Check(StrictModel):
    """What must not get worse, the tolerated loss, and the confidence at which a greater loss must be shown.

    Attributes:
        task: a pattern of names such as `lab_*`: a check for each task that fits.
        suite: likewise of suites (`lab`, `paper`): a check of the mean over the tasks of each.
        exposure: of the items, how far they are from what the lab's students have met: only those that fit, a check
            for each exposure. Alone, over all tasks; with `task` or `suite`, within those.
        max_loss: the largest loss of accuracy that is tolerated, a fraction: 0.02 is two points.
        max_forgotten: the largest share of completions that were right and are no more; None reports it only.
        confidence: None is the policy's.
    """

    task: str | None = None
    suite: str | None = None
    exposure: str | None = None
    max_loss: float = Field(default=0.0, ge=0, lt=1)
    max_forgotten: float | None = Field(default=None, ge=0, lt=1)
    confidence: float | None = Field(default=None, gt=0.5, lt=1)

    @model_validator(mode="after")
    def _selects(self) -> Self:
        if self.task and self.suite:
            raise ValueError("a check is of a task or of a suite, not of both: make it two checks")
        if not (self.task or self.suite or self.exposure):
            raise ValueError("a check names a task, a suite or an exposure")
        return self


class Policy(StrictModel):
    """The checks of a gate.

    Attributes:
        confidence: of the checks that say none.
        unclear: whether a check passes or fails whose interval reaches to both sides of what is tolerated.
    """

    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    unclear: Literal["pass", "fail"] = "pass"
    checks: list[Check] = Field(min_length=1)


# Without a file: no loss is tolerated, on any task or on a suite's mean.
DEFAULT = Policy(checks=[Check(task="*"), Check(suite="*")])


def read_policy(file: Path | None) -> Policy:
    """The policy that a YAML file holds, or the default one.

    Raises:
        RequestError: it cannot be read, or a key or value in it does not fit.
    """
    return DEFAULT if file is None else parse(Policy, read_settings(file, "policy of a gate"), file)


@dataclass(frozen=True, slots=True)
class Selection:
    """The subject of a check: the paired scores of its tasks."""

    name: str
    check: Check
    pairs: tuple[PairedScores, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result for one limit of a check.

    Attributes:
        limit: `loss` or `forgotten`.
        tolerated: the limit, a fraction.
        confidence: at which more than that would have had to be shown.
        change: the run's accuracy minus the base's, with its interval at that confidence.
        forgotten, learned: the shares of completions that the base has right and the run wrong, and the reverse.
        p: that so much more than the tolerated is chance; Holm's, over all outcomes of the gate.
        smallest_shown: the true loss beyond the tolerated one that is detectable with 80 % power; at most 1.
    """

    name: str
    limit: Literal["loss", "forgotten"]
    tolerated: float
    confidence: float
    items: int
    seeds: int
    change: Difference
    forgotten: Estimate
    learned: Estimate
    p: float
    verdict: Verdict = "unclear"
    smallest_shown: float = 1.0


@dataclass(frozen=True, slots=True)
class GateResult:
    """All outcomes, and whether a run may pass with them."""

    run: str
    base: str
    unclear: Literal["pass", "fail"]
    outcomes: list[Outcome]
    notices: list[str]

    def fails(self, outcome: Outcome) -> bool:
        return outcome.verdict == "regression" or (outcome.verdict == "unclear" and self.unclear == "fail")

    @property
    def failed(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if self.fails(outcome)]


def gate(run: str, base: str, policy: Policy = DEFAULT) -> GateResult:
    """Judges a run against another one, each named as `find_result` says.

    Raises:
        RequestError: a run cannot be read, the two cannot be paired on a task, or a check fits nothing.
    """
    run_result, base_result = find_result(run), find_result(base)
    if _is_same(run_result, base_result):
        raise RequestError(f"{run} and {base} are the same result, which would always pass: name another base")
    a, b, notices = same_seeds(run_result, base_result, (run, base))
    shared = [task for task in a.tasks if task in b.tasks]
    if not shared:
        raise RequestError(f"no task in common: {run} has {', '.join(a.tasks)}; {base} {', '.join(b.tasks)}")
    for name, result in ((run, a), (base, b)):
        notices += [f"only in {name}, so not judged: {task}" for task in result.tasks if task not in shared]
    notices += decoding_notices(a.of_tasks(shared), b.of_tasks(shared))
    selections = [s for check in policy.checks for s in _selections(check, policy, a, b, shared)]
    outcomes = [o for selection in selections for o in _outcomes(selection, policy.confidence)]
    corrected = holm([outcome.p for outcome in outcomes])
    outcomes = [_with_verdict(o, p, len(outcomes)) for o, p in zip(outcomes, corrected, strict=True)]
    if (a.trained or b.trained) and min(outcome.seeds for outcome in outcomes) == 1:
        notices.append(ONE_SEED)
    return GateResult(run, base, policy.unclear, outcomes, notices)


def _is_same(a: MethodResult, b: MethodResult) -> bool:
    """Whether the two are the same method and student of the same folder."""
    folders = [[row.run.resolve() for row in result.run_rows] for result in (a, b)]
    return folders[0] == folders[1] and (a.method, a.student) == (b.method, b.student)


# ------------------------------------------------------------------------------ what a check is about


def _selections(
    check: Check, policy: Policy, a: MethodResult, b: MethodResult, shared: Sequence[str]
) -> Iterator[Selection]:
    """The selections of a check; raises RequestError if it matches nothing, except for the default policy."""
    groups = _task_groups(check, a, shared)
    selections = [
        Selection(name, check, pairs)
        for label, tasks in groups.items()
        for name, pairs in _pairs_by_name(label, check, a, b, tasks).items()
    ]
    if not selections:
        what, pattern, names = _missing(check, a, shared, groups)
        raise RequestError(
            f"the policy has a check of {what} '{pattern}', which fits nothing that both runs have"
            f"{nearest(pattern, names)} (there are: {', '.join(names) or 'none'})"
        )
    # A suite of one task is that task, which has a check of its own by default.
    yield from (s for s in selections if not (policy is DEFAULT and check.suite and len(s.pairs) == 1))


def _task_groups(check: Check, a: MethodResult, shared: Sequence[str]) -> dict[str, list[str]]:
    """Name of a selection → its tasks."""
    if check.task:
        return {task: [task] for task in shared if fnmatchcase(task, check.task)}
    if not check.suite:
        return {"": list(shared)}
    return {name: tasks for name, tasks in _suites(a, shared).items() if fnmatchcase(name, check.suite)}


def _suites(result: MethodResult, shared: Sequence[str]) -> dict[str, list[str]]:
    """Name of each suite with some of these tasks → those tasks."""
    rows = [row for row in result.rows() if row.task in shared]
    return {s.name: s.among(shared) for s in suites_of(rows, listed_suites(result.run_rows[0].run))}


def _pairs_by_name(
    label: str, check: Check, a: MethodResult, b: MethodResult, tasks: Sequence[str]
) -> dict[str, tuple[PairedScores, ...]]:
    """Name → the paired scores of these tasks, divided by exposure if the check names one."""
    pairs = {task: pair_scores(task, a.scores[task], b.scores[task]) for task in tasks}
    if check.exposure is None:
        return {f"suite {label}" if check.suite else label: tuple(pairs.values())}
    by_exposure: dict[str, list[PairedScores]] = {}
    for task, pair in pairs.items():
        exposures = _exposures(a, task)
        for exposure in sorted(e for e in exposures if fnmatchcase(e, check.exposure)):
            by_exposure.setdefault(exposure, []).append(pair.of_items(exposures[exposure]))
    prefix = f"{label}: " if label else ""
    return {f"{prefix}{exposure}": tuple(pairs) for exposure, pairs in by_exposure.items()}


def _exposures(result: MethodResult, task: str) -> dict[str, list[int]]:
    """Exposure → the positions of its items; empty if the completions have no exposures."""
    return {label: places for label, places in result.scores[task].places.items() if label in EXPOSURES}


def _missing(
    check: Check, a: MethodResult, shared: Sequence[str], groups: dict[str, list[str]]
) -> tuple[str, str, list[str]]:
    """The part of a check that matches nothing: its kind, its pattern, and the names that exist."""
    if check.task and not groups:
        return "task", check.task, list(shared)
    if check.suite and not groups:
        return "suite", check.suite, sorted(_suites(a, shared))
    tasks = [task for names in groups.values() for task in names]
    return "exposure", str(check.exposure), sorted({e for t in tasks for e in _exposures(a, t)})


# ---------------------------------------------------------------------------------------- the tests


def _outcomes(selection: Selection, confidence: float) -> Iterator[Outcome]:
    """The outcome of the loss, and that of the forgotten share if it has a limit; p is not corrected yet."""
    check, pairs = selection.check, selection.pairs
    level = check.confidence or confidence
    change = difference(pairs, level)
    forgotten, learned = _flips(pairs, level, lost=True), _flips(pairs, level, lost=False)
    outcome = Outcome(
        selection.name,
        "loss",
        check.max_loss,
        level,
        sum(len(pair.items) for pair in pairs),
        min(pair.seeds for pair in pairs),
        change,
        forgotten,
        learned,
        _loss_p(pairs, change, check.max_loss),
    )
    yield outcome
    if (most := check.max_forgotten) is not None:
        p = _p(lambda level: _flips(pairs, level, lost=True).low - most) if forgotten.mean > most else 1.0
        yield replace(outcome, limit="forgotten", tolerated=most, p=p)


def _loss_p(pairs: Sequence[PairedScores], change: Difference, most: float) -> float:
    """The p-value of a loss above `most`: two-sided; if no loss is tolerated, that of `slmr compare`."""
    if -change.mean <= most:
        return 1.0
    return change.p if most == 0 else _p(lambda level: -difference(pairs, level).high - most)


def _p(excess: Callable[[float], float]) -> float:
    """1 minus the confidence level at which `excess`, which falls with the level, is 0: the bound is at the limit."""
    from scipy.optimize import bisect

    def at(logarithm: float) -> float:
        return excess(1 - float(np.exp(logarithm)))

    least, most = np.log(_LEAST_P), np.log(1 - 1e-9)
    if at(least) >= 0:
        return _LEAST_P
    return float(np.exp(float(bisect(at, least, most, xtol=1e-6)))) if at(most) > 0 else 1.0  # type: ignore[arg-type]


def _flips(pairs: Sequence[PairedScores], level: float, *, lost: bool) -> Estimate:
    """The expected share of pairs of new completions, of the same item and seed, that only one model has right.

    With one greedy completion an item that is the share of items; with sampled ones chance is in it, on both sides.
    """
    shares = []
    for pair in pairs:
        run, base = pair.a.mean(axis=2), pair.b.mean(axis=2)
        shares.append(base * (1 - run) if lost else run * (1 - base))
    if all(pair.change for pair in pairs):
        return seeds_and_items([Effects.of(share).parts for share in shares], level).within(0.0, 1.0)
    return bounded_mean_over_tasks([share.mean(axis=0) for share in shares], level)


def _with_verdict(outcome: Outcome, p: float, checks: int) -> Outcome:
    """The outcome with its corrected p, its verdict, and the smallest loss that this number of checks can show."""
    within = (
        outcome.change.low >= -outcome.tolerated
        if outcome.limit == "loss"
        else outcome.forgotten.high <= outcome.tolerated
    )
    verdict: Verdict = "regression" if p < 1 - outcome.confidence else "held" if within else "unclear"
    alpha = 1 - outcome.confidence
    stderr = outcome.change.half / NormalDist().inv_cdf(1 - alpha / 2)  # where no item differs, its own is 0
    least = minimum_detectable_difference(stderr, level=1 - alpha / checks)
    return replace(outcome, p=p, verdict=verdict, smallest_shown=min(least, 1.0))
