"""lm-eval's own verdicts on stored completions, in a separate process: `python -m slmr.evaluate.lm_eval_pass`.

Its standard input is one line of JSON, a `Request`: files of completions and the folders of the tasks. It reads only
the completions from those files, not our verdicts. lm-eval renders every prompt, scores every completion with the
functions that the tasks name, and takes the means. Its standard output is a line of JSON, a `Graded`, for each
sheet; the output of libraries goes to standard error.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmr.errors import WorkError
from slmr.io import digest, read_rows
from slmr.parsing import StrictModel
from slmr.subprocesses import reserve_stdout

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance

SCORES = ("accuracy", "accuracy_lenient", "no_answer", "abstained")


class Sheet(StrictModel):
    """The completions of one task in a file of samples: k consecutive rows for each item."""

    file: Path
    task: str


class Request(StrictModel):
    """What to grade; `roots` are the folders that contain the tasks' folders."""

    roots: list[Path]
    sheets: list[Sheet]


class GradedItem(StrictModel):
    """One of lm-eval's documents: the prompt that it renders, and each completion's `SCORES`, 0 or 1."""

    prompt: str
    scores: list[dict[str, float]]


class Graded(StrictModel):
    """lm-eval's result for a sheet: its documents in its own order, and its mean accuracy."""

    items: list[GradedItem]
    accuracy: float


def main() -> None:
    """Grades one request."""
    out = reserve_stdout()
    for graded in grade(Request.model_validate_json(sys.stdin.readline())):
        out.write(graded.model_dump_json() + "\n")
        out.flush()
    gc.freeze()  # else the exit, for which the parent waits, looks through all objects of the libraries


def grade(request: Request) -> Iterator[Graded]:
    """Grades the sheets in order; sheets with the same completions of a task are graded once."""
    from lm_eval import utils
    from lm_eval.tasks import TaskManager

    # lm-eval compiles a task's templates again for every document.
    utils.env.from_string = lru_cache(maxsize=64)(utils.env.from_string)  # type: ignore[method-assign]
    roots: list[Any] = list(request.roots)
    manager = TaskManager(include_path=roots, include_defaults=False)
    tasks = manager.load(sorted({sheet.task for sheet in request.sheets}))["tasks"]
    filters = {name: task._filters[0].filters for name, task in tasks.items()}
    known: dict[str, Graded] = {}
    rows_of = lru_cache(maxsize=2)(partial(rows_by_task, columns=("task", "item_id", "completion")))
    for sheet in request.sheets:
        completions = _completions(rows_of(sheet.file).get(sheet.task, []))
        key = digest([sheet.task, completions])
        if key not in known:
            known[key] = _grade(tasks[sheet.task], completions, filters[sheet.task])
        yield known[key]


def rows_by_task(file: Path, columns: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """The rows of a file of samples, by task."""
    tasks: dict[str, list[dict[str, Any]]] = {}
    for row in read_rows(file, columns):
        tasks.setdefault(row["task"], []).append(row)
    return tasks


def _completions(rows: Sequence[dict[str, Any]]) -> list[list[str]]:
    """The texts of a task's rows, [items, k]."""
    return [[row["completion"] for row in group] for _, group in groupby(rows, lambda row: row["item_id"])]


def _grade(task: Any, completions: Sequence[Sequence[str]], filters: Sequence[Any]) -> Graded:
    """lm-eval's result for the completions of one task, each passed separately through the task's own filters."""
    from lm_eval.api.filter import FilterEnsemble
    from lm_eval.evaluator import evaluate

    k, name = len(completions[0]), task.config.task
    # Few-shot examples belong to the engine's prompt; only the answer to the item is graded.
    task.set_config("num_fewshot", 0)
    task.set_config("repeats", k)
    chosen: list[Any] = [[partial(_Completion, j), *filters] for j in range(k)]
    task._filters = [FilterEnsemble(str(j), these) for j, these in enumerate(chosen)]
    # simple_evaluate would also describe the environment, which takes seconds.
    results: Any = evaluate(
        _stored_model(completions),
        {"tasks": {name: task}, "groups": {}},
        limit=len(completions),
        bootstrap_iters=0,
    )
    items: dict[int, GradedItem] = {}
    # The samples are all documents with the first completion, then with the second, and so on.
    for sample in results["samples"][name]:
        item = items.setdefault(sample["doc_id"], GradedItem(prompt=sample["arguments"][0][0], scores=[]))
        item.scores.append({score: float(sample[score]) for score in SCORES})
    means = [results["results"][name][f"accuracy,{j}"] for j in range(k)]
    return Graded(items=[items[i] for i in sorted(items)], accuracy=sum(means) / k)


class _Completion:
    """An lm-eval filter that keeps completion number `j` of each item."""

    def __init__(self, j: int) -> None:
        self._j = j

    def apply(self, completions: Sequence[Sequence[str]], docs: object) -> list[list[str]]:
        return [[of_item[self._j]] for of_item in completions]


def _stored_model(completions: Sequence[Sequence[str]]) -> Any:
    """An lm-eval model that answers the i-th document with the i-th item's completions."""
    from lm_eval.api.model import LM

    class Stored(LM):
        def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
            # There is one request per completion of a document.
            return [
                completions[document or 0][j]
                for document, repeated in groupby(requests, lambda request: request.doc_id)
                for j, _ in enumerate(repeated)
            ]

        def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
            raise WorkError("slmr evaluates tasks that generate; this one asks for log-likelihoods")

        def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:
            raise WorkError("slmr evaluates tasks that generate; this one asks for log-likelihoods")

    return Stored()


if __name__ == "__main__":
    main()
