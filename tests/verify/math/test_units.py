"""What a unit is, and what only stands where one would."""

from __future__ import annotations

from fractions import Fraction

import pytest

from slmr.verify.math.units import (
    in_several_units,
    is_unit,
    several_units_at_end,
    size_of,
    without_plain_unit,
    without_units,
)


@pytest.mark.parametrize(
    "phrase",
    [
        "cm",
        "square feet",
        "miles per hour",
        "red marbles",
        "people",
        "dollars",
        "different ways",
        "marbles left",
        "ppm",
        "cookies per box",
        "dollars per ticket",
        "per person",
    ],
)
def test_known_names_and_plurals_are_units(phrase: str) -> None:
    assert is_unit(phrase.split())


@pytest.mark.parametrize(
    "phrase",
    [
        "or",
        "not sure",
        "minus one",
        "squared",
        "noon",
        "tenths",
        "times two",
        "half",
        "million",
        "e",
        "deaths per thousand",
    ],
)
def test_words_that_change_a_value_are_none(phrase: str) -> None:
    assert not is_unit(phrase.split())


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        (r"12\text{ cm}", "12"),
        (r"12\,\mathrm{kg\cdot m^2}", "12"),
        (r"12\text{ million}", "12*(1000000)"),
        (r"12\text{ percent}", r"12\%"),
        (r"3\text{ tenths}", "3*(1/10)"),
        (r"12\text{ or 13}", "12 or 13 "),
        (r"5\mathrm{i}", "5 i "),
        (r"x+1", "x+1"),
    ],
)
def test_units_in_text_are_taken_off(text: str, bare: str) -> None:
    assert without_units(text) == bare


def test_gold_is_trusted_with_units_that_nobody_knows() -> None:
    assert without_units(r"5\text{ flurb}", is_gold=True) == "5" != without_units(r"5\text{ flurb}")
    assert without_units(r"5\text{ or }6", is_gold=True).split() == ["5", "or", "6"]


@pytest.mark.parametrize(
    ("text", "bare"),
    [("12 cm", "12"), ("€12", "12"), ("12 million", "12*(1000000)"), ("12°C", "12°"), ("12k", "12k")],
)
def test_plain_units_and_currency(text: str, bare: str) -> None:
    assert without_plain_unit(text) == bare


def test_sizes() -> None:
    assert size_of(r"2\text{ km}") == ("length", Fraction(1000)) and size_of("2") is None


def test_a_measure_in_several_units():
    hour, minute = ("time", Fraction(3600)), ("time", Fraction(60))
    for text in (
        "2 hours and 15 minutes",
        r"2\text{ h, }15\text{ min}",
        r"2\text{ hours and }15\text{ minutes}",
    ):
        assert in_several_units(text) == [(Fraction(2), *hour), (Fraction(15), *minute)]
    assert in_several_units("15 minutes") == [(Fraction(15), *minute)]
    for text in (
        "2 hours or 15 minutes",
        "15 minutes 2 hours",
        "2 hours 15 feet",
        "2 hours 15",
        "2 apples 3 pears",
    ):
        assert in_several_units(text) is None
    assert several_units_at_end("It takes 2 h 15 min.") == ("2 h 15 min", 9)
    assert several_units_at_end("It takes 15 min.") is None


def test_units_between_digits_part_them():
    assert without_units(r"3\text{ hours }20\text{ minutes}").split() == ["3", "20"]
