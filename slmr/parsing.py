"""Turns what a user wrote into typed settings. Errors are one line: file, key, value and what is expected."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from slmr.errors import RequestError, nearest, unknown


class StrictModel(BaseModel):
    """Base of everything that is read from files: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


ModelT = TypeVar("ModelT", bound=BaseModel)


def parse(model: type[ModelT], content: object, where: object, kind: str = "key") -> ModelT:
    """Validates `content`, read from `where` (a file or a place in one), as a `model`; errors call its keys `kind`.

    Raises:
        RequestError: a key is unknown or missing, or a value is invalid.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise RequestError(f"{where}: {first_fault(error, model, kind)}") from None


def first_fault(error: ValidationError, model: type[BaseModel], kind: str = "key") -> str:
    """The first validation error in one line: key, value, what is expected."""
    fault = error.errors(include_url=False)[0]
    path, value = fault["loc"], fault["input"]
    # Without the member of a union, which pydantic appends.
    key = re.sub(r"\.(constrained-\w+|bool|int|float|str|literal\[.*\])$", "", ".".join(map(str, path)))
    if fault["type"] == "extra_forbidden":
        inside = f"{'.'.join(map(str, path[:-1]))}: " if path[1:] else ""
        return f"{inside}{unknown(kind, str(path[-1]), _keys_at(model, path[:-1]))}"
    if fault["type"] == "missing":
        return f"{key} is missing"
    wanted = re.sub(r"a valid dictionary( or instance of \w+)?", "a mapping", fault["msg"])
    wanted = wanted.removeprefix("Value error, ").replace("Input should", "it should")
    wanted = re.sub(r"^(?:List|Tuple|String|Dictionary) should", "it should", wanted).replace(" after validation", "")
    if fault["type"] == "literal_error":
        wanted += nearest(str(value), re.findall(r"'(.*?)'", wanted))
    if not path:
        return wanted
    if fault["type"] == "value_error" and isinstance(value, Mapping):  # the message names the value
        return f"{key}: {wanted}"
    return f"{key} = {_shorten(value)}: {wanted}"


def _keys_at(model: type[BaseModel], path: Iterable[int | str]) -> list[str]:
    """The known keys at a path into a model; parts of the path that are no fields are keys of a mapping."""
    for part in path:
        if part in model.model_fields:
            model = _model_within(model.model_fields[str(part)].annotation) or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_within(annotation: object) -> type[BaseModel] | None:
    """The first model in an annotation such as `dict[str, Passes] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_within(part))), None)


def _shorten(value: object) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:79]}…"
