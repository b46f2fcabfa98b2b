"""The report of an audit: error rates with intervals by kind of answer and family, times, and the worst examples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from slmr.errors import visible
from slmr.rewards.audit import Again, Audit
from slmr.rewards.cases import AuditCase
from slmr.stats import bounded_mean

_SHOWN = 110  # characters of a completion
_TOTALS = {
    "right, requested form": lambda case: case.accept and case.family == "requested form",
    "right, written otherwise": lambda case: case.accept and case.family != "requested form",
    "wrong": lambda case: not case.accept,
}


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """The error rate of some cases: right answers that are not paid, or wrong ones that are.

    Attributes:
        abstained, raised, hung: counts among all of the cases; none of these is paid.
    """

    kind: str
    family: str
    error: str
    cases: int
    wrong: int
    rate: float
    low: float
    high: float
    abstained: int
    raised: int
    hung: int


def totals(audit: Audit) -> list[ErrorRate]:
    """Rates for each kind of answer: right ones in the requested form, other right ones, wrong ones."""
    return [
        rate
        for kind in audit.request.kinds
        for name, is_member in _TOTALS.items()
        if (
            rate := _rate(
                audit,
                kind,
                name,
                [i for i, case in enumerate(audit.cases) if case.kind == kind and is_member(case)],
            )
        )
    ]


def families(audit: Audit) -> list[ErrorRate]:
    """Rates for each family of cases, those with the most errors first."""
    groups: dict[tuple[str, str, bool], list[int]] = {}
    for i, case in enumerate(audit.cases):
        groups.setdefault((case.kind, case.family, case.accept), []).append(i)
    rates = [_rate(audit, kind, family, indices) for (kind, family, _), indices in groups.items()]
    return sorted((rate for rate in rates if rate), key=lambda rate: -rate.rate)


def _rate(audit: Audit, kind: str, family: str, indices: Sequence[int]) -> ErrorRate | None:
    if not indices:
        return None
    wrong = [audit.is_wrong(i) for i in indices]
    e = bounded_mean([float(w) for w in wrong])
    judgements = [audit.judgements[i] for i in indices]
    return ErrorRate(
        kind,
        family,
        "not paid" if audit.cases[indices[0]].accept else "paid",
        len(indices),
        sum(wrong),
        e.mean,
        e.low,
        e.high,
        sum(j.score is None and not j.raised and not j.hung for j in judgements),
        sum(bool(j.raised) for j in judgements),
        sum(j.hung for j in judgements),
    )


def times(audit: Audit) -> dict[str, float]:
    """Milliseconds per case in the main thread: median, 95th percentile, longest."""
    ms = sorted(j.ms for j in audit.judgements)
    return {"median": median(ms), "p95": ms[int(0.95 * (len(ms) - 1))], "longest": ms[-1]}


def notices(audit: Audit) -> Iterator[str]:
    """Warnings: what makes the rates misleading, or would stop a training."""
    if audit.not_taken:
        yield (
            f"in training it would raise: {audit.style} also passes {', '.join(audit.not_taken)} by name; add **kwargs"
        )
    scores = [j.score for j in audit.judgements if j.score is not None]
    if not scores:
        yield "it gave no answer a score: it abstained, raised or hung in every case"
    elif max(scores) < audit.request.accept_at:
        yield (
            f"no answer was paid: the greatest score is {max(scores):g}, and --accept-at is"
            f" {audit.request.accept_at:g}; see also --gold and --messages/--texts"
        )
    elif min(scores) >= audit.request.accept_at:
        yield (
            f"every answer that was scored was paid: the least score is {min(scores):g}, and --accept-at is"
            f" {audit.request.accept_at:g}"
        )
    if audit.left_out:
        yield f"{audit.left_out} cases were not judged: too many hang"


def worst(audit: Audit, most: int = 12) -> Iterator[str]:
    """Example lines: one per family, wrongly paid answers before wrongly unpaid ones; then the slowest case."""
    groups: dict[tuple[bool, str, str], int] = {}
    for i, case in enumerate(audit.cases):
        key = (case.accept, case.kind, case.family)
        if audit.is_wrong(i) and (key not in groups or _length(audit, i) < _length(audit, groups[key])):
            groups[key] = i
    keys = sorted(groups, key=lambda key: (key[0], key[2] != "requested form"))[:most]
    for key in keys:
        yield _example("not paid" if key[0] else "paid", audit.cases[groups[key]], audit, groups[key])
    slowest = max(range(len(audit.cases)), key=lambda i: audit.judgements[i].ms)
    yield _example(f"slowest, {audit.judgements[slowest].ms:.0f} ms", audit.cases[slowest], audit, slowest)


def _length(audit: Audit, i: int) -> int:
    return len(audit.cases[i].completion)


def _example(what: str, case: AuditCase, audit: Audit, i: int) -> str:
    text = case.completion if len(case.completion) <= _SHOWN else f"{case.completion[:50]} … {case.completion[-50:]}"
    judgement = audit.judgements[i]
    fault = f" ({judgement.raised[:80]})" if judgement.raised else " (hung)" if judgement.hung else ""
    return visible(f"{what}: {case.kind}, {case.family}: {text!r}, gold {case.gold!r}{fault}")


def again_line(again: Again) -> str:
    """`threads: 3 of 240 differ, 3 raise (id: what)`."""
    if not again.differing:
        return f"{again.how}: the same for all {again.cases}"
    parts = [f"{again.how}: {again.differing} of {again.cases} differ"]
    parts += [f"{again.raised} raise"] if again.raised else []
    parts += [f"{again.hung} hang"] if again.hung else []
    return visible(f"{', '.join(parts)} ({again.example})"[:300])


def rows(audit: Audit) -> Iterator[dict[str, Any]]:
    """Every case with its judgement, for a file."""
    for i, (case, judgement) in enumerate(zip(audit.cases, audit.judgements, strict=True)):
        yield {**asdict(case), "accepted": audit.accepted(i), **asdict(judgement)}
