"""Commands whose arguments and options are the fields of a request."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from typer.models import ArgumentInfo

Command = Callable[..., None]
KEYWORD_ONLY = inspect.Parameter.KEYWORD_ONLY


def request_command(request: type[Any], **options: Any) -> Callable[[Command], Command]:
    """Builds the first parameter of a command, a dataclass, from the command line.

    Args:
        options: for each field that is on the command line its `typer.Option` or `typer.Argument`, or both its type
            there and the option as `Annotated`. The name, the type and the default are those of the field; an argument
            has no default, and a field that is a tuple is a repeatable option. The command's own parameters follow.
    """
    types = get_type_hints(request)
    defaults: dict[str, Any] = {field.name: field.default for field in fields(request)}
    repeatable = {name for name in options if get_origin(types[name]) is tuple}

    def parameter(name: str) -> inspect.Parameter:
        option, default = options[name], None if name in repeatable else defaults[name]
        if get_origin(option) is not Annotated:
            kind = list[get_args(types[name])[0]] | None if name in repeatable else types[name]
            option = Annotated[kind, option]
        if isinstance(get_args(option)[1], ArgumentInfo):
            default = inspect.Parameter.empty
        return inspect.Parameter(name, KEYWORD_ONLY, default=default, annotation=option)

    def decorate(command: Command) -> Command:
        own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
        parameters = [*map(parameter, options), *(p.replace(kind=KEYWORD_ONLY) for p in own)]

        @wraps(command)
        def run(**values: Any) -> None:
            chosen = {name: values.pop(name) for name in options}
            chosen |= {name: tuple(chosen[name] or defaults[name]) for name in repeatable}
            command(request(**chosen), **values)

        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        return run

    return decorate
