"""Runs methods x students x seeds: plans every stage, makes what is missing, collects the summary."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from slmr.artifacts import Cost, Store
from slmr.config import Profile, load_profile
from slmr.curriculum.schema import PROBLEMS
from slmr.engines.models import Model, Say, is_on_hand, resolve_model
from slmr.errors import RequestError, unknown
from slmr.evaluate import METRICS, SAMPLES
from slmr.io import digest, disk_faults, read_json, read_rows, write_rows, write_text
from slmr.pipeline.cost import spent_on
from slmr.pipeline.export import export_capability, export_course, export_provenance
from slmr.pipeline.ray import make_on_ray
from slmr.pipeline.recipe import Node, Planner, Recipe, recipe_files, select_methods, stages
from slmr.pipeline.remote_store import Depot
from slmr.pipeline.runner import Watcher, Work, make_here
from slmr.results.schema import (
    Contamination,
    Summary,
    SummaryRow,
    read_summary,
    samples_folder,
    write_summary,
)
from slmr.tasks import Task
from slmr.tasks.contamination import overlap
from slmr.tasks.registry import load_task, select_tasks

EXECUTORS = {"local": make_here, "ray": make_on_ray}


@dataclass(frozen=True)
class BenchRequest:
    """What was asked for on the command line."""

    methods: str = "all"
    profile: str = "lab"
    students: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0,)
    out: Path = Path("runs")
    limit: int | None = None
    tasks_paths: tuple[Path, ...] = ()
    methods_paths: tuple[Path, ...] = ()
    executor: str = "local"
    depot: str | None = None


@dataclass(frozen=True)
class Entry:
    """One (method, student, seed) of a plan: the nodes of its model and of its evaluations."""

    recipe: Recipe
    student: str
    seed: int
    model: Node
    evaluation: Node
    command: str
    capability: Node | None = None

    @property
    def last(self) -> list[Node]:
        """All that nothing else depends on."""
        return [self.evaluation, *([self.capability] if self.capability else [])]


@dataclass(frozen=True)
class Plan:
    """Everything that a bench will do, before it does anything."""

    profile: Profile
    tasks: list[Task]
    entries: list[Entry]
    folder: Path
    request: BenchRequest
    nodes: list[Node] = field(default_factory=list)

    @cached_property
    def methods(self) -> dict[str, tuple[str, ...]]:
        """Key of a node → the methods that need it."""
        names: dict[str, dict[str, None]] = {node.key: {} for node in self.nodes}
        for entry in self.entries:
            for node in (n for end in entry.last for n in end.ancestors() if n.stage is not None):
                names[node.key][entry.recipe.name] = None
        return {key: tuple(found) for key, found in names.items()}


def make_plan(request: BenchRequest, say: Say = lambda _: None, lacking: list[str] | None = None) -> Plan:
    """Checks the whole request and plans every stage; `say` hears of what is converted for it.

    With a list of what is `lacking`, a plan to look at: what this machine has not got is put there, and nothing is
    fetched.

    Raises:
        RequestError: anything unknown, unfitting or impossible in it, before any work starts.
    """
    if request.executor not in EXECUTORS:
        raise unknown("executor", request.executor, EXECUTORS)
    if request.depot and request.executor != "ray":
        raise RequestError("--depot is for --executor ray: in this process there is nobody to exchange with")
    profile = load_profile(request.profile)
    tasks = select_tasks(profile.tasks, request.tasks_paths)
    _check_profile(profile, tasks, request)
    recipes = select_methods(request.methods, request.methods_paths, profile.leave_out)
    students = request.students or (profile.default_student,)
    digests = tuple(_digest(task, lacking) for task in tasks)
    evaluation = profile.evaluate.model_dump() | {
        "tasks": tuple(task.name for task in tasks), "task_digests": digests,
    }  # fmt: skip
    capability = _capability(profile, request)
    defaults: dict[str, dict[str, Any]] = {name: dict(values) for name, values in profile.stages.items()}
    if "task" in defaults.get("pool", {}):
        task = load_task(defaults["pool"]["task"], request.tasks_paths)
        defaults["pool"]["task_digest"] = _digest(task, lacking)
    if request.limit is not None:
        evaluation["limit"] = request.limit
        defaults.setdefault("pool", {})["size"] = request.limit
    entries = []
    for student in students:
        found = _student(student, say, lacking)
        if found.kind == "server":
            raise RequestError(
                f"{student}: a bench trains, so it needs the model's files; `slmr eval` takes a server"
            )
        for seed in request.seeds:
            planner = Planner(
                found.location, found.key, defaults, profile.engine, seed, profile.tuned, profile.budget,
                profile.training, lacking,
            )  # fmt: skip
            for recipe in recipes:
                model = planner.plan(recipe)
                command = reproduce_command(recipe.name, student, seed, request)
                evaluated = planner.evaluation(model, evaluation)
                able = planner.evaluation(model, capability) if capability else None
                entries.append(Entry(recipe, student, seed, model, evaluated, command, able))
    # Without what is as usual: a setting that is new tomorrow leaves today's folders where they are.
    identity = digest([profile.model_dump(mode="json", exclude_defaults=True), request.limit])[:8]
    folder = request.out / f"{profile.name}-{identity}"
    nodes: dict[str, Node] = {}
    ends = [end for entry in entries for end in entry.last]
    for node in (n for end in ends for n in end.ancestors() if n.stage is not None):
        nodes.setdefault(node.key, node)
    return Plan(profile, tasks, entries, folder, request, list(nodes.values()))


def _student(name: str, say: Say, lacking: list[str] | None) -> Model:
    """The student; one that is still on the hub is planned with by its name where that is enough."""
    if lacking is None or is_on_hand(name):
        return resolve_model(name, say)
    lacking.append(
        f"student {name}: its files are not here; a bench fetches them from the hub (a model behind a licence needs"
        " HF_TOKEN), or name a folder with --student"
    )
    return Model(name, "hub", name, digest({"not here": name}))


def _digest(task: Task, lacking: list[str] | None) -> str:
    """A task's digest; of one without data none, in a plan to look at."""
    try:
        return task.digest
    except RequestError as error:
        if lacking is None:
            raise
        lacking.append(str(error))
        return ""


