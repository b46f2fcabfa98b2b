"""Plans a method: turns its recipe's stages into nodes, each with the key of its artefact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slmr.artifacts import Cost, Store, library_versions
from slmr.config import Params, Profile, TrainingSettings
from slmr.curriculum.pool import PoolParams
from slmr.engines.models import Model
from slmr.errors import RequestError, unknown
from slmr.io import digest
from slmr.pipeline.identities import Identities
from slmr.pipeline.recipe import STUDENT, Recipe, StageSpec, stages
from slmr.stage import Stage


@dataclass(frozen=True)
class Node:
    """A possible input of a stage: an untrained student, a data folder, or another stage's output."""

    key: str
    label: str

    @property
    def sources(self) -> tuple[Node, ...]:
        """The nodes of its inputs."""
        return ()

    def output(self, store: Store) -> Path | str:
        """Its folder, or a server's URL."""
        raise NotImplementedError

    def ancestors(self) -> list[Node]:
        """This node and all that it depends on, each once, inputs first."""
        visited: dict[str, Node] = {}

        def visit(node: Node) -> None:
            for source in node.sources:
                if source.key not in visited:
                    visit(source)
            visited[node.key] = node

        visit(self)
        return list(visited.values())

    def stages(self) -> list[StageNode]:
        """The stages among `ancestors`."""
        return [node for node in self.ancestors() if isinstance(node, StageNode)]

    def students(self) -> list[StudentNode]:
        """The students among `ancestors`."""
        return [node for node in self.ancestors() if isinstance(node, StudentNode)]


@dataclass(frozen=True)
class StudentNode(Node):
    """An untrained student: a model's folder, or a server's URL."""

    location: Path | str

    def output(self, store: Store) -> Path | str:
        return self.location


@dataclass(frozen=True)
class DataNode(Node):
    """A folder of rows that no stage writes, such as a user's problems; its key is a hash of their content."""

    folder: Path

    def output(self, store: Store) -> Path:
        return self.folder


@dataclass(frozen=True)
class StageNode(Node):
    """One stage of a plan, with everything that its artefact depends on; `seed` is None if it is not random."""

    stage: Stage
    params: Params
    inputs: Mapping[str, tuple[Node, ...]]
    seed: int | None

    @property
    def kind(self) -> str:
        return self.stage.name

    @property
    def artefact(self) -> str:
        """The name of the artefact's folder."""
        return f"{self.kind}-{self.key}"

    @property
    def sources(self) -> tuple[Node, ...]:
        return tuple(node for nodes in self.inputs.values() for node in nodes)

    def output(self, store: Store) -> Path:
        return store.path(self.kind, self.key)


def unique_stages(ends: Iterable[Node]) -> list[StageNode]:
    """All stages that `ends` depend on, including themselves, each once, inputs first."""
    return list({node.key: node for end in ends for node in end.stages()}.values())


def spent_on(store: Store, nodes: Iterable[Node]) -> Cost:
    """The cost of these stages and of all that they depend on, each counted once."""
    return sum((store.manifest(node.kind, node.key).cost for node in unique_stages(nodes)), Cost())


@dataclass(frozen=True)
class _References:
    """The nodes that a stage's inputs in a recipe can refer to; `previous` is None in the first round."""

    recipe: Recipe
    where: str
    current: Mapping[str, Node]
    previous: Mapping[str, Node] | None

    def node(self, reference: str) -> Node | None:
        """The node of a reference; None for `@previous` in the first round without an alternative after `or`.

        Raises:
            RequestError: there is no such earlier stage.
        """
        name, _, otherwise = (part.strip() for part in reference.partition(" or "))
        if name.endswith("@previous"):
            earlier = name.removesuffix("@previous")
            if earlier not in self.recipe.stages:
                raise RequestError(f"{self.where}: {unknown('stage', earlier, self.recipe.stages)}")
            if self.previous is not None:
                return self.previous[earlier]
            if not otherwise:
                return None
            name = otherwise
        if name not in self.current:
            raise RequestError(f"{self.where}: {unknown('earlier stage', name, self.current)}")
        return self.current[name]

    def inputs(self, kind: Stage, spec: StageSpec) -> dict[str, tuple[Node, ...]]:
        """Input name → its nodes.

        Raises:
            RequestError: an unknown input, or too many or too few nodes for it.
        """
        for name in spec.references:
            if name not in kind.inputs:
                raise RequestError(f"{self.where}: {unknown('input', name, kind.inputs)}")
        inputs = {}
        for name, rule in kind.inputs.items():
            nodes = [self.node(reference) for reference in spec.references.get(name, [])]
            inputs[name] = tuple(node for node in nodes if node is not None)
            least, most = {"one": (1, 1), "optional": (0, 1), "many": (1, 1000)}[rule]
            if not least <= len(inputs[name]) <= most:
                raise RequestError(f"{self.where}: input '{name}' takes {rule}, {len(inputs[name])} given")
        return inputs


