"""Compares our verdicts and means of stored completions with those of lm-eval, which runs in a separate process."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from slmr.errors import WorkError
from slmr.evaluate.lm_eval_pass import SCORES, Graded, Request, Sheet, rows_by_task
from slmr.evaluate.metrics import ABSTENTIONS
from slmr.subprocesses import ChildProcess
from slmr.tasks import Task

_COLUMNS = ("task", "item_id", "k_index", "prompt", "completion", "status", "strict", "lenient")
_SHOWN = 60  # characters of a prompt that are shown


@dataclass(frozen=True, slots=True)
class Scored:
    """The number of completions of one task, and the mean accuracy that we report for them.

    `files`: the samples that lm-eval reads, then copies of them, which have their own verdicts.
    """

    task: Task
    accuracy: float
    files: tuple[Path, ...]
    completions: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """The number of completions with the same prompt and verdict in lm-eval, and a line for each difference."""

    agreed: int
    differences: tuple[str, ...]


def agreements(scored: Sequence[Scored], processes: int = 1) -> Iterator[tuple[int, Agreement]]:
    """Lets lm-eval grade all completions, and yields each comparison and its position as soon as it is ready.

    Several processes have tasks of their own each, so no more run than there are tasks.

    Raises:
        WorkError: a file is damaged, or lm-eval failed; the message includes the end of its log.
    """
    roots = sorted({each.task.folder.parent for each in scored})
    graded: SimpleQueue[tuple[int, str] | None] = SimpleQueue()  # None at the end of a process's output
    shares, ended = _shares(scored, processes), 0
    rows_of = lru_cache(maxsize=2)(partial(rows_by_task, columns=_COLUMNS))  # a file has several tasks
    with ExitStack() as running:
        for share in shares:
            sheets = [Sheet(file=scored[i].files[0], task=scored[i].task.name) for i in share]
            request = Request(roots=roots, sheets=sheets)
            running.enter_context(_lm_eval(request, share, graded))
        while ended < len(shares):
            if message := graded.get():
                position, line = message
                yield position, _compare(scored[position], Graded.model_validate_json(line), rows_of)
            else:
                ended += 1


def _shares(scored: Sequence[Scored], processes: int) -> list[list[int]]:
    """The positions that each process grades: whole tasks, about as many completions each."""
    of_task: dict[str, list[int]] = {}
    for i, each in enumerate(scored):
        of_task.setdefault(each.task.name, []).append(i)
    sizes = {name: sum(scored[i].completions for i in positions) for name, positions in of_task.items()}
    shares: list[list[str]] = [[] for _ in range(max(1, min(processes, len(of_task))))]
    for name in sorted(sizes, key=lambda name: -sizes[name]):
        min(shares, key=lambda share: sum(sizes[other] for other in share)).append(name)
    return [sorted(i for name in share for i in of_task[name]) for share in shares]


@contextmanager
def _lm_eval(request: Request, positions: Sequence[int], graded: SimpleQueue[tuple[int, str] | None]) -> Iterator[None]:
    """Runs the process that grades the request; its lines are put into `graded`, with their positions."""
    remaining = iter(positions)
    process = ChildProcess(
        "slmr.evaluate.lm_eval_pass",
        on_line=lambda line: graded.put((next(remaining), line)),
        on_end=lambda code: graded.put(None),
        environment={"TQDM_DISABLE": "1", "TOKENIZERS_PARALLELISM": "false", "LMEVAL_LOG_LEVEL": "ERROR"},
    )
    try:
        process.send_last(request.model_dump_json())
        yield
        if code := process.wait():
            raise WorkError(f"lm-eval could not check the completions (exit code {code}): {process.end_of_log()}")
    finally:
        process.end()


def _compare(scored: Scored, theirs: Graded, rows_of: Callable[[Path], Mapping[str, Any]]) -> Agreement:
    name = scored.task.name
    ours, *copies = (rows_of(file).get(name, []) for file in scored.files)
    k = len(theirs.items[0].scores)
    graded = [(item.prompt, scores) for item in theirs.items for scores in item.scores]
    faults: dict[int, str] = {}  # number of a completion → its first fault in any file
    for rows in (ours, *copies):
        if [row["completion"] for row in rows] != [row["completion"] for row in ours]:
            faults |= dict.fromkeys(range(len(ours)), f"{name}: the run's copies of these completions differ")
        for i, (row, (prompt, scores)) in enumerate(zip(rows, graded, strict=False)):
            fault = _fault(row, prompt, scores)
            if fault:
                which = f" (completion {row['k_index']})" if k > 1 else ""
                faults.setdefault(i, f"{name} {row['item_id']}{which}: {fault}")
    lines = list(dict.fromkeys(faults[i] for i in sorted(faults)))
    if len(ours) != len(graded):
        lines.append(f"{name}: {len(ours) // k} items were answered, lm-eval has {len(theirs.items)}")
    elif not math.isclose(theirs.accuracy, scored.accuracy, abs_tol=1e-9):
        lines.append(f"{name}: lm-eval's mean accuracy is {theirs.accuracy:.4f}, the run's {scored.accuracy:.4f}")
    return Agreement(min(len(ours), len(graded)) - len(faults), tuple(lines))


def _fault(row: Mapping[str, Any], prompt: str, theirs: Mapping[str, float]) -> str | None:
    """The difference between lm-eval and us on a completion; None if there is none."""
    if row["prompt"] != prompt:
        return f"lm-eval's prompt is {prompt[:_SHOWN]!r}, the run's {str(row['prompt'])[:_SHOWN]!r}"
    ours = _scores(row)
    differences = ", ".join(
        f"{name} {theirs[name]:g}, ours {ours[name]:g}" for name in SCORES if ours[name] != theirs[name]
    )
    return f"lm-eval says {differences} ({row['status']})" if differences else None


def _scores(row: Mapping[str, Any]) -> dict[str, float]:
    """Our verdict as lm-eval's metrics."""
    values = (row["strict"], row["lenient"], row["status"] == "no_answer", row["status"] in ABSTENTIONS)
    return dict(zip(SCORES, map(float, values), strict=True))
