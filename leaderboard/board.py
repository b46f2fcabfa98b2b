"""The board's numbers: means, intervals, gains and shared ranks, from summary rows and samples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import pandas as pd
from queries import Filters, Identity, identity, samples_of, select, task_order

from slmr.compare import Pair, difference
from slmr.results import Z95, SummaryRow
from slmr.standings import mean_interval
from slmr.stats import Difference, Estimate, minimum_detectable_difference, shared_ranks


@dataclass(frozen=True)
class Board:
    """One line a (method, student); numbers in percent or points, missing ones blank.

    Attributes:
        tasks: the tasks, each with columns `task` and `task ±` in the table.
        detectable: the smallest difference of two means that is found with 80 % power, points.
        paired: the share of the comparisons that were paired item by item.
    """

    table: pd.DataFrame
    tasks: list[str]
    detectable: float | None
    paired: float


@dataclass(frozen=True)
class _Line:
    """The rows of one (method, student), by task and seed."""

    method: str
    student: str
    kind: str
    seeds: list[int]
    rows: dict[tuple[str, int], SummaryRow]
    complete: bool

    def of_task(self, task: str) -> list[SummaryRow]:
        return [self.rows[task, seed] for seed in self.seeds if (task, seed) in self.rows]


def board(
    rows: Sequence[SummaryRow], filters: Filters, samples: Mapping[Identity, Path] | None = None
) -> Board:
    """The board of one edition. Ranks and gains are those among all methods, whatever kinds are shown."""
    rows = select(rows, filters)
    tasks = task_order(rows)
    lines = _lines(rows, tasks)
    files = samples_of(rows, samples or {})
    compared = {
        student: _compare([line for line in lines if line.student == student and line.complete], tasks, files)
        for student in dict.fromkeys(line.student for line in lines)
    }
    cells = [_cells(line, compared[line.student], tasks) for line in lines]
    shown = [c for c in cells if not filters.kinds or c["kind"] in (*filters.kinds, "base")]
    shown.sort(key=_order)
    table = pd.DataFrame(shown)
    # A column of blanks alone would not be one of numbers.
    table = table.astype({name: float for name in table.columns if all(c[name] is None for c in shown)})
    return Board(table, tasks, _detectable(compared), _paired_share(compared))


def _order(cells: Mapping[str, Any]) -> tuple[str, float, float, str]:
    """By student, then rank, then mean; lines without a rank last."""
    rank, mean = cells["rank"], cells["mean"]
    return cells["student"], math.inf if rank is None else rank, -(mean or 0.0), cells["method"]


def _lines(rows: Sequence[SummaryRow], tasks: Sequence[str]) -> list[_Line]:
    groups: dict[tuple[str, str], dict[tuple[str, int], SummaryRow]] = {}
    for row in rows:
        groups.setdefault((row.method, row.student), {})[row.task, row.seed] = row
    lines = []
    for (method, student), group in groups.items():
        seeds = sorted({seed for _, seed in group})
        whole = [seed for seed in seeds if all((task, seed) in group for task in tasks)]
        kind = next(iter(group.values())).method_kind
        # A seed that lacks a task would shift the mean: it counts only where no seed is whole.
        lines.append(_Line(method, student, kind, whole or seeds, group, bool(whole)))
    return lines


# ------------------------------------------------------------------------------- comparisons


@dataclass(frozen=True)
class _Task:
    """A line's strict verdicts on a task: item ids, and [seeds, items, completions] of 0 and 1."""

    items: list[str]
    values: np.ndarray


Scores = list[_Task]


@dataclass(frozen=True)
class _Comparison:
    """The complete lines of one student against each other."""

    ranks: dict[str, int]
    means: dict[str, Estimate]
    gains: dict[str, Difference]
    stderrs: list[float]
    paired: list[bool]


