"""How long the stages of a published comparison take on a simulated cluster, against their critical path.

    python benchmarks/schedule.py results/lab --workers 64

The graph and the seconds of every stage are those that the run recorded (`stages/` beside its samples), over all of its
students and seeds. The cluster does what Ray does with `slmr bench --executor ray`: of the stages whose inputs are
there, the next free worker takes the one that was submitted first (`slmr.pipeline.ray.longest_first`). Beside it the
peer, the same cluster with the stages in the order of the plan, method by method.
"""

from __future__ import annotations

import argparse
import heapq
from collections.abc import Sequence
from pathlib import Path

from ratios import Ratio

from slmr.io import read_rows
from slmr.pipeline.planner import StageNode
from slmr.pipeline.ray import longest_first
from slmr.pipeline.recipe import stages


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", type=Path)
    parser.add_argument("--workers", type=int, default=64)
    a = parser.parse_args()
    nodes, seconds = graph(a.results)
    work, critical = sum(seconds.values()), critical_path(nodes, seconds)
    least = max(critical, work / a.workers)
    print(f"{len(nodes)} stages, {work / 60:.0f} minutes of work, critical path {critical / 60:.1f} minutes;"
          f" {a.workers} workers cannot take less than {least / 60:.1f} minutes.\n")  # fmt: skip
    print("| order | makespan, minutes | over the critical path | over the least |\n|---|---:|---:|---:|")
    for name, order in (("the longest chain first", longest_first(nodes)), ("as planned", nodes)):
        span = makespan(order, seconds, a.workers)
        print(f"| {name} | {span / 60:.1f} | {span / critical:.2f} | {span / least:.2f} |")


def ratios(results: Path, workers: int = 64) -> list[Ratio]:
    """The makespan of Ray's order over the least that any order can come to: critical path, or work over workers."""
    nodes, seconds = graph(results)
    least = max(critical_path(nodes, seconds), sum(seconds.values()) / workers)
    pair = (makespan(longest_first(nodes), seconds, workers), least)
    return [
        Ratio("schedule", f"bench of the lab on {workers} workers, simulated", "the least possible", (pair,))
    ]


def graph(results: Path) -> tuple[list[StageNode], dict[str, float]]:
    """The stages of all methods, students and seeds, each once, inputs first; key → seconds."""
    nodes: dict[str, StageNode] = {}
    seconds: dict[str, float] = {}
    files = sorted(results.glob("stages/*/*/seed-*.parquet"))
    for row in (row for file in files for row in read_rows(file)):
        key = row["key"]
        if row["stage"] == "student" or key in nodes:
            continue
        inputs = tuple(nodes[name] for name in row["inputs"] if name in nodes)
        stage = stages()[row["stage"]]
        params = stage.params.model_validate_json(row["parameters"])
        nodes[key] = StageNode(key, row["label"], stage, params, {"all": inputs}, row["seed"] or 0)
        seconds[key] = row["wall_s"]
    return list(nodes.values()), seconds


def critical_path(nodes: Sequence[StageNode], seconds: dict[str, float]) -> float:
    """Seconds of the longest chain of stages."""
    ends: dict[str, float] = {}
    for node in nodes:
        ends[node.key] = seconds[node.key] + max((ends[n.key] for n in node.inputs["all"]), default=0.0)
    return max(ends.values())


def makespan(order: Sequence[StageNode], seconds: dict[str, float], workers: int) -> float:
    """Seconds until the last stage has ended, each worker taking the first in the order that is ready."""
    place = {node.key: i for i, node in enumerate(order)}
    lacking = {node.key: len({n.key for n in node.inputs["all"]}) for node in order}
    users: dict[str, list[StageNode]] = {}
    for node in order:
        for child in {n.key for n in node.inputs["all"]}:
            users.setdefault(child, []).append(node)
    ready = [place[node.key] for node in order if not lacking[node.key]]
    heapq.heapify(ready)
    running: list[tuple[float, int]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < workers:
            first = heapq.heappop(ready)
            heapq.heappush(running, (now + seconds[order[first].key], first))
        now, ended = heapq.heappop(running)
        for user in users.get(order[ended].key, ()):
            lacking[user.key] -= 1
            if not lacking[user.key]:
                heapq.heappush(ready, place[user.key])
    return now


if __name__ == "__main__":
    main()
