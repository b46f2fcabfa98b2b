"""Loads a user's reward function from a file, and calls it with a case as its trainer would."""

from __future__ import annotations

import importlib.util
import inspect
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, NamedTuple, get_args

from slmr.errors import RequestError, check_known, one_line, unknown

Style = Literal["trl", "verl", "verifiers", "lm-eval", "pair"]
RewardCall = Callable[[str, str], Any]
BatchCall = Callable[[Sequence[str], Sequence[str]], Any]
# Arguments that TRL passes besides the data set's columns; any other parameter is taken for the gold answer's column.
_TRL_ARGUMENTS = (
    "completions",
    "prompts",
    "completion_ids",
    "trainer_state",
    "environments",
    "log_extra",
    "log_metric",
)
# What tells a reward of verifiers from a pair of a text and its gold.
_VERIFIERS_ARGUMENTS = {"state", "info", "prompt", "task", "parser"}
# Parameters of functions, not columns of files: TRL's examples call the gold `solution`, so that comes first.
_GOLD_PARAMETERS = ("solution", "answer", "gold", "ground_truth", "target", "label", "reference")


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
    sys.modules[named.file.stem] = module  # so that pickled objects of the module are found in other processes
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # the user's code may raise anything
        raise RequestError(f"{named.file} raises {type(error).__name__}: {one_line(error)}") from None
    function = getattr(module, named.function, None)
    if not callable(function):
        names = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
        raise unknown(f"function in {named.file}", named.function, names)
    if inspect.isclass(function):
        raise RequestError(
            f"{named.file}:{named.function} is a class: name a function, or an object that the file makes of it, such"
            f" as `scorer = {named.function}(...)`"
        )
    return function


def style_of(function: Callable[..., Any], name: str | None = None) -> Style:
    """The trainer whose conventions a function follows: the named one, or inferred from its parameters' names.

    Raises:
        RequestError: there is no such style, or it cannot be inferred.
    """
    if name is not None:
        check_known("style", name, get_args(Style))
        return name  # type: ignore[return-value]
    parameters = inspect.signature(function).parameters
    names = list(parameters)
    if "completions" in names:
        return "trl"
    if "solution_str" in names:
        return "verl"
    if names[:2] == ["doc", "results"]:
        return "lm-eval"
    if "completion" in names and (_VERIFIERS_ARGUMENTS & set(names) or _takes_any(parameters)):
        return "verifiers"
    if len(names) >= 2:
        return "pair"
    raise RequestError(
        f"{getattr(function, '__name__', function)}({', '.join(names)}) follows no known trainer's convention: name it"
        f" with --style ({', '.join(get_args(Style))})"
    )


def caller(function: Callable[..., Any], style: Style, gold: str | None, messages: bool) -> RewardCall:
    """A function that calls it with one completion and its gold answer.

    Args:
        function: the reward function.
        style: its conventions.
        gold: the parameter or document field that takes the gold answer; None to infer it.
        messages: pass completions as lists of messages, if the style allows both.

    Raises:
        RequestError: it requires arguments that are not passed.
    """
    if style == "trl":
        call_batch = batch_caller(function, gold, messages)
        return lambda text, right: call_batch([text], [right])
    if style == "lm-eval":
        return _positional(function, style, lambda text, right: ({gold or "answer": right}, [text]))
    if style == "pair":  # the gold answer comes first if the first parameter is named like one
        gold_first = any(word in next(iter(inspect.signature(function).parameters), "") for word in _GOLD_PARAMETERS)
        return _positional(function, style, lambda text, right: (right, text) if gold_first else (text, right))
    row_of = _verl_row if style == "verl" else _verifiers_row
    select = _argument_selector(function, style, row_of("", "", messages))
    return lambda text, right: function(**select(row_of(text, right, messages)))


def batch_caller(function: Callable[..., Any], gold: str | None, messages: bool) -> BatchCall:
    """A function that calls a TRL reward with a batch of completions and their gold answers; otherwise as `caller`."""
    columns = _columns(inspect.signature(function).parameters, gold)
    select = _argument_selector(function, "trl", _trl_row(columns, [], [], messages))
    return lambda texts, rights: function(**select(_trl_row(columns, texts, rights, messages)))


def not_taken(function: Callable[..., Any], style: Style) -> list[str]:
    """Arguments that the trainer passes by name and the function does not accept; they are left out here."""
    parameters = inspect.signature(function).parameters
    if _takes_any(parameters) or style not in ("trl", "verl"):
        return []
    row = _trl_row([], [], [], True) if style == "trl" else _verl_row("", "", False)
    return [name for name in row if name not in parameters]


