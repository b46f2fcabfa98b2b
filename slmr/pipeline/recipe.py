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
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, Field

from slmr.artifacts import library_versions
from slmr.config import EngineSettings, MethodKind, Params, TrainingSettings, parse
from slmr.errors import RequestError, SlmrError, unknown
from slmr.io import digest, merged, read_settings, resource
from slmr.stage import Stage, registered

APART = ("ablation", "control")  # asked for as `ablations`, and no part of `all`
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
    """A method as its YAML says; `extends` are its parent, the parent's parent, and so on."""

    model_config = ConfigDict(extra="forbid")

    name: str
    extends: tuple[str, ...] = ()
    kind: MethodKind
    summary: str
    paper: str | None = None
    rounds: int = Field(default=1, ge=1)
    stages: dict[str, StageSpec] = {}
    result: str = STUDENT


@dataclass(frozen=True)
class Node:
    """One stage of a plan, with everything known that its artefact depends on.

    `inputs` are the keys of other nodes; the student is the node whose stage is None.
    """

    key: str
    label: str
    stage: Stage | None
    params: Params | None
    inputs: dict[str, tuple[Node, ...]]
    seed: int | None
    student: Path | str | None = None

    def makes(self, kind: str) -> bool:
        """Whether its stage is of that kind; the student is made by none."""
        return self.stage is not None and self.stage.name == kind

    def ancestors(self) -> list[Node]:
        """This node and all that it needs, each once, inputs first."""
        found: dict[str, Node] = {}

        def visit(node: Node) -> None:
            for group in node.inputs.values():
                for child in group:
                    if child.key not in found:
                        visit(child)
            found[node.key] = node

        visit(self)
        return list(found.values())


@lru_cache(maxsize=1)
def stages() -> dict[str, Stage]:
    """Every kind of stage: the package's own, and those of the entry points `slmr.stages`."""
    for module in ("slmr.curriculum", "slmr.training", "slmr.evaluate"):
        importlib.import_module(module)
    for point in entry_points(group="slmr.stages"):
        point.load()
    return registered()


@lru_cache(maxsize=1)
def installed_methods() -> tuple[Path, ...]:
    """The folders of the entry points `slmr.methods`; to look for them takes a while."""
    return tuple(Path(point.load()) for point in entry_points(group="slmr.methods"))


