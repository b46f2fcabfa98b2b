"""Mutated input gets a verdict, never an exception, and strict implies lenient."""

from __future__ import annotations

from tests.verify.fuzz import fuzz


def test_mutated_cases_get_verdicts():
    for _, text, gold, verdict in fuzz(1_500, seed=7):
        assert verdict.lenient or not verdict.strict, (text, gold)
        assert verdict.lenient == (verdict.status == "correct"), (text, gold)
