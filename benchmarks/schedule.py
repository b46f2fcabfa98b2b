"""Simulates the stages of a published comparison on several workers, compared with one and with the least time.

    python benchmarks/schedule.py results/archive/lab                 # 16 processes of one machine
    python benchmarks/schedule.py results/archive/lab --workers 64    # a cluster

The graph and the seconds of every stage are those that the run recorded (`stages/` beside its samples), for all of its
students and seeds. The workers behave as in `slmr bench` with `--jobs` or `--executor ray`: the next free worker takes
the first ready stage of `slmr.pipeline.schedule`. For comparison, the plan's order, method by method, is simulated.
The time until the starters are complete is for one student and seed of all methods except ablations and controls, on
two workers, as in `slmr bench --method all --jobs 2`.
"""

from __future__ import annotations

import argparse
import heapq
import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from slmr.config import ABLATIONS
from slmr.io import read_rows
from slmr.pipeline.planner import StageNode
from slmr.pipeline.recipe import load_recipe, recipe_files, select_methods, stages
from slmr.pipeline.schedule import Schedule, longest_first

if TYPE_CHECKING:
    from ratios import Ratio

Seconds = dict[str, float]  # key of a stage → its seconds
AT_LEAST = 6.0  # required speed-up of 16 processes over one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--workers", type=int, default=16)
    args = parser.parse_args()
    nodes, seconds = graph(args.results)
    work, critical = sum(seconds.values()), critical_path(nodes, seconds)
    least = max(critical, work / args.workers)
    print(
        f"{len(nodes)} stages, {work / 60:.0f} minutes of work, critical path {critical / 60:.1f} minutes;"
        f" {args.workers} workers cannot take less than {least / 60:.1f} minutes.\n"
    )
    print("| order | makespan, minutes | times as fast as one worker | over the least |\n|---|---:|---:|---:|")
    for name, order in (("the longest chain first", longest_first(nodes)), ("as planned", nodes)):
        span = max(ends(order, seconds, args.workers).values())
        print(f"| {name} | {span / 60:.1f} | {work / span:.2f} | {span / least:.2f} |")
    print(f"\n{starters_line(args.results)}")
    span = max(ends(longest_first(nodes), seconds, args.workers).values())
    if args.workers >= 16 and work / span < AT_LEAST:
        raise SystemExit(
            f"{args.workers} workers are {work / span:.2f} times as fast as one, and {AT_LEAST} are wanted"
        )


def starters_line(results: Path) -> str:
    """When the starters of one student and seed are complete, as a share of the whole time on two workers."""
    methods = [name for name in recipe_files() if load_recipe(name).kind not in ABLATIONS]
    (first, *_) = sorted(results.glob("stages/stagewise/*/seed-*.parquet"))
    one = f"{first.parent.name}/{first.name}"
    nodes, seconds = graph(results, methods, one)
    starters = {node.key for node in graph(results, [r.name for r in select_methods("starter")], one)[0]}
    finished = ends(longest_first(nodes, starters), seconds, 2)
    complete, whole = max(finished[key] for key in starters), max(finished.values())
    return f"Starters of {one} are complete after {complete / whole:.2f} of the whole, on two workers."


def ratios(results: Path, workers: int = 64) -> list[Ratio]:
    """The schedule's makespan over the least possible one: the critical path, or the work divided by the workers."""
    from ratios import Ratio

    nodes, seconds = graph(results)
    least = max(critical_path(nodes, seconds), sum(seconds.values()) / workers)
    pair = (max(ends(longest_first(nodes), seconds, workers).values()), least)
    return [Ratio("schedule", f"bench of the lab on {workers} workers, simulated", "the least possible", (pair,))]


def graph(
    results: Path, methods: Collection[str] | None = None, one: str = "*/seed-*.parquet"
) -> tuple[list[StageNode], Seconds]:
    """The stages of all methods, or of these, students and seeds, each once, inputs first; key → seconds."""
    nodes: dict[str, StageNode] = {}
    seconds: Seconds = {}
    files = [f for f in sorted(results.glob(f"stages/*/{one}")) if methods is None or f.parts[-3] in methods]
    for row in (row for file in files for row in read_rows(file)):
        key = row["key"]
        if row["stage"] == "student" or key in nodes:
            continue
        inputs = tuple(nodes[name] for name in row["inputs"] if name in nodes)
        stage = stages()[row["stage"]]
        # Parameters that only an earlier version of the stage had do not matter here.
        known = {k: v for k, v in json.loads(row["parameters"]).items() if k in stage.params.model_fields}
        params = stage.params.model_validate(known)
        nodes[key] = StageNode(key, row["label"], stage, params, {"all": inputs}, row["seed"])
        seconds[key] = row["wall_s"]
    return list(nodes.values()), seconds


def critical_path(nodes: Sequence[StageNode], seconds: Seconds) -> float:
    """Seconds of the longest chain of stages."""
    finished: Seconds = {}
    for node in nodes:
        finished[node.key] = seconds[node.key] + max((finished[n.key] for n in node.sources), default=0.0)
    return max(finished.values())


def ends(order: Sequence[StageNode], seconds: Seconds, workers: int) -> Seconds:
    """Key → the second at which the stage ends, if a free worker always takes the first ready stage in the order."""
    schedule, running, finished = Schedule(order), list[tuple[float, int]](), Seconds()
    position = {node.key: i for i, node in enumerate(order)}
    now = 0.0
    while schedule:
        while len(running) < workers and (node := schedule.next()):
            schedule.start(node)
            heapq.heappush(running, (now + seconds[node.key], position[node.key]))
        now, ended = heapq.heappop(running)
        finished[order[ended].key] = now
        schedule.finish([order[ended]])
    return finished


if __name__ == "__main__":
    main()
