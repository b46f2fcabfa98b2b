"""Reads a run's tables beside its samples, and checks their rows, because the file may be anybody's."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Json, ValidationError, model_validator

from slmr.errors import RequestError
from slmr.parsing import first_fault
from slmr.results.runs.files import read_table

_Count = Annotated[int, Field(ge=0, le=10**18)]
_Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_State = Literal["hard", "medium", "simple", "unsolved", "recycled", "mixed", "solved"]


class _Row(BaseModel):
    """The columns of a row that are needed; a stage may have written more."""

    model_config = ConfigDict(extra="ignore")


class _Capability(_Row):
    task: str
    item_id: str
    k: int = Field(ge=2, le=10**6)
    correct: _Count
    correct_first: _Count

    @model_validator(mode="after")
    def _counted(self) -> _Capability:
        if not self.correct_first <= self.correct <= self.k or self.correct_first > self.k // 2:
            raise ValueError("more right completions than there are")
        return self


class _Course(_Row):
    """All other columns are numbers, or None in steps that did not measure them."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float | None]

    stage: str
    step: _Count
    tokens: _Amount


class _Move(_Row):
    round: int = Field(ge=1, le=1000)
    to: Literal["primed", "next"]
    before: _State
    after: _State
    n: _Count


class _Stats(_Row):
    """The statistics of a stage that are needed; a stage may have written more."""

    steps: _Amount | None = None
    unchanged: bool | None = None


class _Stage(_Row):
    label: str
    stage: str
    key: str
    inputs: list[str]
    parameters: Json[dict[str, Any]]
    stats: Json[_Stats]
    train_tokens: _Count
    rollout_tokens: _Count
    teacher_tokens: _Count
    flops: _Amount
    wall_s: _Amount


class _Bridged(_Row):
    label: str
    problem_id: str
    problem: str
    source: str
    kept: bool
    nll: float | None
    spikes: float | None
    text: str
    pieces: list[str]
    token_nlls: list[float] | None

    @model_validator(mode="after")
    def _scored(self) -> _Bridged:
        if self.nll is not None and (self.spikes is None or len(self.token_nlls or []) != len(self.pieces)):
            raise ValueError("a scored trace needs spikes, and as many token_nlls as pieces")
        return self


class _Critique(_Row):
    label: str
    problem_id: str
    problem: str
    attempt: str
    wrong_step: int | None
    found_by: str | None
    step_text: str | None
    diagnosis: str | None
    repair_prefix: str | None
    repair: str | None
    new: str | None


_ROWS: dict[str, type[_Row]] = {
    "capability": _Capability,
    "course": _Course,
    "moves": _Move,
    "stages": _Stage,
    "bridged": _Bridged,
    "critiques": _Critique,
}


def read_run_table(file: Path, what: str) -> list[dict[str, Any]]:
    """The rows of a run's table `what`, such as `capability`.

    Raises:
        RequestError: the file is damaged, or lacks what is needed of such a table.
    """
    rows = read_table(file)
    for i, row in enumerate(rows):
        try:
            _ROWS[what].model_validate(row)
        except ValidationError as error:
            raise RequestError(f"{file} is not a table of {what}: row {i}: {first_fault(error, _ROWS[what])}") from None
    return rows
