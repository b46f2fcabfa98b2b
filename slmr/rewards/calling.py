"""Somebody's reward function: loaded from his file, and called with a case as the trainer that it is for would."""

from __future__ import annotations

import importlib.util
import inspect
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from slmr.errors import RequestError, one_line, unknown

Style = Literal["trl", "verl", "verifiers", "lm-eval", "pair"]
Call = Callable[[str, str], Any]
# What trainers pass beside completion and gold; whatever else a function asks for is taken for its gold.
_OF_TRL = (
    "completions",
    "prompts",
    "completion_ids",
    "trainer_state",
    "environments",
    "log_extra",
    "log_metric",
)
_GOLDS = ("solution", "answer", "gold", "ground_truth", "target", "label", "reference")


class Named(NamedTuple):
    """A function by what the user typed: `FILE.py:FUNCTION`."""

    file: Path
    function: str

    @classmethod
    def parse(cls, text: str) -> Named:
        """Raises RequestError where it is not of that form, or there is no such file."""
        file, _, function = text.rpartition(":")
        if not file or not function.isidentifier():
            raise RequestError(f"'{text}' names no function: give FILE.py:FUNCTION")
        if not Path(file).is_file():
            raise RequestError(f"no file {file}")
        return cls(Path(file), function)


def load(named: Named) -> Callable[..., Any]:
    """Runs the file, as `python FILE.py` would with its folder on the path, and takes the function out of it.

    Raises:
        RequestError: the file raises, or has no such function.
    """
    sys.path.insert(0, str(named.file.resolve().parent))
    spec = importlib.util.spec_from_file_location(named.file.stem, named.file)
    if spec is None or spec.loader is None:
        raise RequestError(f"{named.file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[named.file.stem] = module  # what its function sends to other processes is found by this name
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # somebody else's code: it may raise anything
        raise RequestError(f"{named.file} raises {type(error).__name__}: {one_line(error)}") from None
    function = getattr(module, named.function, None)
    if not callable(function):
        names = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
        raise unknown(f"function in {named.file}", named.function, names)
    return function


def style_of(function: Callable[..., Any], given: str | None = None) -> Style:
    """Whose conventions a function follows, by the names of its parameters unless it is said.

    Raises:
        RequestError: there is no such style, or the names do not tell.
    """
    if given is not None:
        if given not in get_args(Style):
            raise unknown("style", given, get_args(Style))
        return given  # type: ignore[return-value]
    names = list(inspect.signature(function).parameters)
    if "completions" in names:
        return "trl"
    if "solution_str" in names:
        return "verl"
    if names[:2] == ["doc", "results"]:
        return "lm-eval"
    if "completion" in names and {"state", "info", "prompt"} & set(names):
        return "verifiers"
    if len(names) >= 2:
        return "pair"
    raise RequestError(
        f"{getattr(function, '__name__', function)}({', '.join(names)}) tells no trainer's convention: say --style"
        f" ({', '.join(get_args(Style))})"
    )


def caller(function: Callable[..., Any], style: Style, gold: str | None, messages: bool) -> Call:
    """What calls it with one completion and its gold.

    Args:
        gold: the name of the parameter, or of the document's field, that takes the gold; None is told by its names.
        messages: completions are lists of messages, where the style allows for both.
    """
    names = inspect.signature(function).parameters
    if style == "lm-eval":
        return lambda text, right: function({gold or "answer": right}, [text])
    if style == "pair":  # gold comes first where the first parameter is called so
        gold_first = any(word in next(iter(names)) for word in _GOLDS)
        return lambda text, right: function(right, text) if gold_first else function(text, right)
    row_of = {
        "trl": partial(_trl_row, _columns(names, gold)),
        "verl": _verl_row,
        "verifiers": _verifiers_row,
    }[style]
    takes_any = any(p.kind is p.VAR_KEYWORD for p in names.values())

    def call(text: str, right: str) -> Any:
        row = row_of(text, right, messages)
        return function(**{name: value for name, value in row.items() if takes_any or name in names})

    return call


def _columns(names: Mapping[str, inspect.Parameter], gold: str | None) -> list[str]:
    """The columns of the data set in which TRL would pass the gold."""
    named = [
        n for n, p in names.items() if n not in _OF_TRL and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
    ]
    return [gold] if gold else [n for n in named if n in _GOLDS] or named[:1] or list(_GOLDS)


def _trl_row(columns: Sequence[str], text: str, right: str, messages: bool) -> dict[str, Any]:
    """A batch of one: columns of the data set by their names."""
    return {
        "completions": [_said("assistant", text, messages)],
        "prompts": [_said("user", "?", messages)],
        "completion_ids": [list(range(len(text.split())))],
        **{column: [right] for column in columns},
    }


def _verl_row(text: str, right: str, messages: bool) -> dict[str, Any]:
    return {"data_source": "audit", "solution_str": text, "ground_truth": right, "extra_info": {}}


def _verifiers_row(text: str, right: str, messages: bool) -> dict[str, Any]:
    state = {
        "prompt": _said("user", "?", True), "completion": _said("assistant", text, messages), "answer": right,
        "info": {}, "task": "audit",
    }  # fmt: skip
    return {**state, "state": state}


def _said(role: str, text: str, as_message: bool) -> Any:
    return [{"role": role, "content": text}] if as_message else text


def score_of(returned: Any, field: str | None = None) -> float | None:
    """The one number in what a reward function returned; None where it abstains.

    Raises:
        ValueError: there is none.
    """
    value = returned
    if isinstance(value, Mapping):
        name = field or (
            "score" if "score" in value else "reward" if "reward" in value else next(iter(value), "")
        )
        if name not in value:
            raise ValueError(f"it returned no '{name}': {sorted(map(str, value))}")
        value = value[name]
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) != 1:
            raise ValueError(f"it returned {len(value)} scores for one completion")
        value = value[0]
    if value is None:
        return None
    number = float(value)
    if math.isnan(number):
        raise ValueError("it returned NaN")
    return number