def recipe_files(extra: Sequence[Path] = ()) -> dict[str, Path]:
    """Every known recipe's file by the method's name.

    Raises:
        RequestError: two files define one method, or an extra folder does not exist.
    """
    roots = [resource("baselines"), *installed_methods(), *extra]
    own = Path(__file__).parents[1] / "curriculum"
    files = [own / "stagewise.yaml", *sorted((own / "ablations").glob("*.yaml"))]
    for root in roots:
        if not root.is_dir():
            raise RequestError(f"methods folder {root} does not exist")
        files += sorted(root.glob("*.yaml"))
    found: dict[str, Path] = {}
    for file in files:
        if file.stem in found:
            raise RequestError(f"method '{file.stem}' is defined twice: in {found[file.stem]} and in {file}")
        found[file.stem] = file
    return found


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

    `all` is every method but the ablations and controls, which `ablations` names, and those to leave out.
    """
    files = recipe_files(extra)
    recipes = {"base": _load("base", files)}
    for name in (n.strip() for n in names.split(",") if n.strip()):
        if name in ("all", "ablations"):
            known = [_load(n, files) for n in files if n not in leave_out]
            recipes |= {r.name: r for r in known if (r.kind in APART) == (name == "ablations")}
        else:
            recipes[name] = _load(name, files)
    order: tuple[str, ...] = get_args(MethodKind)
    return sorted(recipes.values(), key=lambda r: (order.index(r.kind), r.name))


def _check_validation(params: Params, given: Sequence[Node]) -> None:
    """Raises RequestError where a stage is to validate and has no problems for it, as far as can be known before."""
    pools = [node.params.model_dump() for node in given if node.params and node.makes("pool")]
    asked = getattr(params, "validate_every", 0)
    if asked and (not given or any(not pool["validation"] for pool in pools)):
        from slmr.training.validation import NOTHING_HELD_OUT

        raise RequestError(NOTHING_HELD_OUT)


class Planner:
    """Turns recipes into nodes with keys. Equal stages get equal keys, so methods share them.

    `tuned`, `budget` and `training` are the profile's: what a stage writes depends on them. With a list of what is
    `lacking`, a plan to look at: what a stage needs from outside and does not find is put there, and its key is not
    that of the real stage.
    """

    def __init__(
        self, student: Path | str, student_key: str, defaults: Mapping[str, Mapping[str, Any]], engine: EngineSettings,
        seed: int, tuned: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None, budget: int | None = None,
        training: TrainingSettings | None = None, lacking: list[str] | None = None,
    ) -> None:  # fmt: skip
        self._student = Node(student_key, STUDENT, None, None, {}, None, student)
        self._defaults, self._engine, self._seed = defaults, engine, seed
        self._tuned, self._budget, self._training = tuned or {}, budget, training or TrainingSettings()
        self._lacking, self._asked = lacking, set[str]()

    def plan(self, recipe: Recipe) -> Node:
        """The node that makes the method's final model; its ancestors are the whole plan.

        Raises:
            RequestError: unknown stage, parameter, input or reference; the message names the recipe.
        """
        previous: dict[str, Node] = {}
        current: dict[str, Node] = {}
        for number in range(1, recipe.rounds + 1):
            current = {STUDENT: self._student}
            for label, spec in recipe.stages.items():
                shown = label if recipe.rounds == 1 else f"{label} (round {number})"
                current[label] = self._node(recipe, label, shown, spec, current, previous, number == 1)
            previous = current
        if recipe.result not in (current or {STUDENT: None}):
            raise RequestError(f"method '{recipe.name}': {unknown('result', recipe.result, current)}")
        return current[recipe.result]

    def evaluation(self, model: Node, values: Mapping[str, Any]) -> Node:
        """The node that evaluates a model."""
        kind = stages()["evaluate"]
        return self.make(kind, "evaluate", dict(values), {"model": (model,)}, "profile: evaluate")

    def make(
        self, kind: Stage, label: str, values: dict[str, Any], inputs: dict[str, tuple[Node, ...]], where: str
    ) -> Node:
        """A node with its key: the hash of all that can change what the stage writes."""
        params = self._identified(kind.parse(values, where))
        seed = self._seed if kind.random else None
        limited: dict[str, Any] = (
            {"budget": self._budget} if self._budget is not None and kind.name != "evaluate" else {}
        )
        if kind.trains:
            training = self._training.of(kind.name)
            if kind.rolls_out and training.processes > 1 and self._engine.sampled_by == "vllm":
                raise RequestError(
                    f"{where}: vLLM in the training process is for one process, and training.processes is"
                    f" {training.processes}: name a vLLM server (engine: {{rollouts: URL}}), or take the"
                    " trainer's own sampler (engine: {rollouts: trainer})"
                )
            try:
                params.fits(training)
                _check_validation(params, inputs.get("validation", ()))
            except RequestError as error:
                raise RequestError(f"{where}: {error}") from None
            if changed := training.identity():
                limited["training"] = changed
        key = digest(
            {
                **limited, "stage": kind.name, "version": kind.version, "parameters": params.model_dump(mode="json"),
                "inputs": {name: [node.key for node in group] for name, group in inputs.items()},
                "seed": seed, "libraries": library_versions(self._engine.name),
                "engine": self._engine.identity(rolls_out=kind.rolls_out),
            }
        )  # fmt: skip
        return Node(key, label, kind, params, inputs, seed)

    def _identified(self, params: Params) -> Params:
        """With the digests of what is outside; nobody is asked a second time who did not answer."""
        if self._lacking is None:
            return params.identified()
        who = digest({k: v for k, v in params.model_dump(mode="json").items() if k.startswith("teacher")})
        if who in self._asked:
            return params
        try:
            return params.identified()
        except SlmrError as error:
            self._asked.add(who)
            if str(error) not in self._lacking:
                self._lacking.append(str(error))
            return params

    def _node(
        self, recipe: Recipe, label: str, shown: str, spec: StageSpec, current: Mapping[str, Node],
        previous: Mapping[str, Node], first: bool,
    ) -> Node:  # fmt: skip
        where = f"method '{recipe.name}', stage '{label}'"
        if spec.stage not in stages():
            raise RequestError(f"{where}: {unknown('stage', spec.stage, stages())}")
        kind = stages()[spec.stage]
        for name in spec.references:
            if name not in kind.inputs:
                raise RequestError(f"{where}: {unknown('input', name, kind.inputs)}")
        inputs = {
            name: tuple(
                node
                for reference in spec.references.get(name, [])
                if (node := self._resolve(reference, where, recipe, current, previous, first)) is not None
            )
            for name in kind.inputs
        }
        for name, rule in kind.inputs.items():
            least, most = {"one": (1, 1), "optional": (0, 1), "many": (1, 1000)}[rule]
            if not least <= len(inputs[name]) <= most:
                raise RequestError(f"{where}: input '{name}' takes {rule}, {len(inputs[name])} given")
        own = next((self._tuned[n] for n in (recipe.name, *recipe.extends) if n in self._tuned), {})
        values = {**self._defaults.get(spec.stage, {}), **own.get(spec.stage, {}), **spec.with_}
        return self.make(kind, shown, values, inputs, where)

    def _resolve(
        self, reference: str, where: str, recipe: Recipe, current: Mapping[str, Node],
        previous: Mapping[str, Node], first: bool,
    ) -> Node | None:  # fmt: skip
        wanted, _, otherwise = (part.strip() for part in reference.partition(" or "))
        if wanted.endswith("@previous"):
            name = wanted.removesuffix("@previous")
            if name not in recipe.stages:
                raise RequestError(f"{where}: {unknown('stage', name, recipe.stages)}")
            if not first:
                return previous[name]
            if not otherwise:
                return None
            wanted = otherwise
        if wanted not in current:
            raise RequestError(f"{where}: {unknown('earlier stage', wanted, current)}")
        return current[wanted]
