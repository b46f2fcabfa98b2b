"""`summary.json`, typed: one row per (method, student, seed, task)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from stat import S_ISREG
from statistics import NormalDist
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from slmr.config import Edition, MethodKind, suite_of
from slmr.errors import RequestError, nearest, one_line
from slmr.io import write_text
from slmr.parsing import first_fault
from slmr.results.runs.files import RunFiles, items_file, read_table

SCHEMA_VERSION = 2
MAX_SUMMARY_BYTES = 256 * 2**20  # a quarter of a million rows
Z95 = NormalDist().inv_cdf(0.975)

MOST = 10**18  # of whatever is counted


K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


def grouped(values: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """Key → the values that have it, both in the order of first appearance."""
    groups: dict[K, list[T]] = {}
    for value in values:
        groups.setdefault(key(value), []).append(value)
    return groups


def _inside(name: str) -> str:
    """Checks a name, which is a part of paths: it must not lead out of the run's folder."""
    if not name or "\0" in name or name.startswith("/") or ".." in name.split("/") or len(name) > _LONGEST:
        raise ValueError("a name has 1 to 200 characters, no NUL among them, and leads to no other folder")
    return name


def _valid_student(student: str) -> str:
    """Checks a student's name, which may be any path: samples replace its slashes."""
    _inside(student.replace("/", "--"))
    return student


_LONGEST = 200
Name = Annotated[str, AfterValidator(_inside)]
Student = Annotated[str, AfterValidator(_valid_student)]


class SummaryRow(BaseModel):
    """The scores of one method and student on one task, and its cost.

    Rates are fractions in [0, 1]; token counts are totals over all the method's stages, shared
    ones included, evaluation excluded; `flops` is the usual 6 N D for training plus 2 N D for
    sampling.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    method: Name
    method_kind: MethodKind
    student: Student
    seed: int = Field(ge=0, le=MOST)
    task: Name
    edition: Edition
    n_items: int = Field(ge=1, le=MOST)
    k: int = Field(ge=1, le=MOST)
    accuracy: float = Field(ge=0, le=1)
    accuracy_lenient: float = Field(ge=0, le=1)
    stderr: float = Field(ge=0, le=MOST)
    ci95: tuple[float, float]
    truncated_rate: float = Field(ge=0, le=1)
    no_answer_rate: float = Field(ge=0, le=1)
    mean_tokens: float = Field(ge=0, le=MOST)
    train_tokens: int = Field(ge=0, le=MOST)
    rollout_tokens: int = Field(ge=0, le=MOST)
    teacher_tokens: int = Field(ge=0, le=MOST)
    wall_s: float = Field(ge=0, le=MOST)
    flops: float = Field(ge=0, le=1e30)
    task_version: str
    checker_version: str
    manifest: str = Field(description="hash of the evaluation artefact the row was made from")
    command: str = Field(description="the command that reproduces the row")
    # Since schema 2; a row of schema 1 does not know them.
    pass_at: dict[str, tuple[float, float, float]] | None = Field(
        default=None, description="j -> pass@j with its interval, where k > 1"
    )
    maj_at_k: tuple[float, float, float] | None = Field(default=None, description="maj@k with its interval")
    sound: float | None = Field(
        default=None, ge=0, le=1, description="right, and every step as the solver's; lab tasks only"
    )
    abstained_rate: float | None = Field(default=None, ge=0, le=1)
    data: str | None = Field(default=None, description="where the test items came from")
    engine: str | None = Field(default=None, description="engine and dtype of the evaluation")
    suite: str = Field(default="", description="the suite that the task belonged to when it was evaluated")
    licence: str | None = Field(default=None, description="of the task's data, in words")
    redistribute: bool | None = Field(default=None, description="whether that lets its texts be published")

    @model_validator(mode="after")
    def _in_a_suite(self) -> SummaryRow:
        """Fills in the suite of a row that was written before rows had suites."""
        self.suite = self.suite or suite_of(self.task)
        return self

    @property
    def tokens(self) -> int:
        """The tokens that the method spent of its budget."""
        return self.train_tokens + self.rollout_tokens + self.teacher_tokens

    @property
    def identity(self) -> tuple[str, str, int, str]:
        """Method, student, seed and task, of which a run has at most one row."""
        return self.method, self.student, self.seed, self.task

    @property
    def profile(self) -> str:
        """The profile that its command names; empty for a model that was only evaluated."""
        option = re.search(r" --profile ('[^']+'|\S+)", self.command)
        return option[1].strip("'") if option else ""

    def files(self, run: Path) -> RunFiles:
        """The files of the row's method, student and seed."""
        return RunFiles(run, self.method, self.student, self.seed)

    def samples_file(self, run: Path) -> Path:
        """The file of the completions behind this row."""
        return self.files(run).samples / f"{self.task}.parquet"

    def samples(self, run: Path) -> list[dict[str, Any]]:
        """The completions with their items' texts, which a published run keeps once for all its methods."""
        rows = read_table(self.samples_file(run))
        items = items_file(run, self.task)
        if not items.is_file() or not rows or "prompt" in rows[0]:
            return rows
        texts = {row.pop("item_id"): row for row in read_table(items)}
        return [{**row, **texts.get(row["item_id"], {})} for row in rows]

    @property
    def format_loss(self) -> float:
        """Lenient minus strict accuracy: the loss to the requested form."""
        return self.accuracy_lenient - self.accuracy


