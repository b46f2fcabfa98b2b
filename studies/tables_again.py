"""Recomputes the tables of a published run from its verdicts with pandas, and compares them with its report.

    python -m studies.tables_again results/lab-quick

It does not use slmr: completions and capability counts are read as Parquet, and the report's figures are computed
independently: means, gains and soundness of the ranking, accuracy and change by task, accuracy by reach, and pass@k,
but no intervals. Prints Markdown, one row per table; the exit code is 1 if a figure differs in any printed digit.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from math import comb, isnan
from pathlib import Path
from typing import Any

ROUNDING = 0.05 + 1e-6  # points, for a figure with one decimal place
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
Figure = Callable[[str, str], "float | None"]  # (method, heading) → points; None if the verdicts do not contain it


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    run = parser.parse_args().run
    print("| student | table | figures | largest distance, points |\n|---|---|---:|---:|")
    worst, count = 0.0, 0
    for student, table, far in distances(run):
        print(f"| {student} | {table} | {len(far)} | {max(far):.4f} |")
        worst, count = max(worst, *far), count + len(far)
    print(f"\n{count} figures of the report; the largest distance is {worst:.4f} points.")
    sys.exit(int(worst > ROUNDING or not count))


def distances(run: Path) -> Iterator[tuple[str, str, list[float]]]:
    """Student, table, and the distances of its printed figures from those computed here."""
    import pandas as pd

    files = sorted(run.glob("samples/*/*/seed-*/*.parquet"))
    columns = ["method", "student", "seed", "task", "reach", "strict", "sound"]
    all_verdicts = pd.concat([pd.read_parquet(file).reindex(columns=columns) for file in files])
    report = (run / "report.md").read_text(encoding="utf-8")
    for student, verdicts in all_verdicts.groupby("student"):
        section = re.search(rf"^## {re.escape(str(student))}\n(.*?)(?=^## |\Z)", report, re.M | re.S)
        if section is None:
            raise SystemExit(f"{run}/report.md has no section of {student}: make it with slmr report")
        for name, first, figure in figures_of(verdicts, capability_of(run, str(student))):
            for head, rows in tables(section[1], first):
                far = [
                    abs(printed - value)
                    for row in rows
                    for heading, printed in printed_of(head, row)
                    if (value := figure(row[head.index("method")], heading)) is not None and not isnan(value)
                ]
                if far:
                    yield str(student), name, far


def tables(text: str, first: str) -> Iterator[tuple[list[str], list[list[str]]]]:
    """Heads and rows of the Markdown tables below a title that contains `first`."""
    for title, block in re.findall(r"^(\S[^\n|]*)\n\n((?:\|[^\n]*\n?)+)", text, re.M):
        if first in title:
            head, _, *rows = [[c.strip() for c in line.strip("| ").split(" | ")] for line in block.splitlines()]
            width = len(head)
            yield head, [["", *row] if len(row) < width else row for row in rows]


def printed_of(head: list[str], row: list[str]) -> Iterator[tuple[str, float]]:
    """Each figure of a row with its heading; the last one of `85.2 (82.7 to 87.5) / 85.0` as `sound, HEADING`."""
    for heading, cell in zip(head, row, strict=True):
        strict, _, sound = cell.partition(" / ")
        for name, text in ((heading, strict), (f"sound, {heading}", sound)):
            if match := _NUMBER.match(text):
                yield name, float(match[0])


def figures_of(verdicts: Any, capability: Any) -> Iterator[tuple[str, str, Figure]]:
    """The recomputed tables: a name, a part of the title, and a function that computes a figure."""
    right = (100.0 * verdicts.groupby(["method", "task"])["strict"].mean()).unstack()
    sound = (100.0 * verdicts.groupby(["method", "task"])["sound"].mean()).unstack()
    reach = {
        prefix: (100.0 * verdicts.groupby(["method", "reach"])[column].mean()).unstack()
        for prefix, column in (("", "strict"), ("sound, ", "sound"))
    }

    def ranking(method: str, heading: str) -> float | None:
        mean = right.mean(axis=1)
        figures = {"mean": mean, "gain": mean - mean.get("base", float("nan")), "sound": sound.mean(axis=1)}
        return float(figures[heading][method]) if heading in figures else None

    def by_task(method: str, heading: str, of: Any = right) -> float | None:
        if method == "base, %":  # the row of accuracies below the changes
            return by_task("base", heading)
        columns = [task for task in of.columns if task in (heading, f"lab_{heading}")]
        return float(of.loc[method, columns[0]]) if columns else None

    def by_reach(method: str, heading: str) -> float | None:
        prefix = "sound, " if heading.startswith("sound, ") else ""
        name = heading.removeprefix(prefix).split(" (")[0]
        return float(reach[prefix].loc[method, name]) if name in reach[prefix].columns else None

    yield "ranking", "mean accuracy over tasks", ranking
    yield "accuracy by task", "Accuracy by task", by_task
    changes = right - right.loc["base"] if "base" in right.index else right
    yield "change by task", "Change from the untrained student", lambda m, h: by_task(m, h, changes)
    yield "accuracy by reach", "by what an item needs", by_reach
    if capability is not None:
        yield "pass@k", "pass@k in percent", lambda method, heading: pass_at(capability, method, heading)


def capability_of(run: Path, student: str) -> Any:
    """The numbers of right completions of each item for all methods; None if they were not measured."""
    import pandas as pd

    files = sorted(run.glob(f"capability/*/{student}/seed-*.parquet"))
    frames = [pd.read_parquet(file).assign(method=file.parts[-3]) for file in files]
    return pd.concat(frames) if frames else None


def pass_at(capability: Any, method: str, heading: str) -> float | None:
    """pass@k as the share of samples of size k with a right completion (2107.03374, equation 1), by counting."""
    match = re.fullmatch(r"k = (\d+)", heading)
    if not match:
        return None
    k, rows = int(match[1]), capability[capability["method"] == method]
    missed = [comb(n - c, k) / comb(n, k) for n, c in zip(rows["k"], rows["correct"], strict=True)]
    return 100.0 * (1.0 - sum(missed) / len(missed))


if __name__ == "__main__":
    main()
