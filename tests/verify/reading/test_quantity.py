"""A number in a text: digits with signs, thousands, fractions, powers of ten and scale words; numbers in words."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.verify import verify
from slmr.verify.reading.quantity import parse_chinese, parse_digits, parse_words, quantities, quantity_at, scale_of


@given(st.integers(0, 10**9))
def test_a_whole_number_is_itself_with_thousands_or_without(n: int) -> None:
    for text in (str(n), f"{n:,}"):
        read = quantity_at(text)
        assert read is not None and (read.value, read.end) == (n, len(text))
    assert parse_digits(str(n)) == n


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5 million", 5_000_000),
        ("$3K", 3000),
        ("1 1/2", Fraction(3, 2)),
        ("two", None),
        ("7 dozen", 84),
        ("-13", -13),
        ("2.50", Fraction(5, 2)),
        ("x", None),
    ],
)
def test_values_worked_out_by_hand(text: str, value: Fraction | int | None) -> None:
    read = quantity_at(text)
    assert (None if read is None else read.value) == value


def test_a_scale_word_scales_and_no_other_word_does() -> None:
    assert [scale_of(word) for word in ("million", "dozen", "K", "apples")] == [10**6, 12, 1000, None]


def test_numbers_in_words() -> None:
    assert parse_words("twenty-one") == 21 and parse_words("a hundred and five") == 105
    assert parse_words("two and a half") == Fraction(5, 2) and parse_words("many") is None
    assert [parse_chinese(text) for text in ("三", "二十一", "三百零五")] == [3, 21, 305]


def test_numbers_in_a_text_stand_for_themselves() -> None:
    text = "In step 3 she has 4 kg and 10-12 boxes at 7:30 h, or 2^5 for $1,300.50."
    assert [token.value for token in quantities(text)] == [4, 32, Fraction(2601, 2)]


@pytest.mark.parametrize(
    ("text", "values"),
    [("2x + 9 of them", []), ("n+7", []), ("k - 3", []), ("a -9 charge", [-9]), ("He pays 640/- now", [640])],
)
def test_a_number_added_to_a_variable_is_a_part(text: str, values: list[int]) -> None:
    assert [token.value for token in quantities(text)] == values


WHOLE = st.integers(1_000, 10**12)


@given(WHOLE, st.sampled_from([",", "'", "_", " ", "{,}", "\\,", ",\\!"]), st.sampled_from(["", ".5", ".25"]))
def test_thousands_are_marked_by_one_sign(number: int, mark: str, decimals: str) -> None:
    read = quantity_at(f"{number:,}".replace(",", mark) + decimals)
    assert read is not None and read.value == number + Fraction(f"0{decimals or '.0'}")


@given(WHOLE, st.sampled_from(["5", "25", "00"]))
def test_stops_mark_thousands_where_a_comma_marks_the_decimals(number: int, decimals: str) -> None:
    read = quantity_at(f"{number:,}".replace(",", ".") + f",{decimals}")
    assert read is not None and read.value == number + Fraction(f"0.{decimals}")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1.234", [Fraction("1.234")]),
        ("1.234.567", [1234567]),
        ("1.2.345", []),
        ("12_3", []),
        ("x_1234", []),
        ("1.234,500", []),
        (r"60^\circ", [60]),
        (r"60^{\circ}.", [60]),
        ("60^2", [3600]),
        (r"60^\circle", []),
    ],
)
def test_what_marks_no_thousands_and_raises_nothing(text: str, values: list[int]) -> None:
    assert [token.value for token in quantities(text)] == values


@pytest.mark.parametrize("form", ["#### {}", "The answer is {}.", "\\boxed{{{}}}", "So he has {}."])
def test_what_is_done_to_a_number_makes_it_another_one(form: str) -> None:
    for whole in (
        "half",
        "two thirds",
        "the square root",
        "the square",
        "the negative",
        "the reciprocal",
        "a multiple",
    ):
        assert not verify(form.format(f"{whole} of 12"), "12", "numeric").lenient
    for other in ("divisible by 12", "twice 12"):
        assert not verify(form.format(other), "12", "numeric").lenient
    assert verify(form.format("12 apples of his"), "12", "numeric").lenient
