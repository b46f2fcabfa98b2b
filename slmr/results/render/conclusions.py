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
    none = "no method gains significantly over the untrained student. " if nothing_gained(ranked) else ""
    opening = f"{title}, {_seeds(len(ranked[0].seeds))}: {none}{_leader(ranked)}"
    return " ".join([opening, *_lead(ranking), *_no_gain(ranked), *_stagewise(ranking, ranked[0])])


def _leader(ranked: Sequence[RankedMethod]) -> str:
    """The methods with the highest mean, and their tokens."""
    best = leaders(ranked)
    names = formats.listed([m.name for m in best])
    tokens = formats.listed([formats.tokens(m.tokens) for m in best])
    e, gain = best[0].accuracy, best[0].gain
    assert e is not None  # what has a rank has a mean
    if len(best) > 1:
        return f"{names} have the same mean accuracy, {formats.percent(e.mean)} %, for {tokens} tokens."
    over_base = f", {in_points(gain)} points over the untrained student" if gain else ""
    mean = "the highest mean accuracy in percent," if len(ranked) > 1 else "a mean accuracy in percent of"
    interval = formats.percent(e.mean, e.low, e.high)
    return f"{names} has {mean} {interval}{over_base}, for {tokens} tokens."


def how_ranked(ranking: Ranking) -> list[str]:
    """What a reader of ranks must know: what the intervals cover, and the margin that two methods must exceed."""
    trained = [m for m in ranking.methods if m.result.trained]
    one_seed = [m.name for m in trained if len(m.seeds) == 1]
    lines = []
    if one_seed and len(one_seed) == len(trained):
        lines.append(RANKS_OF_ONE_SEED)
    elif one_seed:
        cover = (
            "has one training run: its interval covers"
            if len(one_seed) == 1
            else "have one training run each: their intervals cover"
        )
        lines.append(f"{formats.listed(one_seed)} {cover} other questions, not another training run.")
    if ranking.order.margin is not None:
        lines.append(
            f"The means of {len(ranking.order.ranks)} are compared at once (95 %): two that differ by no more than"
            f" {formats.percent(ranking.order.margin)} points cannot be told apart."
        )
    return lines + [_too_noisy(ranking, m) for m in ranking.complete if m.name in ranking.order.noisy]


def _too_noisy(ranking: Ranking, method: RankedMethod) -> str:
    """Why a method has no rank although it has all results."""
    others = max((m.spread or 0.0 for m in ranking.ranked), default=0.0)
    return (
        f"{method.name} has no rank: from seed to seed its mean has a standard deviation of"
        f" {formats.percent(method.spread or 0.0)}"
        f" points, the others' {formats.percent(others)} at most. Compare it pair by pair (`slmr compare`), or train"
        " more seeds."
    )


def _lead(ranking: Ranking) -> list[str]:
    """Which other methods may be the best, and which of them is the cheapest."""
    ranked, parts = ranking.ranked, []
    best = [m.name for m in leaders(ranked)]
    others = ranked[len(best) :]
    if rivals := [m.name for m in others if m.may_be_best]:
        parts.append(_rivals(ranking, best, rivals))
    elif others:
        lead = ranking.differences[best[0]][others[0].name]
        subject = "It is" if len(best) == 1 else "They are"
        parts.append(f"{subject} ahead of the next, {others[0].name}, by {in_points(lead)} points.")
    cheapest = best_for_its_cost(ranking)
    if cheapest.name not in best:
        parts.append(
            f"The cheapest method that is not significantly behind, even without correction, is {cheapest.name}, at"
            f" {formats.tokens(cheapest.tokens)} tokens."
        )
    return parts


def _rivals(ranking: Ranking, best: Sequence[str], rivals: Sequence[str]) -> str:
    """The methods that may be the best, too; names those that differ from the leaders in a test of that pair alone."""
    text = f"{'It' if len(best) == 1 else 'They'} cannot be told apart from {formats.listed(rivals)}"
    differences = {rival: [ranking.differences[name][rival] for name in best] for rival in rivals}
    behind = [rival for rival, ds in differences.items() if all(d.p < SIGNIFICANCE for d in ds)]
    if not behind:
        return f"{text}."
    names = "each of them" if behind == rivals else formats.listed(behind)
    all_at_once = f"with all {len(ranking.order.ranks)} compared at once"
    return f"{text} {all_at_once}; without correction, the difference from {names} is significant."


