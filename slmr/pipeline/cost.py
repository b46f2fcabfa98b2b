"""What stages cost together."""

from __future__ import annotations

from collections.abc import Iterable

from slmr.artifacts import Cost, Store
from slmr.pipeline.planner import Node, unique_stages


def spent_on(store: Store, nodes: Iterable[Node]) -> Cost:
    """What these stages and all that they depend on cost, each once."""
    costs = (store.manifest(node.kind, node.key).cost for node in unique_stages(tuple(nodes)))
    return sum(costs, Cost())
