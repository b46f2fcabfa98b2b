"""Loads a user's reward function from a file, and calls it with a case as its trainer would."""

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
# Arguments that TRL passes besides the data set's columns; any other parameter is taken for the gold answer's column.
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
    """A function as named by the user: `FILE.py:FUNCTION`."""

    file: Path
    function: str

    @classmethod
    def parse(cls, text: str) -> Named:
        """Parses the name; raises RequestError if it has another form, or there is no such file."""
        file, _, function = text.rpartition(":")
        if not file or not function.isidentifier():
            raise RequestError(f"'{text}' names no function: give FILE.py:FUNCTION")
        if not Path(file).is_file():
            raise RequestError(f"no file {file}")
        return cls(Path(file), function)


def load(named: Named) -> Callable[..., Any]:
    """Imports the file, with its folder on the path, and returns the function.

    Raises:
        RequestError: the file raises, or has no such function.
    """
    sys.path.insert(0, str(named.file.resolve().parent))
    spec = importlib.util.spec_from_file_location(named.file.stem, named.file)
    if spec is None or spec.loader is None:
        raise RequestError(f"{named.file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[named.file.stem] = (
        module  # so that pickled objects of the module are found in other processes
    )
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # the user's code may raise anything
        raise RequestError(f"{named.file} raises {type(error).__name__}: {one_line(error)}") from None
    function = getattr(module, named.function, None)
    if not callable(function):
        names = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
        raise unknown(f"function in {named.file}", named.function, names)
    return function


def style_of(function: Callable[..., Any], given: str | None = None) -> Style:
    """The trainer whose conventions a function follows: the given style, or inferred from its parameters' names.

    Raises:
        RequestError: there is no such style, or it cannot be inferred.
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
        f"{getattr(function, '__name__', function)}({', '.join(names)}) follows no known trainer's convention: name it"
        f" with --style ({', '.join(get_args(Style))})"
    )


def caller(function: Callable[..., Any], style: Style, gold: str | None, messages: bool) -> Call:
    """A function that calls it with one completion and its gold answer.

    Args:
        function: the reward function.
        style: its conventions.
        gold: the parameter or document field that takes the gold answer; None to infer it.
        messages: pass completions as lists of messages, if the style allows both.
    """
    names = inspect.signature(function).parameters
    if style == "lm-eval":
        return lambda text, right: function({gold or "answer": right}, [text])
    if style == "pair":  # the gold answer comes first if the first parameter is named like one
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
    """The data set's columns in which TRL would pass the gold answer."""
    named = [
        n for n, p in names.items() if n not in _OF_TRL and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
    ]
    return [gold] if gold else [n for n in named if n in _GOLDS] or named[:1] or list(_GOLDS)


def _trl_row(columns: Sequence[str], text: str, right: str, messages: bool) -> dict[str, Any]:
    """A batch with one row, as columns by name."""
    return {
        "completions": [_turn("assistant", text, messages)],
        "prompts": [_turn("user", "?", messages)],
        "completion_ids": [list(range(len(text.split())))],
        **{column: [right] for column in columns},
    }


def _verl_row(text: str, right: str, messages: bool) -> dict[str, Any]:
    return {"data_source": "audit", "solution_str": text, "ground_truth": right, "extra_info": {}}


def _verifiers_row(text: str, right: str, messages: bool) -> dict[str, Any]:
    state = {
        "prompt": _turn("user", "?", True), "completion": _turn("assistant", text, messages), "answer": right,
        "info": {}, "task": "audit",
    }  # fmt: skip
    return {**state, "state": state}


def _turn(role: str, text: str, as_message: bool) -> Any:
    return [{"role": role, "content": text}] if as_message else text


def score_of(returned: Any, field: str | None = None) -> float | None:
    """The score in a reward function's return value; None if it abstains.

    Raises:
        ValueError: it contains no single score.
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