def _capability(profile: Profile, request: BenchRequest) -> dict[str, Any] | None:
    """The parameters of the second evaluation, where the profile has one."""
    wanted = profile.capability
    if wanted is None:
        return None
    tasks = select_tasks(wanted.tasks, request.tasks_paths)
    return {
        "tasks": tuple(task.name for task in tasks), "task_digests": tuple(task.digest for task in tasks),
        "limit": min(wanted.limit, request.limit or wanted.limit), "k": wanted.k, "temperature": 1.0,
    }  # fmt: skip


def _check_profile(profile: Profile, tasks: Sequence[Task], request: BenchRequest) -> None:
    """Its tasks are of one edition, and every stage and method that it names exists."""
    if len({task.edition for task in tasks}) > 1:
        raise RequestError(
            f"profile: tasks: {profile.tasks} are of both editions, which are never ranked together: make a profile"
            " for each, the one `extends` the other"
        )
    methods = recipe_files(request.methods_paths)
    for name in (*profile.tuned, *profile.leave_out):
        if name not in methods:
            raise RequestError(f"profile: {unknown('method', name, methods)}")
    for name in (*profile.stages, *(kind for values in profile.tuned.values() for kind in values)):
        if name not in stages():
            raise RequestError(f"profile: {unknown('stage', name, stages())}")
    trained = [kind for kind, stage in stages().items() if stage.trains]
    for name in profile.training.stages:
        if name not in trained:
            raise RequestError(f"profile: training: {unknown('stage that trains', name, trained)}")


def run_bench(plan: Plan, watcher: Watcher) -> Summary:
    """Makes what is missing, writes `samples/` and `summary.json`, returns what this plan adds to it.

    Raises:
        WorkError: a stage failed or the disk refused; finished stages are kept.
    """
    store = make_artefacts(plan, watcher)
    rows = [row for entry in plan.entries for row in entry_rows(store, entry, plan)]
    with disk_faults(plan.folder):
        for entry in plan.entries:
            _export(store, entry, plan)
        found = contamination(store, plan)
        merged = _merge(plan.folder / "summary.json", rows)
        write_summary(plan.folder / "summary.json", merged, found)
    return Summary(rows=rows, contamination=found)


