"""A method is a recipe: named stages, each a function of the ones before it.

    name: sft_grpo
    kind: sft_rl
    stages:
      pool:  {stage: pool}
      raw:   {stage: teacher, problems: pool, model: student}
      sft:   {stage: sft, model: student, traces: raw}
      grpo:  {stage: grpo, model: sft, problems: pool}
    result: grpo

`student` is the untrained student. With `rounds: R` the stages run R times; `name@previous` is that
stage of the round before, and in the first round the reference behind `or`, or nothing where the input
is optional or takes many. Parameters are the profile's, overridden by the recipe's `with:`.

A recipe that says `extends: NAME` is that one with what it names changed: an input, a parameter, a whole
stage (`null` removes it), the number of rounds. So are all ablations made.
"""

from __future__ import annotations

import importlib
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, Field

from slmr.config import MethodKind, parse
from slmr.errors import RequestError, unknown
from slmr.io import merged, plugins, read_settings, resource
from slmr.stage import Stage, registered

APART = ("ablation", "control")  # asked for as `ablations`, and no part of `all`
STARTERS = ("base", "sft", "grpo", "sft_grpo", "stagewise")  # asked for as `starter`, and made first of `all`
STUDENT = "student"


class StageSpec(BaseModel):
    """One stage of a recipe as written: its kind, its parameters, and input name → reference(s)."""

    model_config = ConfigDict(extra="allow")

    stage: str
    with_: dict[str, Any] = Field(default={}, alias="with")

    @property
    def references(self) -> dict[str, list[str]]:
        extra = self.model_extra or {}
        return {name: [value] if isinstance(value, str) else list(value) for name, value in extra.items()}


class Recipe(BaseModel):
    """A method as its YAML says; `extends` are its parent, the parent's parent, and so on.

    `evaluate`: parameters of the evaluation that are a reference's own; methods that are ranked have the profile's.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    extends: tuple[str, ...] = ()
    kind: MethodKind
    summary: str
    paper: str | None = None
    rounds: int = Field(default=1, ge=1)
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
    """The folders of the entry points `slmr.methods`; to look for them takes a while."""
    return tuple(Path(folder) for folder in plugins("slmr.methods"))


def recipe_files(extra: Sequence[Path] = ()) -> dict[str, Path]:
    """Every known recipe's file by the method's name.

    Raises:
        RequestError: two files define one method, or an extra folder does not exist.
    """
    roots = [resource("baselines"), *installed_methods(), *extra]
    curriculum = Path(__file__).parents[1] / "curriculum"
    files = [curriculum / "stagewise.yaml", *sorted((curriculum / "ablations").glob("*.yaml"))]
    for root in roots:
        if not root.is_dir():
            raise RequestError(f"methods folder {root} does not exist")
        files += sorted(root.glob("*.yaml"))
    by_name: dict[str, Path] = {}
    for file in files:
        if file.stem in by_name:
            raise RequestError(
                f"method '{file.stem}' is defined twice: in {by_name[file.stem]} and in {file}"
            )
        by_name[file.stem] = file
    return by_name


def load_recipe(name: str, extra: Sequence[Path] = ()) -> Recipe:
    """The recipe of a method.

    Raises:
        RequestError: no such method, or its YAML has a fault; the message says where.
    """
    return _load(name, recipe_files(extra))


def _load(name: str, files: Mapping[str, Path]) -> Recipe:
    if name not in files:
        raise unknown("method", name, files)
    file = files[name]
    recipe = parse(Recipe, _read(name, files), file)
    if recipe.name != name:
        raise RequestError(f"{file}: the method is named '{recipe.name}', its file '{name}'")
    return recipe


def _read(name: str, files: Mapping[str, Path], extended: tuple[str, ...] = ()) -> dict[str, Any]:
    """A recipe's YAML, over the one that it extends."""
    file = files[name]
    content = read_settings(file, "a recipe")
    parent = content.pop("extends", None)
    if parent is None:
        return content
    if parent in (name, *extended):
        raise RequestError(f"{file}: '{name}' extends itself")
    if parent not in files:
        raise RequestError(f"{file}: {unknown('method', str(parent), files)}")
    base = _read(parent, files, (name, *extended))
    return merged(base, {**content, "extends": (parent, *base.get("extends", ()))})


def select_methods(names: str, extra: Sequence[Path] = (), leave_out: Collection[str] = ()) -> list[Recipe]:
    """The recipes of a comma-separated list; `base` comes first and is always there.

    `starter` is the few to begin with; `all` is every method but the ablations and controls, which `ablations` names.
    None of these words brings a method that is to be left out.

    Raises:
        RequestError: no such method, or its YAML has a fault.
    """
    files = recipe_files(extra)
    recipes = {"base": _load("base", files)}
    for name in (n.strip() for n in names.split(",") if n.strip()):
        if name not in ("starter", "all", "ablations"):
            recipes[name] = _load(name, files)
            continue
        candidates = STARTERS if name == "starter" else tuple(files)
        for recipe in (_load(n, files) for n in candidates if n not in leave_out):
            if (recipe.kind in APART) == (name == "ablations"):
                recipes[recipe.name] = recipe
    order: tuple[str, ...] = get_args(MethodKind)
    return sorted(recipes.values(), key=lambda r: (order.index(r.kind), r.name))
