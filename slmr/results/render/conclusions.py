"""States the results of rankings, comparisons and factorials in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from slmr.config import STAGEWISE
from slmr.results.analysis.compare import (
    ONE_SEED,
    RANKS_OF_ONE_SEED,
    SIGNIFICANCE,
    Comparison,
    detectable,
)
from slmr.results.analysis.effects import Effect, Factorial
from slmr.results.analysis.ranking import RankedMethod, Ranking
from slmr.results.render.headline import (
    best_for_its_cost,
    leaders,
    nothing_gained,
    nothing_ranked,
    without_gain,
)
from slmr.stats import Difference, formats


def ranking_in_words(ranking: Ranking, title: str | None = None) -> str:
    """The first paragraph of a report: which method leads, how certain that is, its cost, and what did not help.

    It begins with the title, else with the student.
    """
    title = title or ranking.student
    if not ranking.ranked:
        return f"{title}. {nothing_ranked(ranking)}"
    ranked = ranking.ranked
    told = f"{title}, {_seeds(len(ranked[0].seeds))}"
    if nothing_gained(ranked):
        told = f"{told}: no method gains significantly over the untrained student. {_leader(ranked)}"
    else:
        told = f"{told}: {_leader(ranked)}"
    return " ".join([told, *_lead(ranking), *_no_gain(ranked), *_stagewise(ranking, ranked[0])])


def _leader(ranked: Sequence[RankedMethod]) -> str:
    """The methods with the highest mean, and their tokens."""
    first = leaders(ranked)
    names, tokens = (
        formats.listed([m.name for m in first]),
        formats.listed([formats.tokens(m.tokens) for m in first]),
    )
    e, gain = first[0].accuracy, first[0].gain
    assert e is not None  # what has a rank has a mean
    if len(first) > 1:
        return f"{names} have the same mean accuracy, {formats.percent(e.mean)} %, for {tokens} tokens."
    gained = f", {in_points(gain)} points over the untrained student" if gain else ""
    which = "the highest mean accuracy in percent" if len(ranked) > 1 else "a mean accuracy in percent of"
    comma = "," if len(ranked) > 1 else ""
    return (
        f"{names} has {which}{comma} {formats.percent(e.mean, e.low, e.high)}{gained}, for {tokens} tokens."
    )


def how_ranked(ranking: Ranking) -> list[str]:
    """What a reader of ranks must know: what the intervals cover, and the margin that two methods must exceed."""
    trained = [m for m in ranking.methods if m.result.trained]
    of_one = [m.name for m in trained if len(m.seeds) == 1]
    lines = []
    if of_one and len(of_one) == len(trained):
        lines.append(RANKS_OF_ONE_SEED)
    elif of_one:
        those = "has one training run: its interval covers" if len(of_one) == 1 else (
            "have one training run each: their intervals cover")  # fmt: skip
        lines.append(f"{formats.listed(of_one)} {those} other questions, not another training run.")
    if ranking.order.margin is not None:
        lines.append(
            f"The means of {len(ranking.order.ranks)} are compared at once (95 %): two that differ by no more than"
            f" {formats.percent(ranking.order.margin)} points are not told apart."
        )
    return lines


def _lead(ranking: Ranking) -> list[str]:
    """Which other methods may be the best, and which of them is the cheapest."""
    ranked, parts = ranking.ranked, []
    leading = [m.name for m in leaders(ranked)]
    others = ranked[len(leading) :]
    if tied := [m.name for m in others if m.may_be_best]:
        parts.append(_tied(ranking, leading, tied))
    elif others:
        lead = ranking.differences[leading[0]][others[0].name]
        they = "It is" if len(leading) == 1 else "They are"
        parts.append(f"{they} ahead of the next, {others[0].name}, by {in_points(lead)} points.")
    cheapest = best_for_its_cost(ranking)
    if cheapest.name not in leading:
        behind = "significantly behind in a comparison of the two alone"
        parts.append(
            f"The cheapest that is not {behind} is {cheapest.name}, at {formats.tokens(cheapest.tokens)}."
        )
    return parts


def _tied(ranking: Ranking, leading: Sequence[str], tied: Sequence[str]) -> str:
    """The methods that may be the best, too; names those that differ from the leaders in a test of that pair alone."""
    text = f"{'It' if len(leading) == 1 else 'They'} cannot be told apart from {formats.listed(tied)}"
    ahead = [
        name for name in tied if all(ranking.differences[best][name].p < SIGNIFICANCE for best in leading)
    ]
    if not ahead:
        return f"{text}."
    those = "each of them" if ahead == tied else formats.listed(ahead)
    at_once = f"with all {len(ranking.order.ranks)} compared at once"
    return f"{text} {at_once}; alone, the difference to {those} is significant."


def _no_gain(ranked: Sequence[RankedMethod]) -> list[str]:
    """The methods without a significant gain, and those that are significantly worse than base."""
    no_gain = [m.name for m in without_gain(ranked) if not m.significantly_worse]
    worse = [m.name for m in ranked if m.significantly_worse]
    said = no_gain and not nothing_gained(ranked)  # else it was said first, of all of them
    parts = [f"No significant gain over the untrained student: {formats.listed(no_gain)}."] if said else []
    return [*parts, f"Worse than the untrained student: {formats.listed(worse)}."] if worse else parts


def _stagewise(ranking: Ranking, best: RankedMethod) -> list[str]:
    """The rank of the paper's method, and what the results say about the paper's claim."""
    of_name = {m.name: m for m in ranking.methods if m.rank is not None}
    if STAGEWISE not in of_name:
        return []
    method, parts = of_name[STAGEWISE], []
    differences = ranking.differences[STAGEWISE]
    if method.name not in [m.name for m in leaders(ranking.ranked)]:
        gap = differences[best.name]
        may = method.may_be_best and not nothing_gained(ranking.ranked)
        where = "may be the best, too" if may else f"has rank {method.rank}"
        only = (
            ", significant only where the two are looked at alone"
            if method.may_be_best and gap.p < SIGNIFICANCE
            else ""
        )
        parts.append(f"{STAGEWISE} {where}, {in_points(gap)} points from {best.name}{only}.")
    if "sft_grpo" in of_name:
        gap = differences["sft_grpo"]
        shown = "cannot be told apart from"
        if gap.p < SIGNIFICANCE:
            apart = ranking.order.apart(method.mean, of_name["sft_grpo"].mean)
            shown = (
                "is told apart from" if apart else "differs, but only where the two are looked at alone, from"
            )
        parts.append(
            "The paper's claim, that stage-specific data beats the same data in both stages:"
            f" {STAGEWISE} {shown} sft_grpo ({in_points(gap)} points, p = {gap.p:.3f} of the two alone)."
        )
    return parts


def effects_in_words(found: Factorial) -> str:
    """What each of the paper's claims adds to the primary outcome, and which effects are significant."""
    primary = found.outcomes[0]
    shown = [effect for effect in primary.effects if effect.p < SIGNIFICANCE]
    said = ", ".join(f"{effect.name} {in_points(effect.difference)} points" for effect in primary.mains)
    parts = [
        f"The factorial, {formats.listed(found.students)}, {_seeds(found.seeds, ' each')}: on {primary.outcome}, the"
        f" primary outcome, the main effects are {said}.",
        f"Of the {len(primary.effects)} effects, corrected for their number, {formats.listed([e.name for e in shown])}"
        f" {'is' if len(shown) == 1 else 'are'} significant." if shown else
        f"Of the {len(primary.effects)} effects, corrected for their number, none is significant.",
    ]  # fmt: skip
    together = [_together(effect) for effect in shown if len(effect.factors) == 2]
    return " ".join([*parts, *together, *(f"{note}." for note in found.notes)])