def _takes_any(parameters: Mapping[str, inspect.Parameter]) -> bool:
    return any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _argument_selector(
    function: Callable[..., Any], style: Style, row: Mapping[str, Any]
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """A function that picks the accepted values from a row like this one; refuses a function that requires others."""
    signature = inspect.signature(function)
    names = [name for name in row if name in signature.parameters or _takes_any(signature.parameters)]
    _check(function, style, ", ".join(row), lambda: signature.bind(**{name: row[name] for name in names}))
    return lambda values: {name: values[name] for name in names}


def _positional(
    function: Callable[..., Any], style: Style, arguments: Callable[[str, str], tuple[Any, ...]]
) -> RewardCall:
    signature = inspect.signature(function)
    _check(function, style, "two arguments, a text and its gold", lambda: signature.bind(*arguments("", "")))
    return lambda text, right: function(*arguments(text, right))


def _check(function: Callable[..., Any], style: Style, passed: str, bind: Callable[[], inspect.BoundArguments]) -> None:
    try:
        bind()
    except TypeError as fault:
        raise RequestError(
            f"{getattr(function, '__name__', function)} cannot be called as {style}: {fault}. It would be passed"
            f" {passed}: give its other parameters defaults, wrap it, or see --style and --gold"
        ) from None


def _columns(names: Mapping[str, inspect.Parameter], gold: str | None) -> list[str]:
    """The data set's columns in which TRL would pass the gold answer."""
    columns = [
        n for n, p in names.items() if n not in _TRL_ARGUMENTS and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
    ]
    return [gold] if gold else [n for n in columns if n in _GOLD_PARAMETERS] or columns[:1] or list(_GOLD_PARAMETERS)


def _trl_row(columns: Sequence[str], texts: Sequence[str], rights: Sequence[str], messages: bool) -> dict[str, Any]:
    """A batch as TRL passes it, with the data set's columns by name."""
    return {
        "completions": [_turn("assistant", text, messages) for text in texts],
        "prompts": [_turn("user", "?", messages) for _ in texts],
        "completion_ids": [list(range(len(text.split()))) for text in texts],
        "trainer_state": SimpleNamespace(global_step=0, max_steps=1, epoch=0.0, num_train_epochs=1),
        "log_extra": _log_nothing,
        "log_metric": _log_nothing,
        **{column: list(rights) for column in columns},
    }


def _log_nothing(name: str, value: Any) -> None:
    """Does nothing: stands in for TRL's functions with which a reward logs."""


def _verl_row(text: str, right: str, messages: bool) -> dict[str, Any]:
    return {"data_source": "audit", "solution_str": text, "ground_truth": right, "extra_info": {}}


def _verifiers_row(text: str, right: str, messages: bool) -> dict[str, Any]:
    state = {
        "prompt": _turn("user", "?", True),
        "completion": _turn("assistant", text, messages),
        "answer": right,
        "info": {},
        "task": "audit",
    }
    return {**state, "state": state}


def _turn(role: str, text: str, as_message: bool) -> Any:
    return [{"role": role, "content": text}] if as_message else text


def score_of(returned: Any, field: str | None = None, style: Style | None = None) -> float | None:
    """The score in a reward function's return value; None if it abstains.

    Raises:
        ValueError: it contains no single score.
    """
    scores = scores_of(returned, field) if style == "trl" else [returned]
    if len(scores) != 1:
        raise ValueError(f"it returned {len(scores)} scores for one completion")
    return _number(scores[0], field)


def scores_of(returned: Any, field: str | None = None) -> list[Any]:
    """The scores of a batch, as TRL goes through them.

    Raises:
        ValueError: it is no list of scores.
    """
    value = _field_of(returned, field) if field else returned
    value = value.tolist() if hasattr(value, "tolist") else value  # an array or a tensor
    if not isinstance(value, Sequence | Iterator) or isinstance(value, str):
        raise ValueError(f"it returned {value!r:.80}: TRL takes a list with a score for each completion")
    return list(value)


def _number(value: Any, field: str | None) -> float | None:
    if isinstance(value, Mapping):
        value = _field_of(value, field)
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) != 1:
            raise ValueError(f"it returned {len(value)} scores for one completion")
        value = value[0]
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"it returned {value!r:.80}, which is no number") from None
    if math.isnan(number):
        raise ValueError("it returned NaN")
    return number


def _field_of(value: Any, field: str | None) -> Any:
    """The value of a mapping's field, by default `score`, `reward` or the first; any other value as it is."""
    if not isinstance(value, Mapping):
        return value
    name = field or ("score" if "score" in value else "reward" if "reward" in value else next(iter(value), ""))
    if name not in value:
        raise ValueError(f"it returned no '{name}': {sorted(map(str, value))}")
    return value[name]
