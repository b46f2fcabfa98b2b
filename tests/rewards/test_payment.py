"""What a verdict pays, by form and weight."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.errors import RequestError
from slmr.rewards import Payment, reward_of
from slmr.rewards.payment import measures
from slmr.verify import Verdict, verify

VERDICTS = {
    "strict": verify("#### 7", "7", "numeric"),
    "lenient": verify("The answer is 7", "7", "numeric"),
    "wrong": verify("#### 8", "7", "numeric"),
    "no_answer": verify("", "7", "numeric"),
    "abstained": verify("#### 7", "seven", "numeric"),
}


@pytest.mark.parametrize(
    ("payment", "paid"),
    [
        (Payment(), (1.0, 0.0, 0.0, 0.0, None)),
        (Payment("strict", 0.25), (1.0, 0.25, 0.0, 0.0, None)),
        (Payment("strict", 1), (1.0, 1.0, 0.0, 0.0, None)),
        (Payment("any"), (1.0, 1.0, 0.0, 0.0, None)),
    ],
)
def test_form_and_weight(payment: Payment, paid: tuple[float | None, ...]) -> None:
    assert tuple(payment.reward(verdict) for verdict in VERDICTS.values()) == paid
    assert all(value is None or type(value) is float for value in map(payment.reward, VERDICTS.values()))


@given(st.floats(0, 1))
def test_a_weight_changes_the_lenient_alone(weight: float) -> None:
    for name, verdict in VERDICTS.items():
        expected = weight if name == "lenient" else reward_of(verdict)
        assert reward_of(verdict, Payment("strict", weight)) == expected


@pytest.mark.parametrize(
    ("form", "weight", "message"),
    [
        ("any", 0.5, "with form 'any'"),
        ("lenient", 0.0, "unknown form 'lenient'"),
        ("strct", 0.0, "did you mean 'strict'"),
        ("strict", 1.5, "a number from 0 to 1"),
        ("strict", -0.1, "a number from 0 to 1"),
        ("strict", float("nan"), "a number from 0 to 1"),
        ("strict", "0.5", "a number from 0 to 1"),
        ("strict", True, "a number from 0 to 1"),
    ],
)
def test_what_cannot_be_paid_is_refused(form: Any, weight: Any, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        Payment(form, weight)


@pytest.mark.parametrize("name", list(VERDICTS))
def test_each_verdict_is_counted_where_it_belongs(name: str) -> None:
    verdict: Verdict = VERDICTS[name]
    counted = {key for key, value in measures(verdict).items() if value}
    assert counted == {"wrong": set(), "strict": {"strict", "lenient"}}.get(name, {name})
