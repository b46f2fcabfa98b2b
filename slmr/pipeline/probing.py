"""Looking at one model, task or method: what `slmr probe`, `verify`, `validate` and `show` do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slmr.config import load_profile
from slmr.curriculum.partition import GROUP_ORDER
from slmr.curriculum.schema import GROUPS
from slmr.engines.models import Say, resolve_model
from slmr.errors import RequestError
from slmr.io import disk_faults, read_rows
from slmr.pipeline.bench import BenchRequest, Plan, make_artefacts
from slmr.pipeline.planner import Node, Planner, StageNode
from slmr.pipeline.recipe import load_recipe, stages
from slmr.pipeline.runner import SilentWatcher, Watcher
from slmr.stats import bounded_mean


def _planner(model: str, profile: Any, seed: int, say: Say) -> tuple[Planner, Node]:
    student = resolve_model(model, say)
    planner = Planner(student.location, student.key, profile.stages, profile.engine, seed)
    return planner, planner.plan(load_recipe("base"))


def _make(nodes: list[StageNode], profile: str, out: Path, name: str, watcher: Watcher) -> Path:
    """Makes the nodes, in order, in the run folder `out/name`; returns the last one's folder."""
    request = BenchRequest(profile=profile, out=out)
    plan = Plan(
        load_profile(profile).model_copy(update={"threads": None}), [], [], out / name, request, nodes
    )
    with disk_faults(out):
        store = make_artefacts(plan, watcher)
    return nodes[-1].output(store)


@dataclass(frozen=True)
class ProbeRequest:
    """What `slmr probe` was asked for. What is None, like every other setting, is the profile's."""

    model: str
    k: int = 8
    limit: int | None = None
    adaptive: str | None = None
    stop_error: float | None = None
    profile: str = "lab"
    seed: int = 0
    out: Path = Path("runs")


def probe_model(
    request: ProbeRequest, watcher: Watcher | None = None, say: Say = lambda _: None
) -> tuple[list[dict[str, Any]], Path]:
    """Probes and partitions the pool; returns one row a difficulty group, and the folder of the rollouts.

    Raises:
        RequestError: a setting does not fit, or there is no such model or profile.
    """
    profile = load_profile(request.profile)
    values = {name: dict(profile.stages.get(name, {})) for name in ("pool", "probe", "partition")}
    chosen = {"k": request.k, "adaptive": request.adaptive, "stop_error": request.stop_error}
    values["probe"] |= {name: value for name, value in chosen.items() if value is not None}
    if request.stop_error is not None and values["probe"].get("adaptive", "off") == "off":
        raise RequestError("--stop-error is of an adaptive probe: give --adaptive difficulty or mixed, too")
    if request.limit is not None:
        values["pool"]["size"] = request.limit
    planner, student = _planner(request.model, profile, request.seed, say)

    def node(name: str, **inputs: Node) -> StageNode:
        by_name = {label: (source,) for label, source in inputs.items()}
        return planner.make(stages()[name], name, values[name], by_name, f"stage {name}")

    pool = node("pool")
    probe = node("probe", model=student, problems=pool)
    nodes = [pool, probe, node("partition", probe=probe)]
    folder = _make(nodes, request.profile, request.out, "probe", watcher or SilentWatcher())
    groups = read_rows(folder / GROUPS)
    return [_group_row(name, groups) for name in reversed(GROUP_ORDER)], folder.parent / probe.artefact


def _group_row(name: str, groups: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A group's size, its share of the pool with a 95 % interval, and how many problems have which rate."""
    inside = [g for g in groups if g["group"] == name]
    share = bounded_mean([float(g["group"] == name) for g in groups])
    alike = Counter((g["correct"], g["k"], g["rho"], g["low"], g["high"]) for g in inside)
    rates = [
        {"problems": n} | dict(zip(("correct", "k", "rho", "low", "high"), counts, strict=True))
        for counts, n in sorted(alike.items(), key=lambda pair: (-pair[0][2], -pair[0][1]))
    ]
    return {
        "name": name, "problems": len(inside), "share": share.mean, "low": share.low, "high": share.high,
        "histogram": dict(sorted(Counter(g["correct"] for g in inside).items())), "rates": rates,
    }  # fmt: skip
