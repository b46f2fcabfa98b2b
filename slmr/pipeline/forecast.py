"""Predicts the gain of a training from a preflight's figures, with rules fitted to lab trainings."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from slmr.config import Edition
from slmr.io import read_settings
from slmr.parsing import StrictModel, parse
from slmr.stats.formats import points

MEASURED = Path(__file__).with_name("forecast.yaml")
Figure = Literal["mixed", "unsolved"]
_FIGURES: dict[Figure, str] = {"mixed": "mixed groups", "unsolved": "unsolved problems"}


class Rule(StrictModel):
    """A line fitted to the (figure, gain) of `pairs` pairs of a lab student and a pool. All figures are fractions.

    Attributes:
        error, error_of_mean: leave-one-out root mean square error of the line, and of the mean gain.
        rank, rank_low, rank_high: the rank correlation with its 95 % interval over pairs.
        least, most: the range of the figure among the pairs.
    """

    method: str
    figure: Figure
    pairs: int
    slope: float
    start: float
    error: float
    error_of_mean: float
    rank: float
    rank_low: float
    rank_high: float
    least: float
    most: float

    @property
    def holds(self) -> bool:
        """Whether it predicts better than the mean; both conditions were fixed before the measurement."""
        return self.error < self.error_of_mean and (self.rank_low > 0 or self.rank_high < 0)

    def verdict(self, value: float, smallest: float, edition: Edition) -> str:
        """The verdict for a figure of this value, if `smallest` is the smallest gain that the test set can show."""
        name = f"{self.method}: {100 * value:.0f} % {_FIGURES[self.figure]}"
        if not self.least <= value <= self.most:
            measured = f"{100 * self.least:.0f} to {100 * self.most:.0f} %"
            return f"{name}: no verdict, only {measured} was measured"
        gain = self.start + self.slope * value
        line = f"{name}: on the lab {points(gain)} points, give or take {100 * self.error:.1f}"
        if edition != "lab":
            return f"{line}; elsewhere not measured, so no verdict"
        if gain <= 0:
            return f"{line}: do not expect a gain"
        if gain < smallest:
            return f"{line}: a signal, but less than this test set shows"
        return f"{line}: a signal that this test set shows"


class _Measured(StrictModel):
    rules: tuple[Rule, ...]


def read_rules(file: Path = MEASURED) -> tuple[Rule, ...]:
    """The measured rules, including those that do not hold.

    Raises:
        RequestError: the file does not contain rules.
    """
    return parse(_Measured, read_settings(file, "rules"), file).rules


def verdicts(
    figures: dict[Figure, float], smallest: float, edition: Edition, rules: tuple[Rule, ...]
) -> tuple[str, ...]:
    """One line per rule: its verdict, or why there is none."""
    if not rules:
        return ("No verdict: how these figures predict a gain is not measured yet",)
    return tuple(
        rule.verdict(figures[rule.figure], smallest, edition)
        if rule.holds
        else f"{rule.method}: no verdict, on {rule.pairs} lab pairs the figures predicted no better than the mean"
        for rule in rules
    )
