"""What stages cost together."""

from __future__ import annotations

from collections.abc import Iterable

from slmr.artifacts import Cost, Store
from slmr.pipeline.recipe import Node


def spent_on(store: Store, nodes: Iterable[Node]) -> Cost:
    """What these stages and all that they depend on cost, each once."""
    made = {node.key: node for top in nodes for node in top.ancestors() if node.stage is not None}
    total = Cost()
    for node in made.values():
        assert node.stage is not None
        total = total + store.manifest(node.stage.name, node.key).cost
    return total