def _seeds(count: int, each: str = "") -> str:
    alone = f"one seed{each}, so the intervals know nothing of another training run"
    return alone if count == 1 else f"{count} seeds{each}"


def _together(effect: Effect) -> str:
    a, b = effect.factors
    more = "more" if effect.difference.mean > 0 else "less"
    size = formats.percent(abs(effect.difference.mean))
    return f"With {b}, {a} adds {size} points {more} than without."


def comparison_in_words(comparison: Comparison) -> str:
    """The result of comparing A with B, under their labels, and what the interval covers."""
    a, b = comparison.labels
    if comparison.mean is None and len(comparison.tasks) > 1:
        return f"Of {a} against {b} there is something to be said task by task alone."
    overall = comparison.overall
    of_one = f" {ONE_SEED}" if comparison.trained else ""
    reach = f" Over {comparison.seeds} seeds." if comparison.seeds > 1 else of_one
    if overall.p < SIGNIFICANCE:
        better = a if overall.mean > 0 else b
        return f"{better} is better by {formats.percent(abs(overall.mean))} points (p {compared(overall.p)}).{reach}"
    return (
        f"{a} and {b} cannot be told apart (difference {formats.points(overall.mean)}, p {compared(overall.p)})."
        f" With this many questions a true difference of {formats.percent(detectable(overall))} points would be found"
        f" in 80 % of evaluations; smaller ones are often missed.{reach}"
    )


def compared(p: float) -> str:
    """A p-value with its sign: `= 0.031`, `< 0.001`."""
    shown = formats.p_value(p)
    return shown.replace("<", "< ") if shown.startswith("<") else f"= {shown}"


def in_points(d: Difference) -> str:
    """A difference with its interval: `+1.6 (+0.2 to +3.0)`."""
    return formats.points(d.mean, d.low, d.high)
