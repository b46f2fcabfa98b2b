"""Probing a model: how often it solves each problem of a task or of a user's file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from slmr.config import DEFAULT_PROFILE, Profile, load_profile
from slmr.curriculum.partition import GROUP_ORDER
from slmr.curriculum.schema import GROUPS, PROBLEMS, Problem
from slmr.engines.models import Say, resolve_model
from slmr.errors import RequestError
from slmr.io import disk_faults, read_rows
from slmr.pipeline.difficulty_map import MappedProblem, content_key, difficulty_map, read_prompts
from slmr.pipeline.evaluation import EvalRequest, ModelRequest, engine_settings, model_key
from slmr.pipeline.executors import run_stages
from slmr.pipeline.planner import DataNode, Node, Planner, StageNode
from slmr.pipeline.recipe import load_recipe, stages
from slmr.pipeline.runner import Execution, SilentWatcher, Watcher
from slmr.results.runs.files import ARTEFACTS
from slmr.stats import bounded_mean
from slmr.tasks.registry import load_task
from slmr.verify import Kind


@dataclass(frozen=True)
class ProbeRequest(ModelRequest):
    """The options of `slmr probe`. Settings that are None are the profile's.

    Attributes:
        task: probe this task's training problems.
        data: probe a user's problems instead, see `slmr.pipeline.difficulty_map.read_prompts`.
        kind: of the answers in `data`.
        gold: the field of the gold answers in `data`.
        engine: None is the profile's engine, or a server if the model is on one.
    """

    model: str
    k: int = 8
    adaptive: str | None = None
    stop_error: float | None = None
    profile: str = DEFAULT_PROFILE
    task: str | None = None
    data: Path | None = None
    kind: Kind | None = None
    gold: str | None = None
    engine: str | None = None


@dataclass(frozen=True)
class Probe:
    """A probe's output folders: the rollouts, the partition and the problems."""

    rollouts: Path
    partition: Path
    problems: Path

    def groups(self) -> list[dict[str, Any]]:
        """One row per difficulty group."""
        groups = read_rows(self.partition / GROUPS)
        return [_group_row(name, groups) for name in reversed(GROUP_ORDER)]

    def map(self, group_size: int) -> list[MappedProblem]:
        """The problems with their rates."""
        return difficulty_map(PROBLEMS.read(self.problems), GROUPS.read(self.partition), group_size)


def probe_model(request: ProbeRequest, watcher: Watcher | None = None, say: Say = lambda _: None) -> Probe:
    """Probes and partitions the problems; repeating a request continues an interrupted one.

    Raises:
        RequestError: a setting is invalid, or there is no such model, profile, task or file.
    """
    profile = load_profile(request.profile)
    values = _values(request, profile)
    problems = _problems_of(request)
    model = resolve_model(request.model, say)
    if request.engine or model.kind == "server":
        evaluation = EvalRequest(
            request.model,
            engine=request.engine or "auto",
            served_name=request.served_name,
            api_key_env=request.api_key_env,
        )
        profile = profile.model_copy(update={"engine": engine_settings(evaluation, model)})
    # A probe trains nothing that a budget could end, and its speed does not count.
    profile = profile.model_copy(update={"budget": None, "threads": None})
    planner = Planner(replace(model, key=model_key(model, profile.engine)), profile, request.seed)

    def node(name: str, **inputs: Node) -> StageNode:
        by_name = {label: (source,) for label, source in inputs.items()}
        return planner.make(stages()[name], name, values[name], by_name, f"stage {name}")

    pool: Node = _data_node(problems, request.out) if problems else node("pool")
    probe = node("probe", model=planner.plan(load_recipe("base")), problems=pool)
    partition = node("partition", probe=probe)
    execution = Execution(request.out / "probe" / ARTEFACTS, tuple(partition.stages()), profile, request.tasks_paths)
    with disk_faults(request.out):
        run_stages(execution, watcher or SilentWatcher())
    problems_folder = pool.output(execution.store)
    assert isinstance(problems_folder, Path)
    return Probe(probe.output(execution.store), partition.output(execution.store), problems_folder)


def _values(request: ProbeRequest, profile: Profile) -> dict[str, dict[str, Any]]:
    """Stage → its parameters: the profile's, overridden by the request's."""
    values = {name: dict(profile.stages.get(name, {})) for name in ("pool", "probe", "partition")}
    chosen = {
        "k": request.k,
        "adaptive": request.adaptive,
        "stop_error": request.stop_error,
        "max_tokens": request.max_tokens,
    }
    values["probe"] |= {name: value for name, value in chosen.items() if value is not None}
    if request.stop_error is not None and values["probe"].get("adaptive", "off") == "off":
        raise RequestError("--stop-error needs an adaptive probe: add --adaptive difficulty or mixed")
    if request.task is not None:
        values["pool"]["task"] = load_task(request.task, request.tasks_paths).name
    if request.limit is not None:
        values["pool"]["size"] = request.limit
    return values


def _problems_of(request: ProbeRequest) -> list[Problem]:
    """A user's problems; empty if a task's problems are probed."""
    if request.data is None:
        if request.kind or request.gold:
            raise RequestError("--kind and --gold are for --data: a task defines its own")
        return []
    if request.task is not None:
        raise RequestError("--task and --data are two sources of problems: give one of them")
    if request.kind is None:
        raise RequestError("--data needs the kind of its answers: --kind numeric, math or choice")
    return read_prompts(request.data, request.kind, request.gold)[: request.limit]


def _data_node(problems: list[Problem], out: Path) -> DataNode:
    """Writes the problems to a folder that stages can read, named by their content."""
    key = content_key(problems)
    folder = out / "probe" / "data" / key
    with disk_faults(folder):
        PROBLEMS.write(folder, problems)
    return DataNode(key, "data", folder)


def _group_row(name: str, groups: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A group's size, its share of the pool with a 95 % interval, and the number of problems per rate."""
    inside = [g for g in groups if g["group"] == name]
    share = bounded_mean([float(g["group"] == name) for g in groups])
    tallies = Counter((g["correct"], g["k"], g["rho"], g["low"], g["high"]) for g in inside)
    rates = [
        {"problems": n} | dict(zip(("correct", "k", "rho", "low", "high"), counts, strict=True))
        for counts, n in sorted(tallies.items(), key=lambda pair: (-pair[0][2], -pair[0][1]))
    ]
    return {
        "name": name,
        "problems": len(inside),
        "share": share.mean,
        "low": share.low,
        "high": share.high,
        "histogram": dict(sorted(Counter(g["correct"] for g in inside).items())),
        "rates": rates,
    }