def contamination(store: Store, plan: Plan) -> list[Contamination]:
    """What the test items have in common with each training pool of the plan; nothing is trained without one."""
    found = []
    for node in plan.nodes:
        if node.makes("pool"):
            pool = read_rows(_artefact(store, node) / PROBLEMS)
            name = f"{pool[0]['task']}, {len(pool)} training problems"
            for task in plan.tasks:
                shared = overlap([row["problem"] for row in pool], task.items("test", _limit(plan)))
                found.append(Contamination.model_validate(shared.as_row(name, task.name)))
    return found


def _limit(plan: Plan) -> int | None:
    return plan.request.limit or plan.profile.evaluate.limit


def _artefact(store: Store, node: Node) -> Path:
    assert node.stage is not None
    return store.path(node.stage.name, node.key)


def make_artefacts(plan: Plan, watcher: Watcher) -> Store:
    """Makes what is missing of a plan, by the executor that was asked for; the rest is reused.

    Raises:
        WorkError: a stage failed or the disk refused; finished stages are kept.
    """
    work = Work(
        plan.folder / "artefacts", tuple(plan.nodes), plan.profile.engine, plan.profile.budget,
        plan.request.tasks_paths, plan.methods,
        Depot(plan.request.depot) if plan.request.depot else None, plan.profile.training,
    )  # fmt: skip
    EXECUTORS[plan.request.executor](work, watcher)
    return work.store


def method_cost(store: Store, entry: Entry) -> Cost:
    """What the method spent on training: all its stages, shared ones in full, evaluation left out."""
    return spent_on(store, [entry.model])


def entry_rows(store: Store, entry: Entry, plan: Plan) -> list[SummaryRow]:
    """The summary rows of one method, student and seed: one a task."""
    cost = method_cost(store, entry)
    folder = _artefact(store, entry.evaluation)
    rows = []
    for task, found in read_json(folder / METRICS).items():
        values = {k: v for k, v in found.items() if k in SummaryRow.model_fields}
        rows.append(
            SummaryRow(
                method=entry.recipe.name,
                method_kind=entry.recipe.kind,
                student=entry.student,
                seed=entry.seed,
                task=task,
                manifest=entry.evaluation.key,
                command=entry.command,
                engine=plan.profile.engine.label,
                **values,
                **cost.model_dump(),
            )
        )
    return rows


def reproduce_command(method: str, student: str, seed: int, request: BenchRequest) -> str:
    """The command line that makes a method's rows again."""
    words = ["slmr", "bench", "--method", method, "--profile", request.profile,
             "--student", student, "--seeds", f"{seed},"]  # fmt: skip
    if request.limit is not None:
        words += ["--limit", str(request.limit)]
    for option, paths in (("--tasks-path", request.tasks_paths), ("--methods-path", request.methods_paths)):
        for path in paths:
            words += [option, str(path)]
    return shlex.join(words)


def _export(store: Store, entry: Entry, plan: Plan) -> None:
    """An entry's tables in the run's folder, unless they are there: samples of each task, capability, course."""
    who = (entry.recipe.name, entry.student, entry.seed)
    folder = samples_folder(plan.folder, *who)
    marker, keys = folder / "evaluation", "\n".join(node.key for node in entry.last)
    if marker.is_file() and marker.read_text() == keys:
        return
    rows = read_rows(_artefact(store, entry.evaluation) / SAMPLES)
    head = dict(zip(("method", "student", "seed"), who, strict=True))
    for task in plan.tasks:
        write_rows(folder / f"{task.name}.parquet", [head | r for r in rows if r["task"] == task.name])
    if entry.capability is not None:
        export_capability(plan.folder, *who, read_rows(_artefact(store, entry.capability) / SAMPLES))
    export_course(plan.folder, store, entry.model, *who)
    export_provenance(plan.folder, store, entry.last, *who)
    write_text(marker, keys)


def _merge(path: Path, rows: Sequence[SummaryRow]) -> list[SummaryRow]:
    """The rows of earlier benches in the same folder, with this bench's rows in place of their own."""
    new = {row.identity: row for row in rows}
    old: Iterable[SummaryRow] = read_summary(path).rows if path.is_file() else []
    kept = [row for row in old if row.identity not in new]
    return sorted([*kept, *new.values()], key=lambda r: (r.student, r.seed, r.identity))
