"""Recomputes the effects of the factorial experiment with pandas and statsmodels, and compares them with a report.

    python -m studies.main_effects results/lab-claim --report report.md

It does not use slmr: the samples of the eight recipes are read as Parquet, and each factor is a column of -1/2 and 1/2
in a linear model of all completions with all interactions. So a main effect is what the factor adds, and an interaction
of two factors is how much more the one adds if the other is present. Needs pandas, pyarrow and statsmodels. Prints
Markdown; the exit code is 1 if a figure of the report differs in any printed digit.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from itertools import product
from pathlib import Path

LEVELS = {
    "bridge": ("raw", "bridged"),
    "selection": ("all", "selected"),
    "consolidation": ("pool", "consolidated"),
}
ROUNDING = 0.05 + 1e-6  # points, for a figure with one decimal place


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--report", type=Path, help="whose table of effects is compared, that of all students together")
    args = parser.parse_args()
    tasks, students = of_summary(args.run)
    columns = {tasks[0]: effects(args.run, students, tasks[:1])}
    if len(tasks) > 1:
        columns[f"mean of {len(tasks)} tasks"] = effects(args.run, students, tasks)
    print("| effect | " + " | ".join(columns) + " |\n|---|" + "---:|" * len(columns))
    for name in columns[tasks[0]]:
        print(f"| {name} | " + " | ".join(f"{column[name]:+.3f}" for column in columns.values()) + " |")
    if args.report:
        sys.exit(compare(columns, args.report.read_text(encoding="utf-8")))


def of_summary(run: Path) -> tuple[list[str], list[str]]:
    """The tasks in their order, and the students that have all eight recipes."""
    rows = json.loads((run / "summary.json").read_text(encoding="utf-8"))["rows"]
    cells = {"_".join(levels) for levels in product(*LEVELS.values())}
    students = dict.fromkeys(row["student"] for row in rows)
    whole = [s for s in students if cells <= {row["method"] for row in rows if row["student"] == s}]
    return list(dict.fromkeys(row["task"] for row in rows)), whole


def effects(run: Path, students: list[str], tasks: list[str]) -> dict[str, float]:
    """Effect → its mean over tasks and students, in points."""
    import pandas as pd
    import statsmodels.formula.api as smf

    frames = []
    for levels, student, task in product(product(*LEVELS.values()), students, tasks):
        for file in sorted((run / "samples" / "_".join(levels) / student).glob(f"seed-*/{task}.parquet")):
            frame = pd.read_parquet(file, columns=["strict"])
            halves = {
                name: (1 if level == of[1] else -1) / 2
                for (name, of), level in zip(LEVELS.items(), levels, strict=True)
            }
            frames.append(frame.assign(right=100.0 * frame["strict"], student=student, task=task, **halves))
    data = pd.concat(frames)
    effects: dict[str, float] = {}
    for _, part in data.groupby(["student", "task"]):
        model = smf.ols("right ~ " + " * ".join(LEVELS), data=part).fit()
        for name, value in model.params.items():
            if name != "Intercept":
                label = str(name).replace(":", " × ")
                effects[label] = effects.get(label, 0.0) + float(value) / len(students) / len(tasks)
    return effects


def compare(columns: dict[str, dict[str, float]], report: str) -> int:
    """Prints the largest distance to the report's figures; returns 1 if one differs after rounding."""
    table = next(block for block in re.findall(r"(?:^\|.*\n?)+", report, re.M) if block.startswith("| effect |"))
    head, _, *rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in table.splitlines()]
    worst = 0.0
    for row in rows:
        printed = dict(zip(head, row, strict=True))
        for name, column in columns.items():
            heading = next(h for h in head if h.startswith(name) and h.endswith("strict accuracy"))
            worst = max(worst, abs(float(printed[heading].split()[0]) - column[printed["effect"]]))
    print(f"\nLargest distance to the report's {len(rows) * len(columns)} figures: {worst:.4f} points.")
    return int(worst > ROUNDING)


if __name__ == "__main__":
    main()
