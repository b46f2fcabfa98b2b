"""Frames that make the value behind them no answer."""

from __future__ import annotations

import pytest

from slmr.verify import verify
from slmr.verify.reading.framing import is_conceded, is_framed


@pytest.mark.parametrize(
    "before",
    [
        "If n were even, the answer would be ",
        "Had we counted twice, the result would have been $",
        "Si n fuera par, la respuesta sería ",
        "The following is false: the answer is ",
        "False: the answer is ",
        "It is at most ",
        "So the area is strictly greater than $",
        "It lies between 10 and ",
        "A lower bound is ",
        "Wrong answer: ",
        "An incorrect attempt gives $",
        "Suppose the answer were ",
    ],
)
def test_what_is_no_answer(before: str) -> None:
    assert is_framed(before)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("If n is even, the answer is ", ""),
        ("If the side were doubled, the area would be ", ""),  # the problem may ask for it
        ("The total would be ", " if nothing were eaten."),
        ("If n were even, it would fail. So the answer is ", ""),
        ("That was wrong: the answer is ", ""),
        ("At least ", " socks are needed."),
        ("There can be at most ", " rooks."),
        ("No more and no less than ", ""),
        ("It is more than 7, so ", ""),
        ("The least upper bound is ", ""),
        ("Wrong: 14. Right: ", ""),
    ],
)
def test_what_may_be_one(before: str, after: str) -> None:
    assert not is_framed(before, after)


def test_what_would_be_if_it_were_not_otherwise() -> None:
    assert is_framed("The total would be ", " if nothing was eaten, but 3 were, so it is 12.")


@pytest.mark.parametrize("kind", ["math", "numeric"])
def test_a_frame_is_not_paid(kind) -> None:
    for text in (
        "If n were even, the answer would be",
        "The following is false: the answer is",
        "It is at most",
    ):
        assert not verify(f"{text} \\boxed{{8}}.", "8", kind).lenient
        assert not verify(f"{text} 8.", "8", kind).lenient
    assert not verify("If A were true, the answer would be C.", "C", "choice").lenient
    assert not verify("The following is false: the answer is C.", "C", "choice").lenient
    assert verify("If n were even, the answer would be 9. But it is odd, so it is \\boxed{8}.", "8", kind).lenient


@pytest.mark.parametrize(
    "before", ["At first glance the answer is ", "One might think the answer is ", "It seems that it is "]
)
def test_what_only_seems_so_is_conceded(before: str) -> None:
    assert is_conceded(before, "6, but it is actually 5")
    assert not is_conceded(before, "6") and not is_conceded(before, "6, but that is not all")
    assert not is_conceded("So the answer is ", "6, but it is 5 more than before")


@pytest.mark.parametrize("verb", ["We round 7.5 up to", "It adds up to", "This brings the total up to"])
def test_where_a_sum_arrives_is_no_bound(verb: str) -> None:
    assert not is_framed(f"{verb} ")
    assert verify(f"{verb} 8.", "8", "numeric").lenient
    assert verify(f"{verb} $\\boxed{{8}}$.", "8", "math").strict
    assert is_framed("The sum is up to ")
