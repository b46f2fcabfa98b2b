"""Teachers: who supplies raw traces, rewrites, continuations and the place of an error. One interface.

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
    """Whoever can teach the pool's problems. A batch in, an answer each out; None where it has none.

    Nothing of what it says is trusted: whoever asks verifies.

    Attributes:
        separator: what stands between two steps of its traces, and before the closing answer.
        generated: tokens that it has generated so far, by its own count, those from a cache included;
            0 for a teacher whose texts were there before.
        exact: its worked steps are a problem's only solution, so that what departs from them is wrong.
    """

    separator: str
    generated: int
    exact: bool

    def raw_traces(self, problems: Sequence[Problem]) -> list[str | None]:
        """The trace of each problem as the teacher writes it for itself."""
        ...

    def rewrites(self, problems: Sequence[Problem], raw: Sequence[str]) -> list[dict[str, str]]:
        """Easier traces of the same solution, by the name of the rewrite."""
        ...

    def worked_steps(self, problems: Sequence[Problem]) -> list[list[str] | None]:
        """The full solution a step each, without the closing answer."""
        ...

    def continuations(self, problems: Sequence[Problem], prefixes: Sequence[str]) -> list[str | None]:
        """What follows a right beginning (an attempt's text, a step's end included), closing answer included."""
        ...

    def first_wrong(self, problems: Sequence[Problem], attempts: Sequence[str]) -> list[int | None]:
        """The index from 0 of each attempt's first wrong step, as `steps.split_steps` counts.

        The number of steps where all steps are right and the closing answer is wrong or missing.
        """
        ...

    def close(self) -> None:
        """Gives back memory and connections."""
        ...


class TeacherSettings(Params):
    """Which teacher, and how raw the oracle's traces are; the same for every stage that asks it.

    Attributes:
        teacher: `openai` is another name of `server`.
        merge_share: the probability that a step of the oracle's raw trace is folded into the next.
        word_share: the probability that it sums up in words.
        teacher_model: of `local` a folder or hub id, of `server` a URL.
        teacher_served_name: the model's name on a server with several.
        teacher_prompt: `instructions` are the templates; `task` is the student's own prompt for solving, for a
            model that was trained on it.
        teacher_key: which model and which prompts these are; filled in when the stage is planned.
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
        """With the key of the teacher's model.

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
            raise RequestError(
                f"teacher '{self.teacher}': teacher_model {self.teacher_model} is a {model.kind}"
            )
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
                f"teacher '{self.teacher}': {error}; start one there (vllm serve MODEL is one), or name another"
                " teacher_model or teacher in the profile"
            ) from None
        try:
            return server.identity()
        finally:
            server.close()

    def open(self, engine: EngineSettings) -> Teacher:
        """The teacher of that name; `engine` says how a model on this machine is run.

        Raises:
            RequestError: a model is needed, and as `identified` says.
        """
        if self.teacher == "oracle":
            return OracleTeacher(self.merge_share, self.word_share)
        if self.teacher == "dataset":
            return DatasetTeacher()
        # Without a key, or with another precision, the answers kept of one model would be taken for another's.
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
    """What a teacher's work costs: what it generated; of texts that were there before, their length.

    That is in tokens of the student that is taught: the unit of every budget.
    """
    if teacher.generated or not texts:
        return Cost(teacher_tokens=teacher.generated)
    tokenizer: Any = load_tokenizer(student)
    ids = tokenizer(list(texts), add_special_tokens=False)["input_ids"]
    return Cost(teacher_tokens=sum(map(len, ids)))


def teacher_counts(teacher: Teacher) -> dict[str, int]:
    """For a stage's statistics: the questions that a model was asked, and how many its kept answers served."""
    if not isinstance(teacher, ModelTeacher):
        return {}
    return {"teacher_asked": teacher.asked, "teacher_from_cache": teacher.from_cache}
