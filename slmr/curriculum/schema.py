"""The rows that stages hand on, and the files they are in.

problems   id, task, problem, prompt, gold, kind, difficulty, solution (where the data has one)
validation as problems: held out of the pool
rollouts   problem_id, k_index, completion, finish_reason, tokens, status, strict
groups     problem_id, correct, k, rho, low, high, group      (k: completions with a verdict)
drift      problem_id, before, after                          (difficulty groups of two rounds)
outcomes   problem_id, correct, k, outcome, kept              (all wrong, mixed, all right, no verdict)
traces     problem_id, prompt, prefix, completion, source     (SFT: the loss is on `completion` alone)
failures   problem_id, completion
pairs      problem_id, prompt, chosen, rejected               (preferences)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from slmr.evaluate.metrics import ABSTENTIONS
from slmr.io import read_rows
from slmr.verify import verify

PROBLEMS = "problems.parquet"
VALIDATION = "validation.parquet"
ROLLOUTS = "rollouts.parquet"
GROUPS = "groups.parquet"
DRIFT = "drift.parquet"
OUTCOMES = "outcomes.parquet"
TRACES = "traces.parquet"
FAILURES = "failures.parquet"
PAIRS = "pairs.parquet"

Row = dict[str, Any]


def problems_by_id(folder: Path) -> dict[str, Row]:
    return {row["id"]: row for row in read_rows(folder / PROBLEMS)}


def rollouts_by_problem(folder: Path) -> dict[str, list[Row]]:
    """Rollouts of each problem, in the order they were drawn."""
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in read_rows(folder / ROLLOUTS):
        grouped[row["problem_id"]].append(row)
    return dict(grouped)


def tally(rollouts: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """How many rollouts are right, and how many got a verdict: an abstention is neither right nor wrong."""
    judged = [bool(row["strict"]) for row in rollouts if row["status"] not in ABSTENTIONS]
    return sum(judged), len(judged)


def ids_in_groups(folder: Path, groups: Iterable[str]) -> list[str]:
    """Ids of the problems in the named difficulty groups, in pool order."""
    wanted = set(groups)
    return [row["problem_id"] for row in read_rows(folder / GROUPS) if row["group"] in wanted]


def trace(
    problem: Mapping[str, Any], completion: str, source: str, prompt: str = "", prefix: str = ""
) -> Row:
    """One SFT example; the prompt is the problem's own unless another is given."""
    return {
        "problem_id": problem["id"],
        "prompt": prompt or problem["prompt"],
        "prefix": prefix,
        "completion": completion,
        "source": source,
    }


def verifies(text: str, problem: Mapping[str, Any]) -> bool:
    """Whether a text answers the problem rightly, in the form that is asked for."""
    return verify(text, problem["gold"], problem["kind"]).strict


def counted(rows: Sequence[Mapping[str, Any]], column: str) -> dict[str, int]:
    """How many rows have each value of a column, values sorted."""
    values = [str(row[column]) for row in rows]
    return {value: values.count(value) for value in sorted(set(values))}
