"""A verdict says what it is, and cannot be changed."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import get_args

import pytest

from slmr.verify.verdict import Answer, Status, Verdict


@pytest.mark.parametrize("status", get_args(Status))
def test_an_abstention_is_no_verdict(status: Status) -> None:
    verdict = Verdict(status, False, False, None, "", 0.0)
    assert verdict.abstained == (status not in ("correct", "wrong", "no_answer"))


def test_both_are_values() -> None:
    assert Answer("4", True) == Answer("4", True, "")
    with pytest.raises(FrozenInstanceError):
        Answer("4", True).text = "5"  # type: ignore[misc]
