"""Verdicts of completions and their summary. Nothing here generates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from slmr.config import Edition
from slmr.errors import WorkError
from slmr.io import read_json, write_json
from slmr.parsing import StrictModel, first_fault
from slmr.tasks import Task
from slmr.verify import Kind, Verdict, checker_version, verify, verify_batch
from slmr.verify.choice import answer as choice
from slmr.verify.numeric import number
from slmr.verify.verdict import ABSTENTIONS

if TYPE_CHECKING:
    import numpy as np

SampleRow = Mapping[str, Any]
VerdictInput = tuple[str, str, Kind]  # completion, gold answer and its kind: all that a verdict depends on

VERDICT_FIELDS = ("status", "strict", "lenient", "extracted", "reason")
SOUND = "sound"  # right for the right reason; None outside the lab


class Judge:
    """Judges completions in a thread while the engine generates others."""

    def __init__(self, tasks: Mapping[str, Task]) -> None:
        self._tasks = tasks
        self._thread = ThreadPoolExecutor(1)
        self._decided: dict[VerdictInput, Future[Verdict]] = {}

    def add(self, row: SampleRow) -> None:
        """Queues a completion; returns at once."""
        case = _case(row, self._tasks)
        if case not in self._decided:
            self._decided[case] = self._thread.submit(verify, *case)

    def judged(self, rows: Sequence[SampleRow]) -> list[dict[str, Any]]:
        """The rows with their verdicts; rows that were not added, or timed out beside the engine, are judged now."""
        decided = {case: verdict.result() for case, verdict in self._decided.items()}
        in_time = {case: verdict for case, verdict in decided.items() if verdict.status != "timeout"}
        return judged(rows, self._tasks, in_time)

    def close(self) -> None:
        """Drops pending completions."""
        self._thread.shutdown(wait=True, cancel_futures=True)


def judged(
    rows: Sequence[SampleRow],
    tasks: Mapping[str, Task],
    decided: Mapping[VerdictInput, Verdict] | None = None,
) -> list[dict[str, Any]]:
    """The rows with the checkers' verdicts, replacing any they had. Equal cases are judged once."""
    cases = [_case(row, tasks) for row in rows]
    verdicts = dict(decided or {})
    kinds: set[Kind] = {task.kind for task in tasks.values()}
    for kind in kinds:
        distinct = list(dict.fromkeys(case for case in cases if case[2] == kind and case not in verdicts))
        of_kind = verify_batch([text for text, _, _ in distinct], [gold for _, gold, _ in distinct], kind)
        verdicts |= zip(distinct, of_kind, strict=True)
    with_verdicts = [
        {**row, **{name: getattr(verdicts[case], name) for name in VERDICT_FIELDS}}
        for row, case in zip(rows, cases, strict=True)
    ]
    return [
        {**r, SOUND: tasks[r["task"]].sound(r["item_id"], r["prompt"], r["completion"], r["strict"])}
        for r in with_verdicts
    ]


def _case(row: SampleRow, tasks: Mapping[str, Task]) -> VerdictInput:
    return str(row["completion"]), str(row["gold"]), tasks[row["task"]].kind


class TaskMetrics(StrictModel):
    """The summary of one task's judged completions: a row of `metrics.json`.

    Fields with a default are missing from artefacts that are older than they are.
    """

    n_items: int
    k: int
    accuracy: float
    accuracy_lenient: float
    format_loss: float
    sound: float | None = None
    stderr: float
    ci95: tuple[float, float]
    pass_at: dict[str, tuple[float, float, float]] | None = None
    maj_at_k: tuple[float, float, float] | None = None
    truncated_rate: float
    no_answer_rate: float
    abstained_rate: float
    mean_tokens: float
    statuses: dict[str, int]
    task_version: str
    checker_version: str
    edition: Edition
    suite: str = ""
    licence: str | None = None
    redistribute: bool | None = None
    data: str | None = None

    def summary_fields(self) -> dict[str, Any]:
        """What a row of `summary.json` takes over; it computes `format_loss` itself and has no counts of statuses."""
        return self.model_dump(exclude={"format_loss", "statuses"})


