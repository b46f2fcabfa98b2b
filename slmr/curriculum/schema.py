"""The rows that stages exchange, and the Parquet files that hold them.

A `RowFile` is the file's name in an artefact's folder. Its rows are a TypedDict, known to the type checker; reading
and writing check every column against it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from types import UnionType
from typing import (
    Any,
    Generic,
    Literal,
    TypedDict,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from slmr.errors import WorkError
from slmr.io import read_rows, write_rows
from slmr.verify import Kind, Status, verify
from slmr.verify.verdict import ABSTENTIONS

Group = Literal["hard", "medium", "simple"]
GroupOutcome = Literal["all wrong", "mixed", "all right", "no verdict"]


class Problem(TypedDict):
    """A problem of the pool. `difficulty` is the lab's level; it and `solution` are None if the data has none."""

    id: str
    task: str
    problem: str
    prompt: str
    gold: str
    kind: Kind
    difficulty: int | None
    solution: str | None


class Rollout(TypedDict):
    """The `k_index`-th completion of a problem, with its verdict."""

    problem_id: str
    k_index: int
    completion: str
    finish_reason: Literal["stop", "length"]
    tokens: int
    status: Status
    strict: bool


class Rate(TypedDict):
    """A problem's correctness rate: `correct` of the `k` completions with a verdict are right.

    `rho` is the rate, `low` and `high` are its 95 % interval, `group` is the difficulty group.
    """

    problem_id: str
    correct: int
    k: int
    rho: float
    low: float
    high: float
    group: Group


class Move(TypedDict):
    """A problem's difficulty groups in two rounds."""

    problem_id: str
    before: Group
    after: Group


class ProblemOutcome(TypedDict):
    """A problem's rewards, and whether it is kept for RL."""

    problem_id: str
    correct: int
    k: int
    outcome: GroupOutcome
    kept: bool


class Trace(TypedDict):
    """An SFT example: the loss is only on `completion`, which follows `prompt` and `prefix`."""

    problem_id: str
    prompt: str
    prefix: str
    completion: str
    source: str


class Failure(TypedDict):
    """A completion of a group whose rewards were all 0."""

    problem_id: str
    completion: str


class Pair(TypedDict):
    """A preference: `chosen` is right, `rejected` is wrong."""

    problem_id: str
    prompt: str
    chosen: str
    rejected: str


class Candidate(TypedDict):
    """A trace that Bridge considered; `nll` (nats per token), `spikes` (share), `score` are None if it has a `fault`.

    `verified`: its answer is right; `slmr.curriculum.soundness` defines the other faults.
    """

    problem_id: str
    source: str
    text: str
    verified: bool
    fault: str | None
    kept: bool
    nll: float | None
    spikes: float | None
    score: float | None
    token_nlls: list[float] | None


class Critique(TypedDict):
    """A failed attempt and its supervision; `wrong_step` counts from 0, and is None if none was found.

    A refused target is None, and its fault is given; `worked`: `new` is the teacher's worked solution.
    """

    problem_id: str
    problem: str
    attempt: str
    wrong_step: int | None
    found_by: str | None
    step_text: str
    right: str
    confirmed: bool
    diagnosis: str | None
    repair_prefix: str
    repair: str | None
    repair_fault: str | None
    new: str | None
    new_fault: str | None
    worked: bool


AnyRow = TypeVar("AnyRow", bound=Mapping[str, Any])


