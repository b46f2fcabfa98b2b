"""Number formats shared by the terminal, Markdown, HTML and the leaderboard."""

from __future__ import annotations

from collections.abc import Sequence


def percent(fraction: float, low: float | None = None, high: float | None = None) -> str:
    """A fraction in percent, with its interval if given: `45.7`, `45.7 (44.6 to 46.8)`."""
    return _with_interval(f"{100 * fraction:.1f}", low, high, "")


def points(difference: float, low: float | None = None, high: float | None = None, mark: str = "") -> str:
    """A difference of fractions in percentage points, with sign, mark and interval: `+1.6* (+0.2 to +3.0)`."""
    return _with_interval(f"{100 * difference:+.1f}{mark}", low, high, "+")


def _with_interval(mean: str, low: float | None, high: float | None, sign: str) -> str:
    return mean if low is None or high is None else f"{mean} ({interval(low, high, sign)})"


def interval(low: float, high: float, sign: str = "") -> str:
    """The bounds of an interval of fractions, in percent: `44.6 to 46.8`; with signs if `sign` is `+`."""
    return f"{100 * low:{sign}.1f} to {100 * high:{sign}.1f}"


def listed(names: Sequence[str]) -> str:
    """`a, b and c`; there is at least one name."""
    return ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else names[0]


def p_value(p: float) -> str:
    """`0.031`, `<0.001`."""
    return "<0.001" if p < 0.0005 else f"{p:.3f}"


def tokens(count: float) -> str:
    """A number of tokens: `950`, `12 k`, `3.40 M`."""
    if count < 999.5:
        return f"{count:.0f}"
    return f"{count / 1e3:.0f} k" if count < 999_500 else f"{count / 1e6:.2f} M"


def duration(seconds: float) -> str:
    """`45 s`, `3 min`, `2.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