def write_metrics(path: Path, metrics: Mapping[str, TaskMetrics]) -> None:
    """Writes `metrics.json`: the metrics of each task."""
    write_json(path, {name: m.model_dump(mode="json", exclude_unset=True) for name, m in metrics.items()})


def read_metrics(path: Path) -> dict[str, TaskMetrics]:
    """Reads `metrics.json`.

    Raises:
        WorkError: a metric is unknown, missing or invalid.
    """
    try:
        return {name: TaskMetrics.model_validate(values) for name, values in read_json(path).items()}
    except ValidationError as error:
        raise WorkError(f"{path}: {first_fault(error, TaskMetrics)}") from None


def task_metrics(rows: Sequence[SampleRow], task: Task) -> TaskMetrics:
    """The summary of one task's judged completions.

    Accuracy is avg@k: the mean over items of the share of strictly right completions. With several completions
    per item also pass@j for k and every power of two up to k, and maj@k, each with its interval.
    """
    import numpy as np

    from slmr.stats import avg_at_k

    strict, lenient = by_item(rows, "strict"), by_item(rows, "lenient")
    estimate = avg_at_k(strict)
    accuracy_lenient = float(lenient.mean())
    return TaskMetrics(
        n_items=strict.shape[0],
        k=strict.shape[1],
        accuracy=estimate.mean,
        accuracy_lenient=accuracy_lenient,
        format_loss=accuracy_lenient - estimate.mean,
        sound=None if any(row.get(SOUND) is None for row in rows) else float(by_item(rows, SOUND).mean()),
        stderr=estimate.stderr,
        ci95=(estimate.low, estimate.high),
        **_of_several(rows, strict, task.kind),
        truncated_rate=float(np.mean([row["finish_reason"] == "length" for row in rows])),
        no_answer_rate=float(np.mean([row["status"] == "no_answer" for row in rows])),
        abstained_rate=float(np.mean([row["status"] in ABSTENTIONS for row in rows])),
        mean_tokens=float(np.mean([row["tokens"] for row in rows])),
        statuses=dict(sorted(Counter(row["status"] for row in rows).items())),
        task_version=f"{task.version}-{task.digest}",
        checker_version=checker_version(task.kind),
        edition=task.edition,
        suite=task.suite,
        licence=task.licence,
        redistribute=task.redistributable,
        data=task.data_note,
    )


def _of_several(rows: Sequence[SampleRow], strict: np.ndarray, kind: Kind) -> dict[str, Any]:
    """pass@j and maj@k as (value, low, high); empty for one completion per item."""
    from slmr.stats import maj_at_k, pass_at_k

    k = strict.shape[1]
    if k == 1:
        return {}
    correct, sizes = strict.sum(axis=1), [2**i for i in range(k.bit_length()) if 2**i <= k]
    passed = {j: pass_at_k(correct, k, j) for j in dict.fromkeys([*sizes, k])}
    votes = [
        [(answer_key(row, kind), bool(row["lenient"])) for row in group]
        for _, group in groupby(rows, key=lambda r: r["item_id"])
    ]
    majority = maj_at_k(votes)
    return {
        "pass_at": {str(j): (e.mean, e.low, e.high) for j, e in passed.items()},
        "maj_at_k": (majority.mean, majority.low, majority.high),
    }


def answer_key(row: SampleRow, kind: Kind) -> str | None:
    """The answer that a completion votes for: equal answers have equal keys; None if there is no answer.

    Right answers may be written differently, but all equal the gold answer, so they share one key.
    """
    text = row["extracted"]
    if row["lenient"]:
        return "right"
    if text is None:
        return None
    parsed = choice.parse(text) if kind == "choice" else number.parse(text)
    return "".join(text.split()) if parsed is None else str(parsed)


def by_item(rows: Sequence[SampleRow], column: str) -> np.ndarray:
    """A column as an array [items, k], items in the order of the rows."""
    import numpy as np

    groups = [[float(r[column]) for r in group] for _, group in groupby(rows, key=lambda r: r["item_id"])]
    return np.array(groups)
