"""The labelled cases: balanced, of the project's own, the same for the same seed."""

from __future__ import annotations

from collections import Counter
from typing import get_args

from slmr.rewards.cases import audit_cases
from slmr.verify import Kind, verify

KINDS = get_args(Kind)


def test_no_family_outweighs_the_others_and_each_is_of_one_label() -> None:
    cases = audit_cases(KINDS, per_family=10)
    counts = Counter((case.kind, case.family) for case in cases)
    assert max(counts.values()) == 10 and len(counts) > 60
    assert {(c.kind, c.family, c.accept) for c in cases} == {
        (c.kind, c.family, next(d.accept for d in cases if (d.kind, d.family) == (c.kind, c.family))) for c in cases
    }
    for kind in KINDS:
        labels = Counter(case.accept for case in cases if case.kind == kind)
        assert min(labels.values()) > 30
    assert len({case.id for case in cases}) == len(cases)


def test_a_seed_draws_the_same_again() -> None:
    assert audit_cases(KINDS, 3, 5) == audit_cases(KINDS, 3, 5) != audit_cases(KINDS, 4, 5)
    assert {case.kind for case in audit_cases(("choice",))} == {"choice"}


def test_the_labels_are_those_of_the_checkers() -> None:
    """A label that ours would contradict is a fault of one of the two."""
    for case in audit_cases(KINDS, seed=5, per_family=12):
        assert verify(case.completion, case.gold, case.kind).lenient == case.accept, case
