"""Which stage to start next: the schedule that all executors, and their simulation, share."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Collection, Iterable, Sequence
from graphlib import TopologicalSorter

from slmr.curriculum.pool import PoolParams
from slmr.pipeline.planner import StageNode

# Seconds of each kind of stage with the lab's profile, for stages that have not been timed yet.
ROUGH_S = {
    "grpo": 240.0,
    "luffy": 240.0,
    "bread": 240.0,
    "relift": 240.0,
    "hpt": 240.0,
    "sdpo": 240.0,
    "sft": 90.0,
    "gkd": 90.0,
    "opsd": 90.0,
    "dpo": 90.0,
    "evaluate": 70.0,
    "probe": 40.0,
    "bridge": 20.0,
}
# The parameters to which a stage's time is proportional, with the lab profile's values.
_USUAL = {"share": 1.0, "epochs": 3, "steps": 40, "group_size": 8, "prompts_per_step": 16, "k": 8}
_USUAL_POOL, _USUAL_COMPLETIONS = 800, 10_000


def rough_seconds(node: StageNode) -> float:
    """A rough estimate of a stage's seconds, from its kind and its parameters relative to the lab profile's."""
    usual = ROUGH_S.get(node.kind, 1.0)
    params = node.params.model_dump()
    if params.get("limit"):
        completions = params["limit"] * params.get("k", 4) * len(params.get("tasks", ()))
        return usual * completions / _USUAL_COMPLETIONS
    share = math.prod(params[name] / much for name, much in _USUAL.items() if params.get(name))
    if "steps" not in params:
        sizes = (source.params.size for source in node.stages() if isinstance(source.params, PoolParams))
        share *= next(sizes, _USUAL_POOL) / _USUAL_POOL
    return usual * share


def longest_chains(
    nodes: Sequence[StageNode], time_of: Callable[[StageNode], float] = rough_seconds
) -> dict[str, float]:
    """Key → the time of the longest chain of stages that begins with the node; `nodes` have inputs first."""
    chains: dict[str, float] = {}
    longest_after: dict[str, float] = {}
    for node in reversed(nodes):
        chains[node.key] = time_of(node) + longest_after.get(node.key, 0.0)
        for source in node.sources:
            longest_after[source.key] = max(longest_after.get(source.key, 0.0), chains[node.key])
    return chains


def starters_first(nodes: Sequence[StageNode], starters: Collection[str]) -> list[StageNode]:
    """For one worker: the stages with these keys, then the others, both in the order of the plan."""
    return sorted(nodes, key=lambda node: node.key not in starters)


def longest_first(nodes: Sequence[StageNode], starters: Collection[str] = ()) -> list[StageNode]:
    """For several workers: the stages with these keys, then the others, by the longest chain that each begins.

    This way no long chain starts last. A node still precedes all that depend on it.
    """
    chains = longest_chains(nodes)
    return sorted(nodes, key=lambda node: (node.key not in starters, -chains[node.key]))


class Schedule:
    """Keeps track of the stages that wait for inputs, are ready, are running, or are done."""

    def __init__(self, order: Sequence[StageNode]) -> None:
        """The first ready stage in `order` is the next; inputs that are not in `order` count as done."""
        self._order = list(order)
        self._position = {node.key: i for i, node in enumerate(order)}
        self._waiting = TopologicalSorter(
            {n.key: [source.key for source in n.sources if source.key in self._position] for n in order}
        )
        self._waiting.prepare()
        self._ready: list[int] = []  # positions
        self.finish(())

    def __bool__(self) -> bool:
        """Whether any stage is not done."""
        return self._waiting.is_active()

    def next(self) -> StageNode | None:
        """The stage to start; None if none is ready."""
        return self._order[self._ready[0]] if self._ready else None

    def start(self, node: StageNode) -> None:
        """Marks the next stage as running.

        Raises:
            ValueError: it is not the next one.
        """
        position = heapq.heappop(self._ready)
        if self._order[position] is not node:
            raise ValueError(f"{node.label} is not the next stage")

    def finish(self, nodes: Iterable[StageNode]) -> None:
        """Marks stages as done; those that only waited for them become ready."""
        self._waiting.done(*(node.key for node in nodes))
        for key in self._waiting.get_ready():
            heapq.heappush(self._ready, self._position[key])
