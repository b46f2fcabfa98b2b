"""Profiles: student, tasks, budget and engine of a benchmark, in one YAML each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slmr.errors import RequestError, unknown
from slmr.stage import EngineSettings, TrainingSettings
from slmr.yamlfiles import merged, read_settings

_FOLDER = Path(__file__).parent


class EvaluationSettings(BaseModel):
    """How every method of a run is evaluated; `max_tokens` instead of each task's own budget of a completion."""

    model_config = ConfigDict(extra="forbid")

    limit: int | None = Field(default=None, ge=1)
    k: int = Field(default=1, ge=1)
    temperature: float | None = Field(default=None, ge=0)
    max_tokens: int | None = Field(default=None, ge=1)


class CapabilitySettings(BaseModel):
    """What is sampled many times over, to tell what a model can do at all from what it does at once.

    `tasks` as on the command line; the first `limit` items of each, `k` completions at temperature 1.
    """

    model_config = ConfigDict(extra="forbid")

    tasks: str
    limit: int = Field(default=100, ge=2)
    k: int = Field(default=64, ge=2)


class Profile(BaseModel):
    """A benchmark's settings.

    Attributes:
        stages: the parameters of each kind of stage, for every method.
        tuned: method → kind of stage → parameters, where a method's own tuning chose others; what extends a
            method has its parent's.
        capability: a second evaluation, for pass@k and by difficulty; none where it is not given.
        budget: tokens that a method may spend, generated, trained on and taught together; training stops there.
        leave_out: methods that `all` leaves out here, and why.
        training: on how many processes, and how, for every method.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    students: list[str] = Field(min_length=1)
    default_student: str
    tasks: str
    evaluate: EvaluationSettings = EvaluationSettings()
    capability: CapabilitySettings | None = None
    engine: EngineSettings = EngineSettings()
    training: TrainingSettings = TrainingSettings()
    stages: dict[str, dict[str, Any]] = {}
    tuned: dict[str, dict[str, dict[str, Any]]] = {}
    budget: int | None = Field(default=None, ge=1)
    leave_out: dict[str, str] = {}


def profile_names() -> list[str]:
    return sorted(file.stem for file in _FOLDER.glob("*.yaml"))


def load_profile(name: str) -> Profile:
    """The profile of that name, or of a YAML file's path. One that `extends` another says only what is different.

    Raises:
        RequestError: there is none, or it holds a key that nobody reads or a value that does not fit.
    """
    file = _file(name)
    try:
        return Profile.model_validate({"name": file.stem, **_content(file, ())})
    except ValidationError as error:
        raise RequestError(f"{file}: {_fault(error)}") from None


def _file(name: str, beside: Path = Path()) -> Path:
    file = beside / name if name.endswith((".yaml", ".yml")) else _FOLDER / f"{name}.yaml"
    if not file.is_file():
        raise unknown("profile", name, profile_names())
    return file


def _content(file: Path, children: tuple[Path, ...]) -> dict[str, Any]:
    """A profile's settings over those of what it extends."""
    if file in children:
        raise RequestError(f"{file} extends itself, by way of {', '.join(map(str, children))}")
    content = read_settings(file, "a profile")
    if "extends" not in content:
        return content
    parent = _content(_file(str(content.pop("extends")), file.parent), (*children, file))
    return merged(parent, content)


def _fault(error: ValidationError) -> str:
    fault = error.errors()[0]
    place = ".".join(map(str, fault["loc"]))
    if fault["type"] == "extra_forbidden":
        return str(unknown("key", place, Profile.model_fields))
    return f"{place}: {fault['msg']}"