class Planner:
    """Turns recipes into nodes with keys. Equal stages get equal keys, so methods share them.

    The stages have to run with the same profile.
    """

    def __init__(self, student: Model, profile: Profile, seed: int, identities: Identities | None = None) -> None:
        self._student = StudentNode(student.key, STUDENT, student.location)
        self._profile, self._seed, self._identities = profile, seed, identities or Identities()

    def plan(self, recipe: Recipe) -> Node:
        """The node of the method's final model; its ancestors are the whole plan.

        Raises:
            RequestError: unknown stage, parameter, input or reference; the message names the recipe.
        """
        previous: dict[str, Node] | None = None
        current: dict[str, Node] = {STUDENT: self._student}
        for number in range(1, recipe.rounds + 1):
            current = {STUDENT: self._student}
            for label, spec in recipe.stages.items():
                where = f"method '{recipe.name}', stage '{label}'"
                title = label if recipe.rounds == 1 else f"{label} (round {number})"
                current[label] = self._node(spec, title, _References(recipe, where, current, previous))
            previous = current
        if recipe.result not in current:
            raise RequestError(f"method '{recipe.name}': {unknown('result', recipe.result, current)}")
        return current[recipe.result]

    def evaluation(self, model: Node, values: Mapping[str, Any], where: str = "profile: evaluate") -> StageNode:
        """The node that evaluates a model; `where` are the values from."""
        kind = stages()["evaluate"]
        return self.make(kind, "evaluate", dict(values), {"model": (model,)}, where)

    def make(
        self,
        kind: Stage,
        label: str,
        values: dict[str, Any],
        inputs: Mapping[str, tuple[Node, ...]],
        where: str,
    ) -> StageNode:
        """A node with its key: the hash of everything that can change the stage's output.

        Raises:
            RequestError: a parameter is unknown or invalid; the message begins with `where`.
        """
        params = self._identities.params(kind.parse(values, where))
        seed, engine = self._seed if kind.random else None, self._profile.engine
        settings: dict[str, Any] = {}
        if self._profile.budget is not None and kind.name != "evaluate":
            settings["budget"] = self._profile.budget
        if kind.trains:
            training = self._profile.training.for_stage(kind.name)
            try:
                self._check_training(kind, params, training, inputs.get("validation", ()))
            except RequestError as error:
                raise RequestError(f"{where}: {error}") from None
            if changed := training.identity():
                settings["training"] = changed
        key = digest(
            {
                **settings,
                "stage": kind.name,
                "version": kind.version,
                "parameters": params.identity(),
                "inputs": {name: [node.key for node in nodes] for name, nodes in inputs.items()},
                "seed": seed,
                "libraries": library_versions(engine.name),
                "engine": engine.identity(rolls_out=kind.trains and kind.samples),
            }
        )
        return StageNode(key, label, kind, params, inputs, seed)

    def _check_training(
        self, kind: Stage, params: Params, training: TrainingSettings, validation: Sequence[Node]
    ) -> None:
        """Raises RequestError if a stage cannot train with these settings, as far as this can be known beforehand."""
        if kind.samples and training.processes > 1 and self._profile.engine.sampled_by == "vllm":
            raise RequestError(
                f"vLLM in the training process needs one process, but training.processes is {training.processes}:"
                " name a vLLM server (engine: {rollouts: URL}), or take the trainer's own sampler"
                " (engine: {rollouts: trainer})"
            )
        params.fits(training)
        from slmr.training.validation import NOTHING_HELD_OUT, ValidationParams  # late: slow

        if not isinstance(params, ValidationParams) or not params.validate_every:
            return
        pools = [node.params for node in validation if isinstance(node, StageNode)]
        nothing_held_out = any(isinstance(pool, PoolParams) and not pool.validation for pool in pools)
        if not validation or nothing_held_out:
            raise RequestError(NOTHING_HELD_OUT)

    def _node(self, spec: StageSpec, label: str, references: _References) -> StageNode:
        """A stage of a recipe. Its parameters override the method's tuned ones, which override the profile's."""
        recipe, where = references.recipe, references.where
        if spec.stage not in stages():
            raise RequestError(f"{where}: {unknown('stage', spec.stage, stages())}")
        kind = stages()[spec.stage]
        by_method = self._profile.tuned
        tuned = next((by_method[name] for name in (recipe.name, *recipe.extends) if name in by_method), {})
        values = {**self._profile.stages.get(kind.name, {}), **tuned.get(kind.name, {}), **spec.with_}
        return self.make(kind, label, values, references.inputs(kind, spec), where)
