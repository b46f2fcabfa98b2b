"""verl's call."""

from __future__ import annotations

import functools
import importlib
from typing import Any

import pytest

from slmr.errors import RequestError
from slmr.rewards import compute_score

ZERO = {"score": 0.0, "acc": 0.0, "lenient": 0.0, "no_answer": 0.0, "abstained": 0.0}


def test_the_kind_is_the_data_source_or_said_in_the_row() -> None:
    call = {"data_source": "lab_math", "solution_str": "So \\boxed{0.5}.", "ground_truth": "1/2"}
    assert compute_score(**call, extra_info={"num_turns": 1})["score"] == 1.0
    other = compute_score("openai/gsm8k", "#### 8", "7", {"kind": "numeric"}, reward_model_tokenizer=None)
    assert other == ZERO
    assert compute_score("numeric", "#### 8", "seven") == ZERO | {"abstained": 1.0}
    with pytest.raises(RequestError, match="openai/gsm8k"):
        compute_score("openai/gsm8k", "#### 8", "7")


def as_verl(reward_kwargs: dict[str, Any], **call: Any) -> dict[str, float]:
    """As verl 0.9.1 does: the function by its path, its options merged over the arguments, all by name."""
    function = getattr(importlib.import_module("slmr.rewards"), "compute_score")  # noqa: B009, by name as there
    bound = functools.partial(lambda extra, **kwargs: function(**{**kwargs, **extra}), reward_kwargs)
    return bound(**call)


@pytest.mark.parametrize(
    ("options", "row", "score"),
    [
        ({}, {}, 0.0),
        ({"form": "any"}, {}, 1.0),
        ({"lenient_weight": 0.25}, {}, 0.25),
        ({"lenient_weight": 0.25}, {"lenient_weight": None, "kind": None}, 0.25),
        ({"lenient_weight": 0.25}, {"lenient_weight": 0.5}, 0.5),
        ({"kind": "choice"}, {"kind": "gsm8k_platinum", "form": "any"}, 1.0),
    ],
)
def test_options_come_from_reward_kwargs_and_from_the_row(
    options: dict[str, Any], row: dict[str, Any], score: float
) -> None:
    call = {"data_source": "openai/gsm8k", "solution_str": "It is 7.", "ground_truth": "7"}
    paid = as_verl({"kind": "numeric"} | options, **call, extra_info=row | {"num_turns": 1})
    assert paid == ZERO | {"score": score, "lenient": 1.0}


def test_options_that_cannot_be_are_refused() -> None:
    with pytest.raises(RequestError, match="with form 'any'"):
        compute_score("numeric", "#### 7", "7", {"form": "any"}, lenient_weight=0.5)


def test_unreadable_golds_warn_though_each_comes_alone() -> None:
    with pytest.warns(
        UserWarning, match="2 of 2 gold answers cannot be read as numeric, for example 'eight'"
    ) as caught:
        for gold in ("seven", "eight", "nine"):
            compute_score("lab_svamp", "#### 7", gold, lenient_weight=0.125)  # no other test's grader
    assert len(caught) == 1
