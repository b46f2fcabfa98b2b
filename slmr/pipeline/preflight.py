"""Checks before a training: the signal that RL would have, the gain that the test set can show, and a run's cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from slmr.config import DEFAULT_PROFILE, Profile, load_profile
from slmr.curriculum.probe import ProbeParams
from slmr.curriculum.schema import Rollout, rollouts_by_problem
from slmr.engines.models import Model, Say, resolve_model
from slmr.engines.transformers import pick_device
from slmr.errors import RequestError
from slmr.parsing import ModelT, parse
from slmr.pipeline.difficulty_map import expected_share
from slmr.pipeline.estimate import (
    ASSUMED,
    Assumptions,
    Machine,
    Speed,
    estimate,
    measure,
    seconds_here,
    shapes_of,
)
from slmr.pipeline.forecast import Figure, read_rules, verdicts
from slmr.pipeline.identities import IdentitiesOnHand
from slmr.pipeline.planner import Planner
from slmr.pipeline.probing import ProbeRequest, probe_model
from slmr.pipeline.recipe import load_recipe
from slmr.pipeline.runner import Watcher
from slmr.stats import (
    Difference,
    Estimate,
    bounded_mean,
    minimum_detectable_difference,
    paired_difference,
    score_variance,
)
from slmr.tasks.registry import load_task
from slmr.training.grpo import GrpoParams

METHODS = ("grpo", "sft")  # the methods whose cost is estimated


@dataclass(frozen=True, kw_only=True)
class PreflightRequest(ProbeRequest):
    """The options of `slmr preflight`. Its probe stops a problem early only if that cannot change the figures.

    Attributes:
        group_size: completions in a group of GRPO; None is the profile's.
        correlation: assumed correlation of an item's scores before and after training, for the smallest gain.
    """

    task: str = ""
    limit: int = 200
    profile: str = DEFAULT_PROFILE
    adaptive: str = "mixed"
    stop_error: float = 0.0
    group_size: int | None = None
    correlation: float = 0.5


@dataclass(frozen=True)
class Signal:
    """A model's results on a sample of a training pool, with completions at the probe's temperature.

    Attributes:
        completions: total number of sampled completions.
        pass_1, lenient: share of completions that are right in the requested form, and in any form.
        format_loss: their paired difference.
        pass_k: share of problems with at least one right completion of k.
        cut_off: share of completions that reached the token limit.
        mixed: the expected share of groups of `group_size` with both right and wrong completions.
        tokens: mean tokens per completion.
        first, first_k: for each problem, the number of right ones among its first `first_k` completions.
    """

    problems: int
    k: int
    completions: int
    pass_1: Estimate
    lenient: Estimate
    format_loss: Difference
    pass_k: Estimate
    cut_off: Estimate
    group_size: int
    mixed: Estimate
    tokens: float
    first: tuple[int, ...]
    first_k: int

    @property
    def figures(self) -> dict[Figure, float]:
        """The figures from which a gain may be predicted."""
        return {"mixed": self.mixed.mean, "unsolved": 1 - self.pass_k.mean}

    def smallest_gain(self, items: int, k: int, correlation: float) -> float:
        """The gain that a paired test of `items` items detects with 80 % power, if they are like the pool's problems.

        An item's score is the mean of k completions. Its variance is assumed equal before and after training, with the
        given correlation.
        """
        variance = 2 * score_variance(self.first, self.first_k, k) * (1 - correlation)
        return minimum_detectable_difference(math.sqrt(variance / items))


@dataclass(frozen=True)
class RunCost:
    """The estimated cost of a training: tokens generated, trained on and taught; seconds, None if unknown."""

    method: str
    tokens: float
    seconds: float | None
    where: str


@dataclass(frozen=True)
class Preflight:
    """The results of a preflight.

    Attributes:
        items, item_k: items and completions per item of the evaluation that `smallest_gain` is about.
        verdicts: sentences from the measured rules, or why there is none.
    """

    request: PreflightRequest
    signal: Signal
    max_tokens: int
    items: int
    item_k: int
    smallest_gain: float
    costs: tuple[RunCost, ...]
    verdicts: tuple[str, ...]


def preflight(request: PreflightRequest, watcher: Watcher | None = None, say: Say = lambda _: None) -> Preflight:
    """Probes the model on the task's training problems; repeating a request reuses its completions.

    Raises:
        RequestError: a setting is invalid, or there is no such model, profile or task.
    """
    if request.k < 2:
        raise RequestError("--k must be at least 2: one completion per problem says nothing about the variance")
    profile = load_profile(request.profile)
    task = load_task(request.task, request.tasks_paths)
    items = len(task.test_items(profile.evaluate.limit))
    signal = read_signal(request, profile, watcher, say)
    k = profile.evaluate.k
    smallest = signal.smallest_gain(items, k, request.correlation)
    most = request.max_tokens or _params(ProbeParams, profile, "probe").max_tokens
    return Preflight(
        request,
        signal,
        most,
        items,
        k,
        smallest,
        _costs(request, profile, signal, say),
        verdicts(signal.figures, smallest, task.edition, read_rules()),
    )


def read_signal(
    request: PreflightRequest, profile: Profile, watcher: Watcher | None = None, say: Say = lambda _: None
) -> Signal:
    """The probe's part of a preflight."""
    probe = probe_model(request, watcher, say)
    size = request.group_size or _params(GrpoParams, profile, "grpo").group_size
    mixed = expected_share(probe.map(size))
    return signal_of(list(rollouts_by_problem(probe.rollouts).values()), request.k, size, mixed)


