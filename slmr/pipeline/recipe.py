"""A method is a recipe: named stages, each a function of earlier ones.

    name: sft_grpo
    kind: sft_rl
    stages:
      pool:  {stage: pool}
      raw:   {stage: teacher, problems: pool, model: student}
      sft:   {stage: sft, model: student, traces: raw}
      grpo:  {stage: grpo, model: sft, problems: pool}
    result: grpo

`student` is the untrained student. With `rounds: R` the stages run R times. `name@previous` is that stage in the
previous round; in the first round it is the reference after `or`, or nothing if the input is optional or takes many.
Parameters are the profile's, overridden by the recipe's `with:`.

A recipe with `extends: NAME` is that recipe with changes: an input, a parameter, a whole stage (`null` removes it), or
the number of rounds. All ablations are written this way.
"""

from __future__ import annotations

import importlib
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from slmr.config import ABLATIONS, MethodKind
from slmr.errors import RequestError, check_known, unknown
from slmr.io import merged, plugins, read_settings, resource
from slmr.parsing import parse
from slmr.stage import Stage, registered
from slmr.tasks.registry import by_name

# A few methods to begin with, which also run first in `all`; the factorial experiment; and the experiment on what a
# second round, and the traces recycled into it, add with equally many updates.
Group = Literal["starter", "factorial", "rounds"]
EXPERIMENTS: frozenset[Group] = frozenset({"factorial", "rounds"})
STUDENT = "student"
LISTER = "slmr methods list"  # the command that prints every method
MAX_ROUNDS = 100  # a larger number is a typing error, and its plan would exhaust the memory


class StageSpec(BaseModel):
    """One stage of a recipe: its kind, its parameters, and input name → reference(s)."""

    model_config = ConfigDict(extra="allow")

    stage: str
    with_: dict[str, Any] = Field(default={}, alias="with")

    @model_validator(mode="after")
    def _refers(self) -> Self:
        for name, value in (self.model_extra or {}).items():
            references = value if isinstance(value, list) else [value]
            if not all(isinstance(reference, str) for reference in references):
                raise ValueError(
                    f"input {name[:80]} = {str(value)[:80]}: it should be the name of a stage, or a list of names"
                )
        return self

    @property
    def references(self) -> dict[str, list[str]]:
        extra = self.model_extra or {}
        return {name: [value] if isinstance(value, str) else list(value) for name, value in extra.items()}


class Recipe(BaseModel):
    """A method as defined in its YAML file.

    Attributes:
        extends: its parent, the parent's parent, and so on.
        groups: the groups that it belongs to; unlike all else not its parent's.
        evaluate: a reference's own parameters of the evaluation; ranked methods use the profile's.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    extends: tuple[str, ...] = ()
    kind: MethodKind
    groups: tuple[Group, ...] = ()
    summary: str
    paper: str | None = None
    rounds: int = Field(default=1, ge=1, le=MAX_ROUNDS)
    stages: dict[str, StageSpec] = {}
    result: str = STUDENT
    evaluate: dict[str, Any] = {}


@lru_cache(maxsize=1)
def stages() -> dict[str, Stage]:
    """Every kind of stage: the package's own, and those of the entry points `slmr.stages`."""
    for module in ("slmr.curriculum", "slmr.training", "slmr.evaluate"):
        importlib.import_module(module)
    plugins("slmr.stages")
    return registered()


@lru_cache(maxsize=1)
def installed_methods() -> tuple[Path, ...]:
    """The folders of the entry points `slmr.methods`; cached, because the search is slow."""
    return tuple(Path(folder) for folder in plugins("slmr.methods"))


def recipe_files(extra: Sequence[Path] = ()) -> dict[str, Path]:
    """Method name → its recipe's file, for every known method.

    Raises:
        RequestError: two files define one method, or an extra folder does not exist.
    """
    curriculum = Path(__file__).parents[1] / "curriculum"
    ours = [curriculum, *(curriculum / folder for folder in ("ablations", "factorial", "rounds"))]
    roots = [*ours, resource("baselines"), *installed_methods(), *extra]
    return by_name("method", roots, lambda root: root.glob("*.yaml"))


def load_recipe(name: str, extra: Sequence[Path] = ()) -> Recipe:
    """The recipe of a method.

    Raises:
        RequestError: no such method, or its YAML is invalid; the message says where.
    """
    return _load(name, recipe_files(extra))


def _load(name: str, files: Mapping[str, Path]) -> Recipe:
    check_known("method", name, files, LISTER)
    file = files[name]
    recipe = parse(Recipe, _read(name, files), file)
    if recipe.name != name:
        raise RequestError(f"{file}: the method is named '{recipe.name}', its file '{name}'")
    return recipe


def _read(name: str, files: Mapping[str, Path], extended: tuple[str, ...] = ()) -> dict[str, Any]:
    """A recipe's YAML, merged over the one that it extends."""
    file = files[name]
    content = read_settings(file, "a recipe")
    parent = content.pop("extends", None)
    if parent is None:
        return content
    if not isinstance(parent, str):
        raise RequestError(f"{file}: extends = {parent}: it should be the name of one method")
    if parent in (name, *extended):
        raise RequestError(f"{file}: '{name}' extends itself")
    if parent not in files:
        raise RequestError(f"{file}: {unknown('method', str(parent), files, LISTER)}")
    base = _read(parent, files, (name, *extended))
    base.pop("groups", None)
    return merged(base, {**content, "extends": (parent, *base.get("extends", ()))})


def select_methods(names: str, extra: Sequence[Path] = (), leave_out: Collection[str] = ()) -> list[Recipe]:
    """The recipes of a comma-separated list; `base` is always included, and comes first.

    `starter` selects a few methods to begin with, `factorial` and `rounds` those of an experiment; `all` selects every
    method except ablations and controls, `ablations` those that belong to no experiment. None of these words selects a
    method in `leave_out`.

    Raises:
        RequestError: no such method, or its YAML is invalid.
    """
    files = recipe_files(extra)
    words = list(filter(None, map(str.strip, names.split(","))))
    if not words:
        raise RequestError(f"--method '{names}' names no method (known: {', '.join(sorted(files))})")
    selected = [recipe for word in words for recipe in _select(word, files, leave_out)]
    recipes = {recipe.name: recipe for recipe in (_load("base", files), *selected)}
    order: tuple[str, ...] = get_args(MethodKind)
    return sorted(recipes.values(), key=lambda r: (order.index(r.kind), r.name))


def _select(name: str, files: Mapping[str, Path], leave_out: Collection[str]) -> list[Recipe]:
    """The recipes that a word of `select_methods` selects: a group, or a single method."""
    if name not in ("all", "ablations", *get_args(Group)):
        return [_load(name, files)]
    recipes = [_load(n, files) for n in files if n not in leave_out]
    if name in get_args(Group):
        return [recipe for recipe in recipes if name in recipe.groups]
    candidates = [recipe for recipe in recipes if EXPERIMENTS.isdisjoint(recipe.groups)]
    return [recipe for recipe in candidates if (recipe.kind in ABLATIONS) == (name == "ablations")]
