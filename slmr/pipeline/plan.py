"""Plans a bench: all stages of methods x students x seeds, before any work starts."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from slmr.artifacts import Store
from slmr.config import DEFAULT_PROFILE, Profile, load_profile
from slmr.engines.models import Say
from slmr.errors import RequestError, check_known, unknown
from slmr.io import digest
from slmr.parsing import first_fault
from slmr.pipeline.executors import EXECUTORS
from slmr.pipeline.identities import Identities
from slmr.pipeline.planner import Node, Planner, StageNode, unique_stages
from slmr.pipeline.recipe import LISTER, Recipe, recipe_files, select_methods, stages
from slmr.pipeline.remote_store import RemoteStore
from slmr.pipeline.runner import Execution
from slmr.results.runs.files import ARTEFACTS
from slmr.results.runs.schema import Student, SummaryRow
from slmr.tasks import Task
from slmr.tasks.registry import load_task, select_tasks


@dataclass(frozen=True)
class BenchRequest:
    """The options of `slmr bench`; `jobs` None is as many stages side by side as this machine can run."""

    methods: str = "all"
    profile: str = DEFAULT_PROFILE
    students: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0,)
    out: Path = Path("runs")
    limit: int | None = None
    tasks_paths: tuple[Path, ...] = ()
    methods_paths: tuple[Path, ...] = ()
    executor: str = "local"
    remote_store: str | None = None
    jobs: int | None = 1


@dataclass(frozen=True)
class PlannedMethod:
    """A method for one student and seed: the nodes of its model and of its evaluations."""

    recipe: Recipe
    student: str
    seed: int
    model: Node
    evaluation: StageNode
    command: str
    capability: StageNode | None = None

    @property
    def last(self) -> list[StageNode]:
        """The nodes that no other node depends on."""
        return [self.evaluation, *([self.capability] if self.capability else [])]


@dataclass(frozen=True)
class Plan:
    """A run: the tasks, the methods that are evaluated on them, the run's folder, and the stages to execute."""

    tasks: list[Task]
    methods: list[PlannedMethod]
    folder: Path
    execution: Execution

    @property
    def store(self) -> Store:
        return self.execution.store

    @property
    def nodes(self) -> tuple[StageNode, ...]:
        return self.execution.nodes

    @property
    def profile(self) -> Profile:
        return self.execution.profile


def make_plan(request: BenchRequest, say: Say = lambda _: None, identities: Identities | None = None) -> Plan:
    """Checks the whole request and plans every stage; `say` is told about model conversions.

    Raises:
        RequestError: something in the request is unknown, invalid or impossible; no work has started.
    """
    _check_request(request)
    identities = identities or Identities()
    profile = load_profile(request.profile)
    tasks = select_tasks(profile.tasks, request.tasks_paths)
    _check_profile(profile, tasks, request)
    recipes = select_methods(request.methods, request.methods_paths, profile.leave_out)
    folder = _run_folder(profile, request)
    profile = _limited(profile, request, identities)
    evaluation = _evaluation(profile, tasks, identities)
    capability = _capability(profile, request)
    methods = []
    for student in request.students or (profile.default_student,):
        check_label(student, "give the folder another name, or a link to it with one")
        untrained = identities.student(student, profile.students, say)
        for seed in request.seeds:
            planner = Planner(untrained, profile, seed, identities)
            for recipe in recipes:
                model = planner.plan(recipe)
                command = reproduce_command(recipe.name, student, seed, request)
                second = planner.evaluation(model, capability | recipe.evaluate) if capability else None
                evaluated = planner.evaluation(model, evaluation | recipe.evaluate)
                methods.append(PlannedMethod(recipe, student, seed, model, evaluated, command, second))
    return Plan(tasks, methods, folder, _execution(methods, folder, profile, request))


def _execution(methods: Sequence[PlannedMethod], folder: Path, profile: Profile, request: BenchRequest) -> Execution:
    """All stages of these methods, each once; those of the starters run first."""
    nodes = unique_stages([end for method in methods for end in method.last])
    names: dict[str, dict[str, None]] = {node.key: {} for node in nodes}
    for method in methods:
        for node in unique_stages(method.last):
            names[node.key][method.recipe.name] = None
    starters = unique_stages([m.evaluation for m in methods if "starter" in m.recipe.groups])
    return Execution(
        folder / ARTEFACTS,
        tuple(nodes),
        profile,
        request.tasks_paths,
        {key: tuple(methods_of_node) for key, methods_of_node in names.items()},
        {node.key for node in starters},
        request.jobs,
        request.executor,
        RemoteStore(request.remote_store) if request.remote_store else None,
    )


