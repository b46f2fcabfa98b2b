"""Teachers: who supplies the raw traces and the rewrites. The lab's is its solver, the oracle."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import Field

from slmr.engines.transformers import load_tokenizer
from slmr.errors import RequestError, WorkError
from slmr.stage import Params, StageContext, stage
from slmr.stagewise.data import PROBLEMS, TRACES, Row, counted, ids_in_groups, trace
from slmr.store import Cost, read_rows, write_rows
from slmr.verify import verify

TeacherName = Literal["oracle"]


class Teacher(Protocol):
    """Whoever can solve the pool's problems."""

    def raw_trace(self, problem: Row) -> str:
        """The trace as the teacher writes it for itself."""
        ...

    def rewrites(self, problem: Row) -> dict[str, str]:
        """Easier traces of the same solution, by the name of the rewrite."""
        ...

    def steps(self, problem: Row) -> list[str]:
        """The full solution, a step each, in the student's style, without the closing answer."""
        ...

    def closing(self, problem: Row) -> str:
        """The answer in the form that the task asks for."""
        ...


class OracleTeacher:
    """The lab's solver: it draws the item again from its id and writes what is asked.

    `merge_share` is the probability that a step of a raw trace is folded into the next, `word_share`
    the probability that the trace sums up in words.
    """

    def __init__(self, merge_share: float, word_share: float) -> None:
        self._merge_share, self._word_share = merge_share, word_share

    def raw_trace(self, problem: Row) -> str:
        return self._item(problem).raw(self._merge_share, self._word_share)

    def rewrites(self, problem: Row) -> dict[str, str]:
        solution = self._item(problem).solution
        return {"filled in": solution.teacher(), "own style": solution.plain()}

    def steps(self, problem: Row) -> list[str]:
        return self._item(problem).solution.plain_steps()

    def closing(self, problem: Row) -> str:
        return self._item(problem).solution.closing

    def _item(self, problem: Row) -> Any:
        from slmr import lab
        from slmr.lab.items import draw_item

        name, split, seed, index = problem["id"].split("/")
        if name not in lab.GENERATORS:
            raise RequestError(f"the oracle teacher knows lab problems only, not {problem['id']}")
        return draw_item(lab.generator(name), split, int(seed), int(index))[0]


class TeacherSettings(Params):
    """Which teacher, and how raw its traces are; the same for every stage that asks it."""

    teacher: TeacherName = "oracle"
    merge_share: float = Field(default=0.2, ge=0, le=1)
    word_share: float = Field(default=0.0, ge=0, le=1)

    def open(self) -> Teacher:
        """The teacher of that name."""
        return {"oracle": OracleTeacher}[self.teacher](self.merge_share, self.word_share)


class TeacherParams(TeacherSettings):
    """For which difficulty groups of the partition traces are wanted (none: the whole pool)."""

    groups: tuple[Literal["simple", "medium", "hard"], ...] = ()


@stage("teacher", TeacherParams, {"problems": "one", "partition": "optional", "model": "one"}, random=False)
def teacher_stage(context: StageContext, params: TeacherParams) -> None:
    """Writes the teacher's raw traces, each checked; counts its tokens with the student's tokenizer."""
    problems = read_rows(context.input("problems") / PROBLEMS)
    if params.groups:
        if not context.inputs["partition"]:
            raise RequestError("stage teacher: groups are named but no partition is given")
        wanted = set(ids_in_groups(context.input("partition"), params.groups))
        problems = [problem for problem in problems if problem["id"] in wanted]
    teacher = params.open()
    rows = [trace(problem, teacher.raw_trace(problem), "raw") for problem in problems]
    _check(rows, problems)
    write_rows(context.folder / TRACES, rows)
    tokens = count_tokens(context.model("model"), [row["completion"] for row in rows])
    context.cost += Cost(teacher_tokens=tokens)
    context.stats |= {"traces": len(rows), "difficulty": counted(problems, "difficulty")}


def count_tokens(model: Path, texts: list[str]) -> int:
    """Tokens of the texts for the student that is taught: the unit of every budget."""
    if not texts:
        return 0
    tokenizer = load_tokenizer(model)
    return sum(map(len, tokenizer(texts, add_special_tokens=False)["input_ids"]))  # type: ignore[arg-type]


def _check(rows: list[Row], problems: list[Row]) -> None:
    for row, problem in zip(rows, problems, strict=True):
        verdict = verify(row["completion"], problem["gold"], problem["kind"])
        if not verdict.strict:
            raise WorkError(f"the teacher's trace of {problem['id']} does not verify: {verdict.reason}")
