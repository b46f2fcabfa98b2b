"""What a bench saves by running a stage once that several methods need."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from slmr.artifacts import Cost, Store
from slmr.evaluate import METRICS
from slmr.io import read_json
from slmr.pipeline.bench import method_cost
from slmr.pipeline.plan import Plan, PlannedMethod
from slmr.pipeline.planner import StageNode, spent_on
from slmr.stats import formats


@dataclass(frozen=True, slots=True)
class Sharing:
    """The cost of a plan's methods together, and the sum if each ran in a bench of its own.

    `training` excludes evaluations, as a budget does. `whole` includes them, with answers counted as rollouts; a method
    in a bench of its own would need the untrained student's evaluation, too.
    """

    training: Cost
    training_alone: Cost
    whole: Cost
    whole_alone: Cost

    def __str__(self) -> str:
        if not self.training_alone.tokens:
            return "Shared      nothing: no method was trained"
        spent = f"{formats.tokens(self.training.tokens)} tokens for training"
        whole = f"{formats.tokens(self.whole.tokens)} with evaluations"
        if self.training.tokens == self.training_alone.tokens:
            return f"Shared      no trained stage serves two methods: {spent}; {whole}"
        return (
            f"Shared      {spent}, {_ratios(self.training, self.training_alone)} of what the methods take separately;"
            f" {whole}, {_ratios(self.whole, self.whole_alone)}"
        )


def sharing(store: Store, plan: Plan) -> Sharing:
    """The costs of a plan whose stages are all finished."""
    bases = {(m.student, m.seed): m for m in plan.methods if m.recipe.kind == "base"}
    methods = [m for m in plan.methods if m.recipe.kind != "base"]
    each = [(method, bases[method.student, method.seed]) for method in methods]
    return Sharing(
        spent_on(store, [method.model for method in methods]),
        _sum(method_cost(store, method) for method in methods),
        _whole(store, plan.methods),
        _sum(_whole(store, both) for both in each),
    )


def _whole(store: Store, methods: Iterable[PlannedMethod]) -> Cost:
    """The cost of methods in one bench: every stage and evaluation once."""
    ends = {end.key: end for method in methods for end in method.last}
    return _sum([spent_on(store, ends.values()), *(_answers(store, end) for end in ends.values())])


def _answers(store: Store, evaluation: StageNode) -> Cost:
    """The tokens of an evaluation's answers, which its own cost does not include."""
    metrics = read_json(evaluation.output(store) / METRICS)
    return Cost(rollout_tokens=round(sum(m["n_items"] * m["k"] * m["mean_tokens"] for m in metrics.values())))


def _sum(costs: Iterable[Cost]) -> Cost:
    return sum(costs, Cost())


def _ratios(together: Cost, alone: Cost) -> str:
    time = f" (of the time {together.wall_s / alone.wall_s:.2f})" if alone.wall_s else ""
    return f"{together.tokens / alone.tokens:.2f}{time}"
