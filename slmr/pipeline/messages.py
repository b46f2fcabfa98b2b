"""What a bench and its worker processes send each other, as lines of JSON: stages to run, and messages about them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from slmr.artifacts import Cost
from slmr.stage import StageContext


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="constants")


class Job(_Line):
    """A stage to run, with its parameters and its context."""

    stage: str
    params: dict[str, Any]
    context: StageContext


class Ready(_Line):
    """The process has loaded its libraries."""

    type: Literal["ready"] = "ready"


class Progress(_Line):
    """The arguments of `StageContext.progress`."""

    type: Literal["progress"] = "progress"
    done: int
    total: int
    unit: str


class Done(_Line):
    """The stage has finished; the fields are those of its context that it may have changed."""

    type: Literal["done"] = "done"
    stats: dict[str, Any]
    cost: Cost
    threads: int | None


class Failed(_Line):
    """The stage has raised a RequestError (`is_request`) or a WorkError."""

    type: Literal["failed"] = "failed"
    error: str
    is_request: bool


class Stopped(_Line):
    """The process has ended because of a signal, after it has saved its work."""

    type: Literal["stopped"] = "stopped"


class Exited(_Line):
    """The process has ended; this is the only message that the parent writes itself."""

    type: Literal["exited"] = "exited"
    code: int


Message = Annotated[Ready | Progress | Done | Failed | Stopped | Exited, Field(discriminator="type")]
_MESSAGE: TypeAdapter[Message] = TypeAdapter(Message)


def read_message(line: str) -> Message:
    return _MESSAGE.validate_json(line)