class Contamination(BaseModel):
    """The number of test problems that share a 13-gram with a training set."""

    model_config = ConfigDict(extra="forbid")

    train: str
    test: str
    n_train: int = Field(ge=0, le=MOST)
    n_test: int = Field(ge=0, le=MOST)
    overlapping: int = Field(ge=0, le=MOST)
    exact: int = Field(ge=0, le=MOST)
    rate: float = Field(ge=0, le=1)
    examples: list[str]


class Summary(BaseModel):
    """The whole of a run folder's `summary.json`."""

    model_config = ConfigDict(extra="forbid")

    schema_version: Literal[1, 2] = SCHEMA_VERSION
    rows: list[SummaryRow]
    contamination: list[Contamination] = []

    @model_validator(mode="after")
    def _each_once(self) -> Summary:
        twice = next((who for who, n in Counter(row.identity for row in self.rows).items() if n > 1), None)
        if twice:
            raise ValueError(f"two rows of one method, student, seed and task: {', '.join(map(str, twice))}")
        return self


def write_summary(path: Path, rows: list[SummaryRow], contamination: list[Contamination] | None = None) -> None:
    """Write `summary.json` atomically: readers see the old file or the new one, never half."""
    text = Summary(rows=rows, contamination=contamination or []).model_dump_json(indent=1, exclude_none=True)
    write_text(path, text + "\n")


_SHOWN = 8  # runs beside one that is not there


def _no_run(path: Path) -> str:
    """The message for a missing summary: the run may be misspelt, be no run, or not be finished."""
    run = path.parent
    if run.is_dir() and (within := _runs_in(run, path.name)):
        names = ", ".join(str(run / name) for name in within[:_SHOWN])
        return f"{run} is a folder of runs, not a run; name one: {names}"
    if run.is_dir():
        return f"no summary at {path}: run the command that made {run} again, which resumes it; or name another run"
    beside = _runs_in(run.parent, path.name)
    hint = "`slmr bench` and `slmr eval MODEL` make runs"
    hint = f"{run.parent} has {', '.join(beside[:_SHOWN])}" if beside else hint
    return f"no run at {run}{nearest(run.name, beside)} ({hint})"


def _runs_in(folder: Path, summary: str) -> list[str]:
    return sorted(run.name for run in folder.glob("*") if (run / summary).is_file())


def read_results(path: Path) -> Summary:
    """As `read_summary`, for what is nothing without results. Raises RequestError if there are none."""
    summary = read_summary(path)
    if not summary.rows:
        raise RequestError(f"{path} has no rows: nothing was evaluated")
    return summary


def read_summary(path: Path) -> Summary:
    """Read `summary.json`.

    Raises:
        RequestError: the file is missing, no file of a likely size, not JSON, or does not fit the schema.
    """
    try:
        stat = path.stat()
        if not S_ISREG(stat.st_mode):  # reading a pipe would wait for ever
            raise RequestError(f"{path} is not a file")
        if stat.st_size > MAX_SUMMARY_BYTES:
            raise RequestError(f"{path} has {stat.st_size:,} bytes; a summary has at most {MAX_SUMMARY_BYTES:,}")
        return Summary.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RequestError(_no_run(path)) from None
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        fault = first_fault(error, Summary)
    except UnicodeDecodeError as error:
        fault = one_line(error)
    raise RequestError(f"{path} is not a summary of schema {SCHEMA_VERSION}: {fault}")
