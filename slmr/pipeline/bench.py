"""Runs methods x students x seeds: plans every stage, makes what is missing, collects the summary."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from slmr import formats
from slmr.artifacts import Cost, Store
from slmr.config import Profile, load_profile
from slmr.curriculum.schema import PROBLEMS
from slmr.engines.models import Model, Say, is_on_hand, resolve_model
from slmr.errors import RequestError, unknown
from slmr.evaluate import METRICS, SAMPLES
from slmr.io import digest, disk_faults, read_json, read_rows, write_rows, write_text
from slmr.pipeline.cost import spent_on
from slmr.pipeline.export import export_capability, export_course, export_provenance
from slmr.pipeline.local import make_locally
from slmr.pipeline.planner import Node, Planner, StageNode, unique_stages
from slmr.pipeline.ray import make_on_ray
from slmr.pipeline.recipe import STARTERS, Recipe, recipe_files, select_methods, stages
from slmr.pipeline.remote_store import RemoteStore
from slmr.pipeline.runner import Watcher, Work
from slmr.results.schema import (
    Contamination,
    Summary,
    SummaryRow,
    read_summary,
    samples_folder,
    write_summary,
)
from slmr.stats import mean_over_tasks
from slmr.tasks import Task
from slmr.tasks.contamination import overlap
from slmr.tasks.registry import load_task, select_tasks

EXECUTORS = {"local": make_locally, "ray": make_on_ray}


@dataclass(frozen=True)
class BenchRequest:
    """What was asked for on the command line; `jobs` None is as many stages side by side as this machine holds."""

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
    nodes: list[StageNode] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return Store(self.folder / "artefacts")

    @cached_property
    def methods(self) -> dict[str, tuple[str, ...]]:
        """Key of a node → the methods that need it."""
        names: dict[str, dict[str, None]] = {node.key: {} for node in self.nodes}
        for entry in self.entries:
            for node in unique_stages(entry.last):
                names[node.key][entry.recipe.name] = None
        return {key: tuple(methods) for key, methods in names.items()}


def make_plan(request: BenchRequest, say: Say = lambda _: None, lacking: list[str] | None = None) -> Plan:
    """Checks the whole request and plans every stage; `say` hears of what is converted for it.

    With a list of what is `lacking`, a plan to look at: what this machine has not got is put there, and nothing is
    fetched.

    Raises:
        RequestError: anything unknown, unfitting or impossible in it, before any work starts.
    """
    _check_request(request)
    profile = load_profile(request.profile)
    tasks = select_tasks(profile.tasks, request.tasks_paths)
    _check_profile(profile, tasks, request)
    recipes = select_methods(request.methods, request.methods_paths, profile.leave_out)
    evaluation = _evaluation(profile, tasks, request, lacking)
    capability = _capability(profile, request)
    defaults = _stage_defaults(profile, request, lacking)
    entries = []
    for student in request.students or (profile.default_student,):
        untrained = _student(student, say, lacking)
        for seed in request.seeds:
            planner = Planner(
                untrained.location, untrained.key, defaults, profile.engine, seed, profile.tuned, profile.budget,
                profile.training, lacking,
            )  # fmt: skip
            for recipe in recipes:
                model = planner.plan(recipe)
                command = reproduce_command(recipe.name, student, seed, request)
                second = planner.evaluation(model, capability) if capability else None
                evaluated = planner.evaluation(model, evaluation)
                entries.append(Entry(recipe, student, seed, model, evaluated, command, second))
    nodes = unique_stages([end for entry in entries for end in entry.last])
    return Plan(profile, tasks, entries, _run_folder(profile, request), request, nodes)


def _check_request(request: BenchRequest) -> None:
    if request.executor not in EXECUTORS:
        raise unknown("executor", request.executor, EXECUTORS)
    if request.depot and request.executor != "ray":
        raise RequestError("--depot is for --executor ray: on one machine there is nobody to exchange with")
    if request.executor == "ray" and request.jobs not in (None, 1):
        raise RequestError("--jobs is for --executor local: Ray takes as many as the cluster holds")


def _run_folder(profile: Profile, request: BenchRequest) -> Path:
    """Named by the settings that are not as usual: one that is new tomorrow leaves today's folders where they are."""
    settings = profile.model_dump(mode="json", exclude_defaults=True, exclude={"threads"})
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
        pool["task_digest"] = _digest(load_task(pool["task"], request.tasks_paths), lacking)
    if request.limit is not None:
        pool["size"] = request.limit
    return defaults


