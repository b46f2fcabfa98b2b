"""Plans a bench: all stages of methods x students x seeds, before any work starts."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from slmr.artifacts import Store
from slmr.config import DEFAULT_PROFILE, Profile, first_fault, load_profile
from slmr.engines.models import Model, Say, check_on_hub, is_on_hand, resolve_model
from slmr.errors import RequestError, check_known, unknown
from slmr.io import digest
from slmr.pipeline.planner import Node, Planner, StageNode, unique_stages
from slmr.pipeline.recipe import LISTER, Recipe, recipe_files, select_methods, stages
from slmr.results.runs.files import ARTEFACTS
from slmr.results.runs.schema import Student, SummaryRow
from slmr.tasks import Task
from slmr.tasks.registry import load_task, select_tasks

EXECUTORS = ("local", "ray")


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
    depot: str | None = None
    jobs: int | None = 1


@dataclass(frozen=True)
class Entry:
    """One (method, student, seed) of a plan: the nodes of its model and of its evaluations."""

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
    """Everything that a bench will do."""

    profile: Profile
    tasks: list[Task]
    entries: list[Entry]
    folder: Path
    request: BenchRequest
    nodes: list[StageNode] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return Store(self.folder / ARTEFACTS)

    @cached_property
    def methods(self) -> dict[str, tuple[str, ...]]:
        """Key of a node → the methods that need it."""
        names: dict[str, dict[str, None]] = {node.key: {} for node in self.nodes}
        for entry in self.entries:
            for node in unique_stages(entry.last):
                names[node.key][entry.recipe.name] = None
        return {key: tuple(methods) for key, methods in names.items()}


def make_plan(request: BenchRequest, say: Say = lambda _: None, lacking: list[str] | None = None) -> Plan:
    """Checks the whole request and plans every stage; `say` is told about model conversions.

    With a list `lacking`, the plan is only for display: whatever this machine lacks is appended to the list, and
    nothing is downloaded.

    Raises:
        RequestError: something in the request is unknown, invalid or impossible; no work has started.
    """
    _check_request(request)
    profile = load_profile(request.profile)
    tasks = select_tasks(profile.tasks, request.tasks_paths)
    _check_profile(profile, tasks, request)
    recipes = select_methods(request.methods, request.methods_paths, profile.leave_out)
    evaluation = _evaluation(profile, tasks, request, lacking)
    capability = _capability(profile, request)
    limited = profile.model_copy(update={"stages": _stage_defaults(profile, request, lacking)})
    entries = []
    for student in request.students or (profile.default_student,):
        check_label(student, "give the folder another name, or a link to it with one")
        untrained = _student(student, profile.students, say, lacking)
        for seed in request.seeds:
            planner = Planner(untrained, limited, seed, lacking)
            for recipe in recipes:
                model = planner.plan(recipe)
                command = reproduce_command(recipe.name, student, seed, request)
                second = planner.evaluation(model, capability | recipe.evaluate) if capability else None
                evaluated = planner.evaluation(model, evaluation | recipe.evaluate)
                entries.append(Entry(recipe, student, seed, model, evaluated, command, second))
    nodes = unique_stages([end for entry in entries for end in entry.last])
    return Plan(profile, tasks, entries, _run_folder(profile, request), request, nodes)


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
    if request.depot and request.executor != "ray":
        raise RequestError(
            "--depot is for --executor ray: one machine has nothing to exchange artefacts with"
        )
    if request.executor == "ray" and request.jobs not in (None, 1):
        raise RequestError("--jobs is for --executor local: Ray runs as many stages as fit on the cluster")


def _run_folder(profile: Profile, request: BenchRequest) -> Path:
    """The run's folder, named by the settings that are not defaults, so that a new setting does not rename it."""
    untracked = profile.training.model_copy(update={"report_to": ()})
    settings = profile.model_copy(update={"training": untracked}).model_dump(
        mode="json", exclude_defaults=True, exclude={"threads"}
    )
    return request.out / f"{profile.name}-{digest([settings, request.limit])[:8]}"


def _evaluation(
    profile: Profile, tasks: Sequence[Task], request: BenchRequest, lacking: list[str] | None
) -> dict[str, Any]:  # fmt: skip
    """The parameters of the evaluation of every method."""
    values = profile.evaluate.model_dump() | ({"limit": request.limit} if request.limit is not None else {})
    names, digests = (task.name for task in tasks), (_digest(task, lacking) for task in tasks)
    return values | {"tasks": tuple(names), "task_digests": tuple(digests)}


def _stage_defaults(
    profile: Profile, request: BenchRequest, lacking: list[str] | None
) -> dict[str, dict[str, Any]]:
    """The profile's parameters of each kind of stage, with the digest of the pool's task."""
    defaults = {name: dict(values) for name, values in profile.stages.items()}
    pool = defaults.setdefault("pool", {})
    if "task" in pool:
        if not isinstance(pool["task"], str):
            raise RequestError(
                f"profile: stages: pool: task = {pool['task']!r:.80}: it should be a task's name"
            )
        pool["task_digest"] = _digest(load_task(pool["task"], request.tasks_paths), lacking)
    if request.limit is not None:
        pool["size"] = request.limit
    return defaults


def _student(name: str, known: Sequence[str], say: Say, lacking: list[str] | None) -> Model:
    """The student; in a plan for display, one that is only on the hub is represented by its name.

    Raises:
        RequestError: there is no such model; one that is not in the profile (`known`) must be confirmed by the hub.
    """
    if lacking is None or is_on_hand(name):
        model = resolve_model(name, say)
        if model.kind == "server":
            raise RequestError(
                f"{name}: a bench trains, so it needs the model's files; for a server use `slmr eval`"
            )
        return model
    if name not in known:
        check_on_hub(name)
    lacking.append(
        f"student {name}: its files are not here; a bench fetches them from the hub (a model behind a licence needs"
        " HF_TOKEN), or name a folder with --student"
    )
    return Model(name, "hub", name, digest({"not here": name}))


def _digest(task: Task, lacking: list[str] | None) -> str:
    """A task's digest; in a plan for display, empty if its data is missing."""
    try:
        return task.digest
    except RequestError as error:
        if lacking is None:
            raise
        lacking.append(str(error))
        return ""


def _capability(profile: Profile, request: BenchRequest) -> dict[str, Any] | None:
    """The parameters of the second evaluation, if the profile has one."""
    wanted = profile.capability
    if wanted is None:
        return None
    tasks = select_tasks(wanted.tasks, request.tasks_paths)
    return {
        "tasks": tuple(task.name for task in tasks), "task_digests": tuple(task.digest for task in tasks),
        "limit": min(wanted.limit, request.limit or wanted.limit), "k": wanted.k, "temperature": 1.0,
    }  # fmt: skip


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
    words = ["slmr", "bench", "--method", method, "--profile", request.profile,
             "--student", student, "--seed", str(seed)]  # fmt: skip
    if request.limit is not None:
        words += ["--limit", str(request.limit)]
    for option, paths in (("--tasks-path", request.tasks_paths), ("--methods-path", request.methods_paths)):
        for path in paths:
            words += [option, str(path)]
    return shlex.join(words)
