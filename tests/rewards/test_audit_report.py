"""Rates with intervals, examples and lines, of an audit that is made up."""

from __future__ import annotations

import pytest

from slmr.rewards.audit import Again, Audit, AuditRequest, Judgement
from slmr.rewards.audit_report import again_line, families, rows, times, totals, worst
from slmr.rewards.cases import AuditCase
from slmr.stats import bounded_mean


@pytest.fixture
def result() -> Audit:
    """4 right answers in the form, one not paid; 2 otherwise, one hung; 10 wrong ones, 3 of them paid."""
    cases = [AuditCase(f"a{i}", "numeric", "requested form", f"#### {i}", str(i), True) for i in range(4)]
    cases += [AuditCase(f"b{i}", "numeric", "in English", f"It is {i}.", str(i), True) for i in range(2)]
    cases += [AuditCase(f"c{i}", "numeric", "attack: filler", "x" * 300 + "\x1b", str(i), False) for i in range(10)]
    scores: list[float | None] = [1.0, 1.0, 1.0, None, 1.0, None, *[1.0] * 3, *[0.0] * 7]
    judged = [Judgement(score, ms=float(i)) for i, score in enumerate(scores)]
    judged[5] = Judgement(ms=1000.0, hung=True)
    return Audit(AuditRequest("f.py:f", ("numeric",)), "pair", cases, judged, [], 0)


def test_totals_by_hand(result: Audit) -> None:
    counted = [(rate.family, rate.error, rate.wrong, rate.cases, rate.abstained, rate.hung) for rate in totals(result)]
    assert counted == [
        ("right, requested form", "not paid", 1, 4, 1, 0),
        ("right, written otherwise", "not paid", 1, 2, 0, 1),
        ("wrong", "paid", 3, 10, 0, 0),
    ]
    e = bounded_mean([1.0] * 3 + [0.0] * 7)
    assert (totals(result)[2].low, totals(result)[2].high) == (e.low, e.high)


def test_families_begin_with_the_worst(result: Audit) -> None:
    assert [rate.family for rate in families(result)] == ["in English", "attack: filler", "requested form"]


def test_examples_are_short_and_harmless(result: Audit) -> None:
    lines = list(worst(result))
    assert lines[0].startswith("paid: numeric, attack: filler") and lines[-1].startswith("slowest, 1000 ms")
    assert all(len(line) < 300 and "\x1b" not in line for line in lines)
    assert "(hung)" in lines[2] and times(result)["longest"] == 1000.0


def test_lines_of_the_other_ways() -> None:
    assert again_line(Again("threads", 9, 0, 0, 0, None)) == "threads: the same for all 9"
    assert again_line(Again("threads", 9, 3, 2, 1, "a: b")) == "threads: 3 of 9 differ, 2 raise, 1 hang (a: b)"


def test_rows_have_every_case(result: Audit) -> None:
    written = list(rows(result))
    assert len(written) == 16 and [row["accepted"] for row in written[:5]] == [True, True, True, False, True]