def _student(name: str, say: Say, lacking: list[str] | None) -> Model:
    """The student; one that is still on the hub is planned with by its name where that is enough."""
    if lacking is None or is_on_hand(name):
        model = resolve_model(name, say)
        if model.kind == "server":
            raise RequestError(
                f"{name}: a bench trains, so it needs the model's files; `slmr eval` takes a server"
            )
        return model
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

    Of several methods each is said to the watcher, and written, as soon as it is finished.

    Raises:
        WorkError: a stage failed or the disk refused; finished stages are kept.
        Stopped: a signal came; so are they.
    """
    several = len(plan.entries) > 1
    store = make_artefacts(plan, _MethodWatcher(watcher, plan) if several else watcher)
    pools = contamination(store, plan)
    return Summary(rows=write_entries(store, plan, plan.entries, pools), contamination=pools)


def write_entries(
    store: Store, plan: Plan, entries: Sequence[Entry], pools: Sequence[Contamination] | None = None
) -> list[SummaryRow]:
    """Writes the samples and other tables of finished entries, and their rows into the summary; returns the rows.

    `pools` is what the summary says of contamination; None leaves it as it is there.
    """
    rows = [row for entry in entries for row in entry_rows(store, entry, plan)]
    path = plan.folder / "summary.json"
    with disk_faults(plan.folder):
        for entry in entries:
            _export(store, entry, plan)
        before = read_summary(path) if path.is_file() else Summary(rows=[])
        new = {row.identity: row for row in rows}
        kept = [row for row in before.rows if row.identity not in new]
        merged = sorted([*kept, *rows], key=lambda r: (r.student, r.seed, r.identity))
        write_summary(path, merged, list(before.contamination if pools is None else pools))
    return rows


class _MethodWatcher:
    """Passes on what a watcher is to hear, and adds each method's result, which it also writes into the summary."""

    def __init__(self, watcher: Watcher, plan: Plan) -> None:
        self._watcher, self._plan, self._store = watcher, plan, plan.store
        self.started, self.progress, self.result = watcher.started, watcher.progress, watcher.result
        self._awaited: list[
            tuple[Entry, set[str]]
        ] = []  # an entry, and the keys of its stages that are missing

    def planned(self, nodes: Sequence[StageNode], missing: Sequence[StageNode]) -> None:
        keys = {node.key for node in missing}
        self._awaited = [
            (entry, {n.key for n in unique_stages(entry.last)} & keys) for entry in self._plan.entries
        ]
        self._watcher.planned(nodes, missing)

    def finished(self, node: StageNode, reused: bool, seconds: float) -> None:
        self._watcher.finished(node, reused, seconds)
        for entry, awaited in self._awaited:
            if node.key in awaited:
                awaited.remove(node.key)
                if node.key == entry.evaluation.key:
                    self.result(result_line(self._store, entry, self._plan))
                if not awaited:
                    write_entries(self._store, self._plan, [entry])


def result_line(store: Store, entry: Entry, plan: Plan) -> str:
    """A method's mean accuracy over the tasks with its 95 % interval, and what it cost."""
    scores: dict[str, dict[str, list[bool]]] = {}
    for row in read_rows(entry.evaluation.output(store) / SAMPLES, ["task", "item_id", "strict"]):
        scores.setdefault(row["task"], {}).setdefault(row["item_id"], []).append(bool(row["strict"]))
    mean = mean_over_tasks([np.array(list(items.values()), dtype=float) for items in scores.values()])
    several = len({(e.student, e.seed) for e in plan.entries}) > 1
    name = f"{entry.recipe.name}, {entry.student}, seed {entry.seed}" if several else entry.recipe.name
    cost = method_cost(store, entry)
    return (
        f"{name}: accuracy {formats.percent(mean.mean, mean.low, mean.high)},"
        f" {formats.tokens(cost.tokens)} tokens, {formats.duration(cost.wall_s)}"
    )


def contamination(store: Store, plan: Plan) -> list[Contamination]:
    """What the test items have in common with each training pool of the plan; nothing is trained without one."""
    rows = []
    for node in plan.nodes:
        if node.kind == "pool":
            pool = read_rows(node.output(store) / PROBLEMS)
            name = f"{pool[0]['task']}, {len(pool)} training problems"
            for task in plan.tasks:
                shared = overlap([row["problem"] for row in pool], task.items("test", _limit(plan)))
                rows.append(Contamination.model_validate(shared.as_row(name, task.name)))
    return rows


def _limit(plan: Plan) -> int | None:
    return plan.request.limit or plan.profile.evaluate.limit


def make_artefacts(plan: Plan, watcher: Watcher) -> Store:
    """Makes what is missing of a plan, by the executor that was asked for; the rest is reused.

    Raises:
        WorkError: a stage failed or the disk refused; finished stages are kept.
    """
    starters = unique_stages([e.evaluation for e in plan.entries if e.recipe.name in STARTERS])
    request = plan.request
    work = Work(
        plan.store.root, tuple(plan.nodes), plan.profile, request.tasks_paths, plan.methods,
        {node.key for node in starters}, request.jobs, RemoteStore(request.depot) if request.depot else None,
    )  # fmt: skip
    EXECUTORS[request.executor](work, watcher)
    return plan.store


def method_cost(store: Store, entry: Entry) -> Cost:
    """What the method spent on training: all its stages, shared ones in full, evaluation left out."""
    return spent_on(store, [entry.model])


def entry_rows(store: Store, entry: Entry, plan: Plan) -> list[SummaryRow]:
    """The summary rows of one method, student and seed: one a task."""
    cost = method_cost(store, entry)
    folder = entry.evaluation.output(store)
    rows = []
    for task, metrics in read_json(folder / METRICS).items():
        values = {k: v for k, v in metrics.items() if k in SummaryRow.model_fields}
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
    rows = read_rows(entry.evaluation.output(store) / SAMPLES)
    head = dict(zip(("method", "student", "seed"), who, strict=True))
    for task in plan.tasks:
        write_rows(folder / f"{task.name}.parquet", [head | r for r in rows if r["task"] == task.name])
    if entry.capability is not None:
        export_capability(plan.folder, *who, read_rows(entry.capability.output(store) / SAMPLES))
    export_course(plan.folder, store, entry.model, *who)
    export_provenance(plan.folder, store, entry.last, *who)
    write_text(marker, keys)
