"""The summary of a ranking: one sentence, a few figures, and the methods at chance level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from slmr.config import ABLATIONS
from slmr.results.analysis.compare import SIGNIFICANCE
from slmr.results.analysis.ranking import RankedMethod, Ranking
from slmr.stats import formats

_CHANCE = {"logiqa": 0.25, "lab_logiqa": 0.25}  # four options an item
_LOST_TO_FORM = 0.05  # lenient minus strict accuracy from which the form is said to matter


class Fact(NamedTuple):
    """A figure of the summary: its label, its value, and a remark in small letters."""

    label: str
    value: str
    remark: str


def verdict(ranking: Ranking) -> str:
    """The ranking in one sentence; for models also what the requested form costs."""
    ranked = ranking.ranked
    if not ranked:
        return _form(ranking) or nothing_ranked(ranking)
    text = _standing(ranked)
    if nothing_gained(ranked):
        text = f"No method gains significantly over the untrained student; {text}"
    elif no_gain := without_gain(ranked):
        text += f"; {len(no_gain)} of {len(ranked)} methods do not gain significantly over the untrained student"
        text += " after Holm's correction"
    return " ".join(filter(None, [f"{text}.", _form(ranking)]))


def nothing_ranked(ranking: Ranking) -> str:
    """What is said of a run that ranks no method."""
    if any(m.kind in ABLATIONS for m in ranking.complete):
        return "All are ablations or controls, which are not ranked; `slmr compare` compares any two."
    return "No method to compare yet."


def facts(ranking: Ranking) -> list[Fact]:
    """The best method, the best for its cost, and the methods that do not gain; for models what the form costs.

    No best where there is nothing to be better than, and where no gain is significant.
    """
    ranked, figures = ranking.ranked, []
    if top := best(ranked):
        figures.append(Fact("Best", _some(top), _percent(top[0])))
    if top and not ranking.of_models:
        cheapest = best_for_its_cost(ranking)
        share = cheapest.tokens / top[0].tokens if top[0].tokens else 0.0
        saving = f", {100 * share:.0f} % of the best's" if len(top) == 1 and 0 < share < 1 else ""
        cost = f"{_percent(cheapest)} for {formats.tokens(cheapest.tokens)} tokens{saving}"
        figures.append(Fact("Best for its cost", cheapest.name, cost))
    if any(m.gain for m in ranked):
        no_gain = without_gain(ranked)
        losers = [m for m in ranked if m.significantly_worse]
        names = f"{_some(no_gain, 3)}, after Holm's correction" if no_gain else "every method gains"
        names += f"; significantly worse: {_some(losers, 3)}" if losers else ""
        figures.append(Fact("No significant gain", f"{len(no_gain)} of {len(ranked)}", names))
    return figures + _facts_of_form(ranking)


def best(ranked: Sequence[RankedMethod]) -> list[RankedMethod]:
    """The leaders, if there are several methods and a gain is shown or none could be measured; else empty."""
    return leaders(ranked) if len(ranked) > 1 and not nothing_gained(ranked) else []


def leaders(ranked: Sequence[RankedMethod]) -> list[RankedMethod]:
    """The methods with the highest mean as printed, so that of two equal numbers neither is first."""
    return [m for m in ranked if formats.percent(m.mean) == formats.percent(ranked[0].mean)]


def best_for_its_cost(ranking: Ranking) -> RankedMethod:
    """The method with the fewest tokens of those that may be the best.

    All compared at once few can be excluded, so one is out if it is significantly behind in a comparison of two alone.
    """
    best = {m.name for m in leaders(ranking.ranked)}

    def is_behind(method: RankedMethod) -> bool:
        return any(ranking.differences[name][method.name].p < SIGNIFICANCE for name in best)

    candidates = [m for m in ranking.ranked if m.name in best or (m.may_be_best and not is_behind(m))]
    return min(candidates, key=lambda m: m.tokens)


def nothing_gained(ranked: Sequence[RankedMethod]) -> bool:
    """Whether gains were measured and none is significant."""
    measured = [m for m in ranked if m.gain]
    return bool(measured) and len(without_gain(ranked)) == len(measured)


def without_gain(ranked: Sequence[RankedMethod]) -> list[RankedMethod]:
    """The methods with a measured gain that are not significantly better than the untrained student."""
    return [m for m in ranked if m.gain and not m.significantly_better]


def at_chance(ranking: Ranking) -> list[str]:
    """For each task with options, the methods that are not shown to be better than guessing."""
    lines = []
    for task in (t for t in [*ranking.tasks, *ranking.other_tasks] if t in _CHANCE):
        guessing = [m for m in ranking.methods if task in m.by_task and m.by_task[task].low <= _CHANCE[task]]
        if guessing:
            names = "all" if len(guessing) == len(ranking.methods) else _some(guessing, 6)
            lines.append(f"At chance or below it on {task}, where guessing gets {100 * _CHANCE[task]:.0f} %: {names}")
    return lines


def best_of_each_kind(names: Sequence[str], ranking: Ranking) -> list[str]:
    """The best method of each kind, for figures in which a kind has one colour; `names` has the best first."""
    kinds = {method.name: method.kind for method in ranking.methods}
    best = {kinds[name]: name for name in reversed(names)}
    return [name for name in names if best[kinds[name]] == name]


def main_kinds(ranking: Ranking) -> tuple[str, ...]:
    """The kinds of methods except ablations and controls; all kinds if these are what the ranking is mostly about."""
    kinds = dict.fromkeys(m.kind for m in ranking.methods)
    aside = sum(m.kind in ABLATIONS for m in ranking.methods)
    return () if aside >= len(ranking.ranked) else tuple(kind for kind in kinds if kind not in ABLATIONS)


def _standing(ranked: Sequence[RankedMethod]) -> str:
    """The methods with the highest mean, and whether the others can be told apart from them."""
    best = leaders(ranked)
    others = ranked[len(best) :]
    rivals = [m for m in others if m.may_be_best]
    if len(ranked) == 1:
        noun = "model" if best[0].kind == "model" else "method"
        return f"{_some(best)} is the only {noun}, at {_percent(best[0])}"
    if len(best) > 1:
        text = f"{_some(best)} have the same mean, {formats.percent(best[0].mean)} %"
    elif nothing_gained(ranked):
        text = f"{_some(best)} has the highest mean, {_percent(best[0])}"
    else:
        text = f"{_some(best)} leads with {_percent(best[0])}"
    if rivals:
        return f"{text}, but cannot be told apart from {_some(rivals)}"
    if not others:
        return text
    return f"{text}, ahead of {f'all {len(others)} others' if len(others) > 1 else _some(others)}"


def _form(ranking: Ranking) -> str:
    """Explains a strict accuracy that is far below the lenient one; empty if no model has that."""
    models = _lost_to_form(ranking)
    if not models:
        return ""
    accuracies = (
        f"{m.name} has {formats.percent(m.mean)} % strict and {_lenient(m, ranking)} % lenient" for m in models[:3]
    )
    return (
        "Strict accuracy counts a right answer only in the requested form, lenient accuracy in any recognisable form:"
        f" {', '.join(accuracies)}."
    )


def _facts_of_form(ranking: Ranking) -> list[Fact]:
    """The strict and the lenient accuracy of the first model that loses much to the form."""
    if not (models := _lost_to_form(ranking)):
        return []
    model = models[0]
    return [
        Fact("Strict", f"{formats.percent(model.mean)} %", f"{model.name}: right and in the requested form"),
        Fact("Lenient", f"{_lenient(model, ranking)} %", f"{model.name}: right in any form"),
    ]


def _lost_to_form(ranking: Ranking) -> list[RankedMethod]:
    """The models whose lenient accuracy is far above their strict one."""
    models = [m for m in ranking.complete if m.kind == "model"]
    return [m for m in models if m.result.rate("format_loss", ranking.tasks) > _LOST_TO_FORM]


def _lenient(model: RankedMethod, ranking: Ranking) -> str:
    return formats.percent(model.result.rate("accuracy_lenient", ranking.tasks))


def _percent(method: RankedMethod) -> str:
    e = method.accuracy
    assert e is not None  # what has a rank has a mean
    return f"{formats.percent(e.mean)} % ({formats.interval(e.low, e.high)})"


def _some(methods: Sequence[RankedMethod], most: int = 2) -> str:
    """The first names, and the number of the others."""
    names = [m.name for m in methods]
    if len(names) > most + 1:
        return f"{', '.join(names[:most])} and {len(names) - most} others"
    return formats.listed(names)