def _compare(lines: Sequence[_Line], tasks: Sequence[str], files: Mapping[Identity, Path]) -> _Comparison:
    scores = [_scores(line, tasks, files) for line in lines]
    size = len(lines)
    pvalues = [[1.0] * size for _ in lines]
    stderrs, paired = [], []
    for i, j in combinations(range(size), 2):
        found = _paired(scores[i], scores[j], lines[i].seeds == lines[j].seeds)
        either = found or _unpaired(lines[i], lines[j], tasks)
        pvalues[i][j] = pvalues[j][i] = either.p
        stderrs.append(either.stderr)
        paired.append(found is not None)
    ranks = shared_ranks([_mean(line, tasks) for line in lines], pvalues)
    base = next((line for line in lines if line.kind == "base"), None)
    gains = {}
    for line, own in zip(lines, scores, strict=True):
        if base is None or line.kind == "base" or not set(line.seeds) <= set(base.seeds):
            continue
        same_seeds = replace(base, seeds=line.seeds)
        found = _paired(own, _scores(same_seeds, tasks, files), True)
        gains[line.method] = found or _unpaired(line, same_seeds, tasks)
    methods = [line.method for line in lines]
    means = {m: mean_interval([t.values for t in own]) for m, own in zip(methods, scores, strict=True) if own}
    return _Comparison(dict(zip(methods, ranks, strict=True)), means, gains, stderrs, paired)


def _paired(a: Scores | None, b: Scores | None, same_seeds: bool) -> Difference | None:
    """The difference of two lines as `slmr compare` has it, where both have samples of the same items."""
    if a is None or b is None or any(x.items != y.items for x, y in zip(a, b, strict=True)):
        return None
    return difference([
        Pair(x.items, x.values, y.values, crossed=same_seeds and len(x.values) > 1 and len(x.items) > 1)
        for x, y in zip(a, b, strict=True)
    ])  # fmt: skip


def _unpaired(a: _Line, b: _Line, tasks: Sequence[str]) -> Difference:
    """Welch's t-test on the means, with the fewest degrees of freedom that it can have: cautious.

    It also ignores that the items are shared, so it finds less than a paired test.
    """
    from scipy import stats

    mean = _mean(a, tasks) - _mean(b, tasks)
    stderr = math.hypot(_stderr(a, tasks), _stderr(b, tasks))
    fewest = min(row.n_items for line in (a, b) for task in tasks for row in line.of_task(task))
    law = stats.t(max(fewest - 1, 1))
    half = float(law.ppf(0.975)) * stderr
    return Difference(mean, stderr, mean - half, mean + half, float(2 * law.sf(abs(mean) / stderr)))


def _mean(line: _Line, tasks: Sequence[str]) -> float:
    """Unweighted mean over tasks of the mean over seeds."""
    return fmean(fmean(row.accuracy for row in line.of_task(task)) for task in tasks)


def _stderr(line: _Line, tasks: Sequence[str]) -> float:
    """Of the mean, from sampling items. Seeds share their items: averaging them gains nothing here."""
    variances = [fmean(row.cautious_stderr for row in line.of_task(task)) ** 2 for task in tasks]
    return math.sqrt(sum(variances)) / len(tasks)


def _detectable(compared: Mapping[str, _Comparison]) -> float | None:
    """For the comparison with the largest error, so it holds for all of them."""
    errors = [stderr for comparison in compared.values() for stderr in comparison.stderrs]
    return 100 * minimum_detectable_difference(max(errors)) if any(errors) else None


def _paired_share(compared: Mapping[str, _Comparison]) -> float:
    paired = [one for comparison in compared.values() for one in comparison.paired]
    return fmean(paired) if paired else 0.0


# ----------------------------------------------------------------------------------- samples


def _scores(line: _Line, tasks: Sequence[str], files: Mapping[Identity, Path]) -> Scores | None:
    """Strict scores of each task; None where samples lack or do not fit the row."""
    scores = []
    for task in tasks:
        seeds = []
        for row in line.of_task(task):
            file = files.get(identity(row))
            table = None if file is None else _read_strict(file, file.stat().st_mtime_ns, file.stat().st_size)
            if table is None or not math.isclose(table.to_numpy().mean(), row.accuracy, abs_tol=1e-6):
                return None
            seeds.append(table)
        if any(not t.index.equals(seeds[0].index) or t.shape != seeds[0].shape for t in seeds):
            return None
        scores.append(_Task(list(seeds[0].index), np.stack([table.to_numpy() for table in seeds])))
    return scores


