"""Making a plan's artefacts: which are missing, one of them, all of them in this process or by several workers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple, Protocol

from slmr import signals
from slmr.artifacts import MANIFEST, Manifest, Store, file_records, git_revision, library_versions
from slmr.config import Params, Profile
from slmr.errors import WorkError
from slmr.io import PARTIAL, Stopwatch, write_json
from slmr.pipeline.launcher import check_training, train_together
from slmr.pipeline.planner import StageNode, spent_on
from slmr.pipeline.prompts import check_prompts
from slmr.pipeline.remote_store import RemoteStore
from slmr.pipeline.schedule import Schedule, longest_first, starters_first
from slmr.pipeline.trackers import check_trackers, tracked_name
from slmr.pipeline.worker import run_stage
from slmr.stage import Progress, Stage, StageContext

RunStage = Callable[[Stage, StageContext, Params], float]  # the seconds that the stage takes


class Watcher(Protocol):
    """Hears what a bench is doing. The display on the terminal is one; a silent one serves tests."""

    def planned(self, nodes: Sequence[StageNode], missing: Sequence[StageNode]) -> None:
        pass

    def started(self, node: StageNode, methods: Sequence[str]) -> None:
        pass

    def progress(self, node: StageNode, done: int, total: int, unit: str) -> None:
        pass

    def finished(self, node: StageNode, reused: bool, seconds: float) -> None:
        pass

    def result(self, line: str) -> None:
        pass


class SilentWatcher(Watcher):
    """A watcher that tells nobody."""


@dataclass(frozen=True)
class Work:
    """The stages of a bench, and what they are made with.

    Attributes:
        root: the folder of the artefacts.
        nodes: each once, inputs first.
        methods: key of a node → the methods that need it.
        starters: keys of the nodes that are made before the others.
        jobs: stages side by side on this machine; None is as many as it holds.
        remote_store: where machines without a common folder exchange artefacts; None where they have one.
    """

    root: Path
    nodes: tuple[StageNode, ...]
    profile: Profile
    tasks_paths: tuple[Path, ...]
    methods: Mapping[str, tuple[str, ...]]
    starters: Collection[str] = ()
    jobs: int | None = 1
    remote_store: RemoteStore | None = None

    @cached_property
    def store(self) -> Store:
        return Store(self.root)


class Made(NamedTuple):
    """A stage whose artefact is there: whether it was before, and the seconds that this took."""

    node: StageNode
    reused: bool
    seconds: float


class Workers(Protocol):
    """What makes stages side by side: processes of this machine, or Ray's tasks."""

    def start(self, node: StageNode) -> bool:
        """Begins with a stage, unless there is no room for it: whether it has begun."""
        ...

    def wait(self, watcher: Watcher) -> list[Made]:
        """What has been made since, after a moment at most; the watcher hears what else happened.

        Raises:
            RequestError, WorkError: a stage failed.
        """
        ...


# --------------------------------------------------------------------------------- all stages


def make_here(work: Work, watcher: Watcher) -> None:
    """Makes what is missing in this process, one stage after the other.

    Raises:
        RequestError: this machine cannot train as the profile says.
        WorkError: a stage failed or the disk refused; finished stages are kept.
    """
    missing = plan_missing(work, watcher)
    check_machine_for(work, missing)
    for node in starters_first(work.nodes, work.starters):
        watcher.started(node, work.methods[node.key])
        watcher.finished(*make_node(work, node, partial(watcher.progress, node)))


def make_with(workers: Workers, work: Work, missing: Sequence[StageNode], watcher: Watcher) -> None:
    """Makes what is missing side by side, the starters first, then whatever begins the longest chain of stages.

    Raises:
        RequestError, WorkError: a stage failed; finished stages are kept.
        Stopped: a signal came.
    """
    schedule = Schedule(longest_first(missing, work.starters))
    made = [Made(node, True, 0.0) for node in present(work.nodes, missing)]
    with signals.deferred():
        while True:
            while (node := schedule.next()) and workers.start(node):
                schedule.start(node)
                watcher.started(node, work.methods[node.key])
            for one in made:  # after the others have begun: the watcher may take a while
                watcher.finished(*one)
            if not schedule:
                return
            if signals.asked():
                raise signals.Stopped
            made = workers.wait(watcher)
            schedule.finish(one.node for one in made)


def plan_missing(work: Work, watcher: Watcher) -> list[StageNode]:
    """What is to be made; artefacts that depend on something missing are removed, and the watcher hears of it.

    Raises:
        WorkError: the disk refuses, or has too little room.
    """
    work.store.prepare()
    damaged = damaged_nodes(work.store, work.nodes)
    for node, fault in damaged:
        watcher.result(f"{node.artefact} is damaged ({fault}): it is made again, with what depends on it")
        work.store.discard(node.kind, node.key)
    missing = missing_nodes(work.store, work.nodes)
    # The last ones first: if this is killed, what is left still has a missing input and is found again.
    for node in reversed(missing):
        work.store.discard(node.kind, node.key)
    _check_disk(work, missing)
    check_prompts(missing, work.profile.engine, work.tasks_paths)
    watcher.planned(work.nodes, missing)
    return missing


def damaged_nodes(store: Store, nodes: Sequence[StageNode]) -> list[tuple[StageNode, str]]:
    """The nodes whose artefact is there and is not what was written, each with what is wrong; reads them all."""
    faults = ((node, store.fault(node.kind, node.key)) for node in nodes)
    return [(node, fault) for node, fault in faults if fault]