def _no_gain(ranked: Sequence[RankedMethod]) -> list[str]:
    """The methods without a significant gain, and those that are significantly worse than base."""
    no_gain = [m.name for m in without_gain(ranked) if not m.significantly_worse]
    worse = [m.name for m in ranked if m.significantly_worse]
    parts = []
    if no_gain and not nothing_gained(ranked):  # else the first sentence says it of all
        parts.append(
            f"No significant gain over the untrained student after Holm's correction: {formats.listed(no_gain)}."
        )
    if worse:
        parts.append(f"Worse than the untrained student: {formats.listed(worse)}.")
    return parts


def _stagewise(ranking: Ranking, best: RankedMethod) -> list[str]:
    """The rank of the paper's method, and what the results say about the paper's claim."""
    methods = {m.name: m for m in ranking.methods if m.rank is not None}
    if STAGEWISE not in methods:
        return []
    method, parts = methods[STAGEWISE], []
    differences = ranking.differences[STAGEWISE]
    if method.name not in [m.name for m in leaders(ranking.ranked)]:
        gap = differences[best.name]
        is_rival = method.may_be_best and not nothing_gained(ranking.ranked)
        rank = "may be the best, too" if is_rival else f"has rank {method.rank}"
        is_close = method.may_be_best and gap.p < SIGNIFICANCE
        remark = ", significant only without correction" if is_close else ""
        parts.append(f"{STAGEWISE} {rank}, {in_points(gap)} points from {best.name}{remark}.")
    if "sft_grpo" in methods:
        gap = differences["sft_grpo"]
        if gap.p >= SIGNIFICANCE:
            relation = "cannot be told apart from"
        elif ranking.order.apart(method.mean, methods["sft_grpo"].mean):
            relation = "differs significantly from"
        else:
            relation = "differs significantly only without correction from"
        parts.append(
            "The paper's claim, that stage-specific data beats the same data in both stages:"
            f" {STAGEWISE} {relation} sft_grpo ({in_points(gap)} points, uncorrected p = {gap.p:.3f})."
        )
    return parts


def effects_in_words(factorial: Factorial) -> str:
    """What each of the paper's claims adds to the primary outcome, and which effects are significant."""
    primary = factorial.outcomes[0]
    significant = [effect for effect in primary.effects if effect.p < SIGNIFICANCE]
    names = formats.listed([effect.name for effect in significant]) if significant else "none"
    main_effects = ", ".join(f"{effect.name} {in_points(effect.difference)} points" for effect in primary.mains)
    parts = [
        f"The factorial, {formats.listed(factorial.students)}, {_seeds(factorial.seeds, ' each')}: on"
        f" {primary.outcome}, the primary outcome, the main effects are {main_effects}.",
        f"Of the {len(primary.effects)} effects, {names} {'are' if len(significant) > 1 else 'is'} significant after"
        " correction.",
    ]
    interactions = [_interaction(effect) for effect in significant if len(effect.factors) == 2]
    return " ".join([*parts, *interactions, *(f"{note}." for note in factorial.notes)])


def _seeds(count: int, each: str = "") -> str:
    if count == 1:
        return f"one seed{each}, so the intervals do not cover another training run"
    return f"{count} seeds{each}"


def _interaction(effect: Effect) -> str:
    a, b = effect.factors
    more = "more" if effect.difference.mean > 0 else "less"
    size = formats.percent(abs(effect.difference.mean))
    return f"With {b}, {a} adds {size} points {more} than without."


def comparison_in_words(comparison: Comparison) -> str:
    """The result of comparing A with B, under their labels, and what the interval covers."""
    a, b = comparison.labels
    if comparison.mean is None and len(comparison.tasks) > 1:
        return f"{a} and {b} can only be compared task by task."
    overall = comparison.overall
    one_seed = f" {ONE_SEED}" if comparison.trained else ""
    coverage = f" Over {comparison.seeds} seeds." if comparison.seeds > 1 else one_seed
    if overall.p < SIGNIFICANCE:
        better, size = a if overall.mean > 0 else b, formats.percent(abs(overall.mean))
        return f"{better} is better by {size} points (p {p_relation(overall.p)}).{coverage}"
    return (
        f"{a} and {b} cannot be told apart (difference {formats.points(overall.mean)}, p {p_relation(overall.p)})."
        f" With this many questions, a true difference of {formats.percent(detectable(overall))} points is detectable"
        f" with 80 % power; smaller ones are often missed.{coverage}"
    )


def p_relation(p: float) -> str:
    """A p-value with its sign: `= 0.031`, `< 0.001`."""
    value = formats.p_value(p)
    return value.replace("<", "< ") if value.startswith("<") else f"= {value}"


def in_points(d: Difference) -> str:
    """A difference with its interval: `+1.6 (+0.2 to +3.0)`."""
    return formats.points(d.mean, d.low, d.high)
