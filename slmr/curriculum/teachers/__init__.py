"""Teachers supply raw traces, rewrites, continuations and the position of an error, through one interface.

`oracle`   the lab's solver, which draws the item again from its id and knows every step
`dataset`  the data's own solutions
`local`    a transformers model on this machine
`server`   a model behind an OpenAI-compatible API
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import Field, field_validator

from slmr.artifacts import Cost
from slmr.config import MAX_TOKENS, EngineSettings, Params
from slmr.curriculum.schema import Problem
from slmr.curriculum.teachers.dataset import DatasetTeacher
from slmr.curriculum.teachers.model import ModelTeacher, templates_digest
from slmr.curriculum.teachers.oracle import OracleTeacher
from slmr.engines import Sampling, open_engine
from slmr.engines.models import resolve_model
from slmr.engines.transformers import load_tokenizer
from slmr.errors import RequestError, WorkError
from slmr.io import digest
from slmr.tasks import strict_form

TeacherName = Literal["oracle", "dataset", "local", "server"]


class Teacher(Protocol):
    """A teacher of the pool's problems. Methods take a batch and return one answer each; None if it has none.

    Answers are not trusted: the caller verifies them.

    Attributes:
        separator: the text between two steps of its traces, and before the closing answer.
        generated: tokens generated so far, including those from a cache; 0 for a teacher that does not generate.
        exact: whether its worked steps are a problem's only solution, so that any other step is wrong.
    """

    separator: str
    generated: int
    exact: bool

    def raw_traces(self, problems: Sequence[Problem]) -> list[str | None]:
        """The trace of each problem in the teacher's own style."""
        ...

    def rewrites(self, problems: Sequence[Problem], raw: Sequence[str]) -> list[dict[str, str]]:
        """Easier traces of the same solution, by the name of the rewrite."""
        ...

    def worked_steps(self, problems: Sequence[Problem]) -> list[list[str] | None]:
        """The steps of each full solution, without the closing answer."""
        ...

    def continuations(self, problems: Sequence[Problem], prefixes: Sequence[str]) -> list[str | None]:
        """The rest of the solution, with the closing answer, after a right beginning that ends at a step's end."""
        ...

    def first_wrong(self, problems: Sequence[Problem], attempts: Sequence[str]) -> list[int | None]:
        """The index, from 0, of each attempt's first wrong step, as split by `trace_steps.split_steps`.

        It is the number of steps if all steps are right and the closing answer is wrong or missing.
        """
        ...

    def close(self) -> None:
        """Releases memory and connections."""
        ...


class TeacherSettings(Params):
    """Which teacher to use, and the style of the oracle's raw traces; the same for every stage that asks it.

    Attributes:
        teacher: `openai` is another name for `server`.
        merge_share: the probability that a step of the oracle's raw trace is folded into the next.
        word_share: the probability that the trace ends with a summary in words.
        teacher_model: for `local` a folder or hub id, for `server` a URL.
        teacher_served_name: the model's name on a server with several.
        teacher_prompt: `instructions` uses the templates; `task` uses the student's prompt for solving, for a
            model that was trained on it.
        teacher_key: identifies the model and the prompts; filled in by the planner.
    """

    teacher: TeacherName = "oracle"
    merge_share: float = Field(default=0.2, ge=0, le=1)
    word_share: float = Field(default=0.0, ge=0, le=1)
    teacher_model: str | None = None
    teacher_served_name: str | None = None
    teacher_temperature: float = Field(default=0.0, ge=0)
    teacher_max_tokens: int = Field(default=512, ge=1, le=MAX_TOKENS)
    teacher_prompt: Literal["instructions", "task"] = "instructions"
    teacher_key: str = ""

    @field_validator("teacher", mode="before")
    @classmethod
    def _one_name(cls, value: Any) -> Any:
        return "server" if value == "openai" else value

    def identified(self) -> TeacherSettings:
        """A copy with the key of the teacher's model.

        Raises:
            RequestError: no model is named, or it cannot be found.
        """
        if self.teacher not in ("local", "server"):
            return self
        if not self.teacher_model:
            what = "a server's URL" if self.teacher == "server" else "a folder or hub id"
            raise RequestError(f"teacher '{self.teacher}': set teacher_model to {what}")
        model = resolve_model(self.teacher_model)
        if (model.kind == "server") != (self.teacher == "server"):
            raise RequestError(f"teacher '{self.teacher}': teacher_model {self.teacher_model} is a {model.kind}")
        key = digest([self._identity(model), templates_digest()])
        return self.model_copy(update={"teacher_key": key})

    def _identity(self, model: Any) -> object:
        if self.teacher == "local":
            return model.key
        from slmr.engines.server import ServerEngine

        settings = EngineSettings(name="server", served_name=self.teacher_served_name)
        try:
            server = ServerEngine(str(model.location), settings)
        except WorkError as error:
            raise WorkError(
                f"teacher '{self.teacher}': {error}; start a server there (for example: vllm serve MODEL), or name"
                " another teacher_model or teacher in the profile"
            ) from None
        try:
            return server.identity()
        finally:
            server.close()

    def open(self, engine: EngineSettings) -> Teacher:
        """Opens the teacher; `engine` says how a model on this machine is run.

        Raises:
            RequestError: as in `identified`.
        """
        if self.teacher == "oracle":
            return OracleTeacher(self.merge_share, self.word_share)
        if self.teacher == "dataset":
            return DatasetTeacher()
        # The key and the precision identify the cached answers: those of another model must not be reused.
        key = self.teacher_key or self.identified().teacher_key
        name = "server" if self.teacher == "server" else "transformers"
        settings = engine.model_copy(update={"name": name, "served_name": self.teacher_served_name})
        opened = open_engine(resolve_model(str(self.teacher_model)).location, settings)
        sampling = Sampling(self.teacher_temperature, self.teacher_max_tokens, 0)
        plainly = self.teacher_prompt == "task"
        return ModelTeacher(opened, digest([key, settings.label]), sampling, plainly)


def worked_traces(teacher: Teacher, problems: Sequence[Problem]) -> list[str | None]:
    """The full solutions as traces, closed in the strict form."""
    return [
        teacher.separator.join([*steps, strict_form(problem["gold"], problem["kind"])]) if steps else None
        for problem, steps in zip(problems, teacher.worked_steps(problems), strict=True)
    ]


def teacher_cost(teacher: Teacher, student: Path, texts: Sequence[str]) -> Cost:
    """The cost of a teacher: the tokens that it generated, or else the length of the texts that it supplied.

    The length is in tokens of the student, as in every budget.
    """
    if teacher.generated or not texts:
        return Cost(teacher_tokens=teacher.generated)
    tokenizer: Any = load_tokenizer(student)
    ids = tokenizer(list(texts), add_special_tokens=False)["input_ids"]
    return Cost(teacher_tokens=sum(map(len, ids)))


def teacher_counts(teacher: Teacher) -> dict[str, int]:
    """For a stage's statistics: the number of questions to a model, and how many were answered from the cache."""
    if not isinstance(teacher, ModelTeacher):
        return {}
    return {"teacher_asked": teacher.asked, "teacher_from_cache": teacher.from_cache}
