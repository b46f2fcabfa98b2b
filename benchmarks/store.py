"""Measures opening a store of 10,000 stages: finding out which stages a bench over all of them still has to run.

    python benchmarks/store.py

The peer reads every manifest, like a tool that knows its runs only from their files. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from ratios import Ratio, in_turns, seconds_of, table

from slmr.artifacts import MANIFEST, Cost, Manifest, Store
from slmr.pipeline.planner import StageNode
from slmr.pipeline.recipe import stages
from slmr.pipeline.runner import missing_nodes


def ratios(n: int = 3, count: int = 10_000) -> list[Ratio]:
    kind = stages()["consolidate"]
    with tempfile.TemporaryDirectory() as place:
        store = Store(Path(place))
        nodes: list[StageNode] = []
        for i in range(count):
            inputs = {"problems": tuple(nodes[-1:])} if i % 10 else {}  # chains of ten
            nodes.append(StageNode(f"{i:016x}", "consolidate", kind, kind.params(), inputs, 0))
            write_manifest(store, nodes[-1])
        pairs = in_turns(
            lambda: seconds_of(lambda: missing_nodes(store, nodes)),
            lambda: seconds_of(lambda: [json.loads(f.read_text()) for f in Path(place).glob(f"*/{MANIFEST}")]),
            n,
        )
    return [Ratio("store", f"open a store of {count:,} stages", "reading all manifests", pairs)]


def write_manifest(store: Store, node: StageNode) -> None:
    folder = store.path("consolidate", node.key)
    folder.mkdir()
    manifest = Manifest(
        stage="consolidate",
        stage_version=1,
        key=node.key,
        parameters={},
        inputs={},
        seed=0,
        versions={},
        git_revision=None,
        device="cpu",
        threads=1,
        cost=Cost(),
        engine={},
    )
    (folder / MANIFEST).write_text(manifest.model_dump_json())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=3)
    print(table(ratios(parser.parse_args().n)))
