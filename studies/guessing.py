"""The scores of untrained students without guessing: the check behind the withdrawal of results/archive/lab.

    python -m studies.guessing results/archive/lab

About 30 % of an untrained student's completions are a bare answer without any step: a guess. Nothing is trained or
sampled here: the published completions of `base` are divided by whether they have a step (`split_steps`). If those
without steps were drawn again until they have one, the expected score of an item would be that of its completions with
a step; an item whose completions all lack steps keeps its score. Prints Markdown.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np

from slmr.results.runs.schema import SummaryRow, read_summary
from slmr.verify.trace_steps import split_steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a published run whose completions have their texts")
    parser.add_argument("--method", default="base")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rows = [
        row
        for row in read_summary(args.run / "summary.json").rows
        if (row.method, row.seed) == (args.method, args.seed)
    ]
    print("| student | task | completions without a step, % | as sampled, % | without guessing, % |")
    print("|---|---|---:|---:|---:|")
    for student in dict.fromkeys(row.student for row in rows):
        by_task = {row.task: scores(args.run, row) for row in rows if row.student == student}
        for task, values in {**by_task, "mean": np.mean(list(by_task.values()), axis=0)}.items():
            print(f"| {student} | {task} | " + " | ".join(f"{100 * value:.1f}" for value in values) + " |")


def scores(run: Path, row: SummaryRow) -> np.ndarray:
    """For one task, [3]: the share of completions without a step, accuracy as sampled, accuracy without guessing."""
    items: dict[str, list[tuple[bool, bool]]] = defaultdict(list)  # item → (has a step, is right)
    for sample in row.samples(run):
        items[sample["item_id"]].append((bool(split_steps(sample["completion"])), sample["strict"]))
    stepless = np.mean([not has_step for item in items.values() for has_step, _ in item])
    sampled = np.mean([right for item in items.values() for _, right in item])
    redrawn = [
        np.mean([right for has_step, right in item if has_step] or [right for _, right in item])
        for item in items.values()
    ]
    return np.array([stepless, sampled, np.mean(redrawn)])


if __name__ == "__main__":
    main()
