"""Verdicts in words: by a rule that was measured and held, else none."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.errors import RequestError
from slmr.pipeline.forecast import Rule, read_rules, verdicts

RULE = Rule(
    method="grpo",
    figure="mixed",
    pairs=24,
    slope=0.1,
    start=-0.01,
    error=0.02,
    error_of_mean=0.03,
    rank=0.7,
    rank_low=0.4,
    rank_high=0.9,
    least=0.05,
    most=0.8,
)


@pytest.mark.parametrize(
    ("mixed", "smallest", "said"),
    [
        (0.5, 0.03, "+4.0 points, give or take 2.0: a signal that this test set shows"),
        (0.5, 0.05, "less than this test set shows"),
        (0.06, 0.01, "do not expect a gain"),
        (0.9, 0.01, "no verdict, only 5 to 80 % was measured"),
    ],
)
def test_a_verdict_is_of_the_predicted_gain(mixed: float, smallest: float, said: str) -> None:
    (line,) = verdicts({"mixed": mixed, "unsolved": 0.2}, smallest, "lab", (RULE,))
    assert said in line and line.startswith(f"grpo: {100 * mixed:.0f} % mixed groups")


def test_no_verdict_outside_of_what_was_measured() -> None:
    (line,) = verdicts({"mixed": 0.5, "unsolved": 0.2}, 0.01, "paper", (RULE,))
    assert line.endswith("elsewhere not measured, so no verdict")


@pytest.mark.parametrize("change", [{"error": 0.03}, {"rank_low": -0.1}])
def test_a_rule_that_predicts_no_better_than_the_mean_says_nothing(change: dict[str, float]) -> None:
    (line,) = verdicts({"mixed": 0.5, "unsolved": 0.2}, 0.01, "lab", (RULE.model_copy(update=change),))
    assert line == "grpo: no verdict, on 24 lab pairs the figures predicted no better than the mean"


def test_before_it_is_measured_that_is_said() -> None:
    (line,) = verdicts({"mixed": 0.5, "unsolved": 0.2}, 0.01, "lab", ())
    assert line.startswith("No verdict") and line.endswith("not measured yet")


def test_the_shipped_rules_are_read_and_a_fault_is_named(tmp_path: Path) -> None:
    read_rules()
    (tmp_path / "rules.yaml").write_text("rules: [{method: grpo, figure: luck}]")
    with pytest.raises(RequestError, match=r"rules\.yaml: rules"):
        read_rules(tmp_path / "rules.yaml")