def missing_nodes(store: Store, nodes: Sequence[StageNode], damaged: Collection[str] = ()) -> list[StageNode]:
    """The nodes without an artefact and, as with make, those that depend on one of them. Inputs come first.

    `damaged`: keys of nodes whose artefact is as good as none.
    """
    missing: dict[str, StageNode] = {}
    for node in nodes:
        here = store.has(node.kind, node.key) and node.key not in damaged
        if not here or any(source.key in missing for source in node.sources):
            missing[node.key] = node
    return list(missing.values())


def present(nodes: Sequence[StageNode], missing: Sequence[StageNode]) -> list[StageNode]:
    """The nodes that are not missing."""
    keys = {node.key for node in missing}
    return [node for node in nodes if node.key not in keys]


def check_machine_for(work: Work, missing: Sequence[StageNode]) -> None:
    """Raises RequestError where this machine has not the device, or cannot train a stage, as `check_training` says."""
    from slmr.engines.transformers import usable_device

    if (
        any(node.stage.trains or node.stage.uses_engine for node in missing)
        and work.profile.engine.name != "server"
    ):
        usable_device(work.profile.engine.device)
    if any(node.stage.trains for node in missing):
        check_training(work.profile.training, work.profile.engine)
        check_trackers(work.profile.training)


def model_bytes(nodes: Sequence[StageNode]) -> int:
    """Bytes of the weights of the largest student that the nodes are made from."""
    students = {student.location for node in nodes for student in node.students()}
    folders = [location for location in students if isinstance(location, Path)]
    return max((sum(f.stat().st_size for f in folder.glob("*.safetensors")) for folder in folders), default=0)


def _check_disk(work: Work, missing: Sequence[StageNode]) -> None:
    """That the disk has room for the models that are to be trained, and for one checkpoint with its optimizer.

    Raises:
        WorkError: it has not.
    """
    trained, model = sum(node.stage.trains for node in missing), model_bytes(missing)
    # A checkpoint: the weights, two moments of each, and spare.
    needed = (trained + 4) * model if trained else 0
    free = shutil.disk_usage(work.root).free
    if needed > free:
        raise WorkError(
            f"{work.root}: too little room: {trained} models of {model / 2**20:,.0f} MiB are to be written, with a"
            f" checkpoint about {needed / 2**20:,.0f} MiB, and {free / 2**20:,.0f} are free; free some space, or choose"
            " another --out"
        )


# ---------------------------------------------------------------------------------- one stage


def run_here(stage: Stage, context: StageContext, params: Params) -> float:
    """Runs a stage in this process, or a training of several processes in those: the seconds that this takes."""
    watch = Stopwatch()
    if stage.trains and context.training.processes > 1:
        train_together(stage, context, params)
    else:
        run_stage(stage, context, params)
    return watch.seconds


def make_node(work: Work, node: StageNode, progress: Progress, run: RunStage = run_here) -> Made:
    """Makes one artefact, unless it is there.

    Raises:
        RequestError, WorkError: the stage failed; what it has written is there when it starts again.
    """
    watch, store, profile = Stopwatch(), work.store, work.profile
    if store.has(node.kind, node.key):
        return Made(node, True, watch.seconds)
    remaining = _remaining_tokens(work, node)
    with store.build(node.kind, node.key) as folder:
        if folder is None:
            return Made(node, True, watch.seconds)
        context = StageContext(
            folder, {name: [n.output(store) for n in nodes] for name, nodes in node.inputs.items()}, node.seed or 0,
            profile.engine, progress, tasks_paths=work.tasks_paths, remaining_tokens=remaining,
            training=profile.training.of(node.kind), threads=profile.threads, tracked_as=_tracked_as(work, node),
            tracked_in=work.root.parent / "trackers",
        )  # fmt: skip
        context.cost.wall_s = run(node.stage, context, node.params)
        shutil.rmtree(folder / "trainer", ignore_errors=True)
        write_json(folder / "stats.json", context.stats)
        write_json(folder / MANIFEST, _manifest(node, context, folder).sealed().model_dump(mode="json"))
    return Made(node, False, watch.seconds)


def _tracked_as(work: Work, node: StageNode) -> str:
    students = [Path(student.location).name for student in node.students()]
    return tracked_name(work.methods.get(node.key, ()), "+".join(students), node.seed or 0, node.label)


def _remaining_tokens(work: Work, node: StageNode) -> int | None:
    """What the budget leaves for a stage after all that it depends on; evaluation is not part of it.

    Raises:
        WorkError: nothing is left.
    """
    budget = work.profile.budget
    if budget is None or node.kind == "evaluate":
        return None
    spent = spent_on(work.store, node.sources).tokens
    if spent >= budget:
        raise WorkError(
            f"stage {node.label} ({', '.join(work.methods[node.key])}): {spent:,} tokens are spent before it, and the"
            f" profile's budget is {budget:,}: raise `budget`, or spend less on the stages before"
        )
    return budget - spent


def _manifest(node: StageNode, context: StageContext, folder: Path) -> Manifest:
    import torch

    files = sorted(
        p for p in folder.rglob("*") if p.is_file() and p.name != MANIFEST and not p.name.endswith(PARTIAL)
    )
    stage, engine = node.stage, context.engine
    samples_elsewhere = stage.trains and stage.samples and engine.sampled_by != "trainer"
    return Manifest(
        stage=stage.name, stage_version=stage.version, key=node.key, parameters=node.params.model_dump(mode="json"),
        inputs={name: [n.key for n in nodes] for name, nodes in node.inputs.items()}, seed=node.seed,
        versions=library_versions(engine.name), git_revision=git_revision(),
        device="cuda" if torch.cuda.is_available() else "cpu", threads=context.threads or torch.get_num_threads(),
        cost=context.cost, engine=engine.model_dump(mode="json") if stage.uses_engine or samples_elsewhere else {},
        training=context.training.identity() if stage.trains else {}, files=file_records(folder, files),
    )  # fmt: skip