def check_label(label: str, advice: str) -> None:
    """Raises RequestError if results could not be written, or shown, under the name `label` of a model."""
    try:
        TypeAdapter(Student).validate_python(label)
    except ValidationError as error:
        raise RequestError(f"model {label[:80]!r}: {first_fault(error, SummaryRow)} ({advice})") from None
    if not label.isprintable() or not label.strip():
        raise RequestError(f"model {label[:80]!r}: a name has signs that can be shown alone ({advice})")


def _check_request(request: BenchRequest) -> None:
    check_known("executor", request.executor, EXECUTORS)
    if request.remote_store and request.executor != "ray":
        raise RequestError("--depot is for --executor ray: one machine has nothing to exchange artefacts with")
    if request.executor == "ray" and request.jobs not in (None, 1):
        raise RequestError("--jobs is for --executor local: Ray runs as many stages as fit on the cluster")


def _run_folder(profile: Profile, request: BenchRequest) -> Path:
    """The run's folder, named by the settings that are not defaults, so that a new setting does not rename it."""
    untracked = profile.training.model_copy(update={"report_to": ()})
    settings = profile.model_copy(update={"training": untracked}).model_dump(
        mode="json", exclude_defaults=True, exclude={"threads"}
    )
    return request.out / f"{profile.name}-{digest([settings, request.limit])[:8]}"


def _limited(profile: Profile, request: BenchRequest, identities: Identities) -> Profile:
    """The profile with the digest of the pool's task, and with the request's limit on items and problems."""
    pool = dict(profile.stages.get("pool", {}))
    if "task" in pool:
        if not isinstance(pool["task"], str):
            raise RequestError(f"profile: stages: pool: task = {pool['task']!r:.80}: it should be a task's name")
        pool["task_digest"] = identities.task_digest(load_task(pool["task"], request.tasks_paths))
    evaluate, capability, limit = profile.evaluate, profile.capability, request.limit
    if limit is not None:
        pool["size"] = limit
        evaluate = evaluate.model_copy(update={"limit": limit})
        if capability:
            capability = capability.model_copy(update={"limit": min(capability.limit, limit)})
    return profile.model_copy(
        update={"stages": profile.stages | {"pool": pool}, "evaluate": evaluate, "capability": capability}
    )


def _evaluation(profile: Profile, tasks: Sequence[Task], identities: Identities) -> dict[str, Any]:
    """The parameters of the evaluation of every method."""
    digests = tuple(identities.task_digest(task) for task in tasks)
    return profile.evaluate.model_dump() | {"tasks": tuple(t.name for t in tasks), "task_digests": digests}


def _capability(profile: Profile, request: BenchRequest) -> dict[str, Any] | None:
    """The parameters of the second evaluation, if the profile has one."""
    settings = profile.capability
    if settings is None:
        return None
    tasks = select_tasks(settings.tasks, request.tasks_paths)
    return {
        "tasks": tuple(task.name for task in tasks),
        "task_digests": tuple(task.digest for task in tasks),
        "limit": settings.limit,
        "k": settings.k,
        "temperature": 1.0,
    }


def _check_profile(profile: Profile, tasks: Sequence[Task], request: BenchRequest) -> None:
    """Checks that the tasks are of one edition (besides users' own), and that all named stages and methods exist."""
    if len({task.edition for task in tasks} - {"own"}) > 1:
        raise RequestError(
            f"profile: tasks: {profile.tasks} mix lab and paper tasks, which are never ranked together: make a profile"
            " for each; one can `extends` the other"
        )
    methods = recipe_files(request.methods_paths)
    for name in (*profile.tuned, *profile.leave_out):
        if name not in methods:
            raise RequestError(f"profile: {unknown('method', name, methods, LISTER)}")
    for name in (*profile.stages, *(kind for values in profile.tuned.values() for kind in values)):
        if name not in stages():
            raise RequestError(f"profile: {unknown('stage', name, stages())}")
    trained = [kind for kind, stage in stages().items() if stage.trains]
    for name in profile.training.stages:
        if name not in trained:
            raise RequestError(f"profile: training: {unknown('stage that trains', name, trained)}")


def reproduce_command(method: str, student: str, seed: int, request: BenchRequest) -> str:
    """The command line that reproduces a method's rows."""
    words = ["slmr", "bench", "--method", method, "--profile", request.profile]
    words += ["--student", student, "--seed", str(seed)]
    if request.limit is not None:
        words += ["--limit", str(request.limit)]
    for option, paths in (("--tasks-path", request.tasks_paths), ("--methods-path", request.methods_paths)):
        for path in paths:
            words += [option, str(path)]
    return shlex.join(words)