class RowFile(str, Generic[AnyRow]):
    """The name of a Parquet file in an artefact's folder, with the columns of its rows."""

    _types: dict[str, frozenset[type]]  # column → the types that its values may have

    def __new__(cls, name: str, row: type[AnyRow]) -> RowFile[AnyRow]:
        file = super().__new__(cls, name)
        file._types = {column: _value_types(hint) for column, hint in get_type_hints(row).items()}
        return file

    def write(self, folder: Path, rows: Sequence[AnyRow]) -> None:
        """Writes the rows, atomically.

        Raises:
            WorkError: a column is missing, unknown, or of the wrong type.
        """
        self._check(folder, rows)
        if unknown := {column for row in rows for column in row} - self._types.keys():
            raise WorkError(f"{folder.name}: {self} has no column '{min(unknown)}'")
        write_rows(folder / self, rows)

    def read(self, folder: Path) -> list[AnyRow]:
        """The rows of the file in this folder. Columns that are not declared are kept.

        Raises:
            WorkError: there is no such file, or a column is missing or of the wrong type.
        """
        if not (folder / self).is_file():
            raise WorkError(f"{folder.name}: there is no {self} in this artefact")
        rows = cast(list[AnyRow], read_rows(folder / self))
        self._check(folder, rows)
        return rows

    def _check(self, folder: Path, rows: Sequence[AnyRow]) -> None:
        for column, allowed in self._types.items():
            try:
                types = set(map(type, map(itemgetter(column), rows)))
            except KeyError:
                raise WorkError(f"{folder.name}: {self} lacks the column '{column}'") from None
            if wrong := types - allowed:
                wanted, got = (" or ".join(sorted(t.__name__ for t in some)) for some in (allowed, wrong))
                raise WorkError(f"{folder.name}: {self}: column '{column}' holds {got}, not {wanted}")


def _value_types(hint: Any) -> frozenset[type]:
    """The types of the values that a type hint allows."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return frozenset().union(*map(_value_types, arguments))
    if origin is Literal:
        return frozenset(map(type, arguments))
    return frozenset({float, int} if hint is float else {origin or hint})


PROBLEMS = RowFile("problems.parquet", Problem)
VALIDATION = RowFile("validation.parquet", Problem)  # problems held out of the pool
ROLLOUTS = RowFile("rollouts.parquet", Rollout)
GROUPS = RowFile("groups.parquet", Rate)
DRIFT = RowFile("drift.parquet", Move)
OUTCOMES = RowFile("outcomes.parquet", ProblemOutcome)
TRACES = RowFile("traces.parquet", Trace)
FAILURES = RowFile("failures.parquet", Failure)
PAIRS = RowFile("pairs.parquet", Pair)
SCORES = RowFile("scores.parquet", Candidate)
CRITIQUES = RowFile("critiques.parquet", Critique)


def problems_by_id(folder: Path) -> dict[str, Problem]:
    """The problems of a pool, in its order."""
    return {row["id"]: row for row in PROBLEMS.read(folder)}


def rollouts_by_problem(folder: Path) -> dict[str, list[Rollout]]:
    """Rollouts of each problem, in the order in which they were sampled."""
    grouped: dict[str, list[Rollout]] = defaultdict(list)
    for row in ROLLOUTS.read(folder):
        grouped[row["problem_id"]].append(row)
    return dict(grouped)


def tally(rollouts: Iterable[Rollout]) -> tuple[int, int]:
    """The numbers of right rollouts and of rollouts with a verdict; abstentions count in neither."""
    judged = [row["strict"] for row in rollouts if row["status"] not in ABSTENTIONS]
    return sum(judged), len(judged)


def distinct_texts(rollouts: Iterable[Rollout], right: bool) -> list[str]:
    """The distinct texts of the right, or of the wrong, completions; an abstention is neither."""
    matches = [r for r in rollouts if (r["strict"] if right else r["status"] in ("wrong", "no_answer"))]
    return [text for text in dict.fromkeys(r["completion"].strip() for r in matches) if text]


def ids_in_groups(folder: Path, groups: Sequence[str]) -> list[str]:
    """Ids of the problems in the named difficulty groups, in pool order."""
    return [row["problem_id"] for row in GROUPS.read(folder) if row["group"] in groups]


def trace(problem: Problem, completion: str, source: str, prompt: str = "", prefix: str = "") -> Trace:
    """One SFT example; the prompt is the problem's unless another is passed."""
    return {
        "problem_id": problem["id"],
        "prompt": prompt or problem["prompt"],
        "prefix": prefix,
        "completion": completion,
        "source": source,
    }


def verifies(text: str, problem: Problem) -> bool:
    """Whether a text answers the problem correctly, in the requested form."""
    return verify(text, problem["gold"], problem["kind"]).strict


def counted(values: Iterable[object]) -> dict[str, int]:
    """The number of occurrences of each value, sorted by value."""
    return dict(sorted(Counter(map(str, values)).items()))