@lru_cache(maxsize=4096)
def _read_strict(file: Path, _mtime: int, _size: int) -> pd.DataFrame | None:
    """Strict verdicts as items by k, sorted by item; None where the file is not such a table."""
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(file, columns=["item_id", "k_index", "strict"]).to_pandas()
        table = rows.pivot(index="item_id", columns="k_index", values="strict").astype(float)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return None if table.empty or table.isna().to_numpy().any() else table.sort_index()


# ------------------------------------------------------------------------------------- cells


def _cells(line: _Line, compared: _Comparison, tasks: Sequence[str]) -> dict[str, Any]:
    """One line of the table. A line that lacks a task has no mean, gain or rank."""
    cells: dict[str, Any] = {
        "rank": compared.ranks.get(line.method),
        "method": line.method,
        "student": line.student,
        "mean": 100 * _mean(line, tasks) if line.complete else None,
        "mean ±": 100 * _half(line, compared.means.get(line.method), tasks) if line.complete else None,
        **_gain(compared.gains.get(line.method)),
    }
    for task in tasks:
        rows = line.of_task(task)
        cells[task] = 100 * fmean(row.accuracy for row in rows) if rows else None
        cells[f"{task} ±"] = 100 * fmean((r.ci95[1] - r.ci95[0]) / 2 for r in rows) if rows else None
    return cells | {
        "kind": line.kind,
        "seeds": len(line.seeds),
        "seed spread": _seed_spread(line, tasks),
        **_costs(line),
    }


def _half(line: _Line, found: Estimate | None, tasks: Sequence[str]) -> float:
    """Half the interval of the mean; without samples from the rows, which know nothing of what seeds share."""
    return Z95 * _stderr(line, tasks) if found is None else (found.high - found.low) / 2


def _gain(found: Difference | None) -> dict[str, Any]:
    """Mean minus base's with the same seeds; blank where base was not measured with them."""
    if found is None:
        return {"gain": None, "gain ±": None}
    return {"gain": 100 * found.mean, "gain ±": 100 * (found.high - found.low) / 2}


def _seed_spread(line: _Line, tasks: Sequence[str]) -> float | None:
    """Standard deviation of the mean from one training seed to the next."""
    if not line.complete or len(line.seeds) < 2:
        return None
    return 100 * stdev(fmean(line.rows[task, seed].accuracy for task in tasks) for seed in line.seeds)


def _costs(line: _Line) -> dict[str, Any]:
    """Rates over all rows; costs as the mean over seeds of one training, which all tasks share."""
    rows = [row for (_, seed), row in line.rows.items() if seed in line.seeds]
    trainings = list({row.seed: row for row in rows}.values())
    return {
        "format loss": 100 * fmean(row.accuracy_lenient - row.accuracy for row in rows),
        "cut off": 100 * fmean(row.truncated_rate for row in rows),
        "no answer": 100 * fmean(row.no_answer_rate for row in rows),
        "trained tokens": fmean(row.train_tokens for row in trainings),
        "sampled tokens": fmean(row.rollout_tokens for row in trainings),
        "teacher tokens": fmean(row.teacher_tokens for row in trainings),
        "FLOPs": fmean(row.flops for row in trainings),
        "seconds": fmean(row.wall_s for row in trainings),
        "items": sum(row.n_items for row in rows if row.seed == line.seeds[0]),
        "command": rows[0].command,
    }


def as_csv(board: Board, edition: str) -> str:
    """The lines shown, with every interval. Text that a spreadsheet would run as a formula is quoted."""
    table = board.table.copy()
    table.insert(0, "edition", edition)
    table["rank"] = table["rank"].astype("Int64")
    for name in ("method", "kind", "student", "command"):
        table[name] = [f"'{text}" if text[:1] in tuple("=+-@\t\r") else text for text in table[name]]
    return table.to_csv(index=False)