def signal_of(groups: Sequence[Sequence[Rollout]], k: int, group_size: int, mixed: Estimate) -> Signal:
    """The signal, from the completions of each problem in the order of sampling.

    Rates of completions use only the first ones, of which every problem has the same number: the adaptive probe
    continues problems that are all right or all wrong so far, which would otherwise have more weight.
    """
    first_k = min(map(len, groups))
    first = [group[:first_k] for group in groups]
    strict = np.array([[float(row["strict"]) for row in group] for group in first])
    lenient = np.array([[float(row["status"] == "correct") for row in group] for group in first])
    return Signal(
        problems=len(groups),
        k=k,
        completions=sum(map(len, groups)),
        pass_1=bounded_mean(strict.mean(axis=1)),
        lenient=bounded_mean(lenient.mean(axis=1)),
        format_loss=paired_difference(lenient, strict),
        pass_k=bounded_mean([float(any(row["strict"] for row in group)) for group in groups]),
        cut_off=bounded_mean([np.mean([row["finish_reason"] == "length" for row in group]) for group in first]),
        group_size=group_size,
        mixed=mixed,
        tokens=float(np.mean([row["tokens"] for group in first for row in group])),
        first=tuple(int(count) for count in strict.sum(axis=1)),
        first_k=first_k,
    )


def _params(model: type[ModelT], profile: Profile, stage: str) -> ModelT:
    """The parameters of a stage under the profile."""
    return parse(model, profile.stages.get(stage, {}), f"profile: stages: {stage}", "parameter")


# --- the cost of a run ---------------------------------------------------------------------------


def _costs(request: PreflightRequest, profile: Profile, signal: Signal, say: Say) -> tuple[RunCost, ...]:
    """The cost of the profile's trainings on a pool of this task, with the lengths and rates that were measured."""
    model = resolve_model(request.model, say)
    pool = profile.stages.get("pool", {}) | {"task": request.task}
    profile = profile.model_copy(update={"stages": profile.stages | {"pool": pool}})
    planner = Planner(model, profile, request.seed, IdentitiesOnHand())
    speed, assumed = _speed(model, request, profile)
    assumed = replace(
        assumed,
        completion_tokens=signal.tokens,
        mixed=signal.mixed.mean,
        failed=1 - signal.pass_k.mean,
        right=signal.pass_1.mean,
    )
    return tuple(_cost(method, planner, profile, speed, assumed) for method in METHODS)


def _speed(model: Model, request: PreflightRequest, profile: Profile) -> tuple[Speed | None, Assumptions]:
    """The model's speed on this machine's CPU; None if it would not be trained there."""
    on_cpu = profile.engine.name == "transformers" and pick_device(profile.engine.device) == "cpu"
    if not on_cpu or not isinstance(model.location, Path):
        return None, ASSUMED
    task = load_task(request.task, request.tasks_paths)
    return measure(model.location, [task], profile.threads)


def _cost(method: str, planner: Planner, profile: Profile, speed: Speed | None, assumed: Assumptions) -> RunCost:
    nodes = planner.plan(load_recipe(method)).stages()
    shapes = shapes_of({student.key: student.location for student in nodes[-1].students()})
    machine = Machine(1, profile.training, profile.engine.name, profile.engine.sampled_by, assumed)
    estimates = estimate(nodes, shapes, [machine], assumed)
    tokens = sum(e.flow.generated + e.flow.trained + e.flow.taught for e in estimates)
    if speed:
        seconds = sum(seconds_here(e.flow, speed) for e in estimates)
        return RunCost(method, tokens, seconds, "on this machine's CPU")
    if shapes:
        seconds = 3600 * sum(e.hours[0] for e in estimates if e.hours)
        return RunCost(method, tokens, seconds, "on an H100, assumed")
    return RunCost(method, tokens, None, "")
