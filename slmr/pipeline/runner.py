"""Runs stages: finds the missing artefacts, runs one stage, or all in this process or with workers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple, Protocol

from slmr import signals
from slmr.artifacts import MANIFEST, STATS, Manifest, Store, file_records, git_revision, library_versions
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

RunStage = Callable[[Stage, StageContext, Params], float]  # returns the stage's seconds


class Watcher(Protocol):
    """Receives the events of a bench, such as the terminal's display does."""

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
    """A watcher that ignores all events."""


@dataclass(frozen=True)
class Execution:
    """Stages to run, and how.

    Attributes:
        root: the folder of the artefacts.
        nodes: each once, inputs first.
        profile: the one that the stages were planned with.
        methods: key of a node → the methods that need it.
        starters: keys of the nodes that run first.
        jobs: number of stages side by side on this machine; None is as many as it can run.
        executor: a name in `slmr.pipeline.executors`.
        remote_store: where machines without a common folder exchange artefacts; None if they have one.
    """

    root: Path
    nodes: tuple[StageNode, ...]
    profile: Profile
    tasks_paths: tuple[Path, ...] = ()
    methods: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    starters: Collection[str] = ()
    jobs: int | None = 1
    executor: str = "local"
    remote_store: RemoteStore | None = None

    @cached_property
    def store(self) -> Store:
        return Store(self.root)

    def methods_of(self, node: StageNode) -> tuple[str, ...]:
        return self.methods.get(node.key, ())


class StageResult(NamedTuple):
    """A finished stage: whether its artefact already existed, and the seconds that it took."""

    node: StageNode
    reused: bool
    seconds: float


class Workers(Protocol):
    """Runs stages side by side: processes of this machine, or Ray tasks."""

    def start(self, node: StageNode) -> bool:
        """Starts a stage if there is room for it; returns whether it started."""
        ...

    def wait(self, watcher: Watcher) -> list[StageResult]:
        """Waits briefly; returns newly finished stages, and reports progress to the watcher.

        Raises:
            RequestError, WorkError: a stage failed.
        """
        ...


# --- all stages ----------------------------------------------------------------------------------


def run_in_this_process(execution: Execution, watcher: Watcher) -> Iterator[StageResult]:
    """Runs the missing stages in this process, one after the other; yields each stage when it is finished.

    Raises:
        RequestError: this machine cannot train with the profile's settings.
        WorkError: a stage or the disk failed; finished stages are kept.
    """
    missing = plan_missing(execution, watcher)
    check_machine_for(execution, missing)
    for node in starters_first(execution.nodes, execution.starters):
        watcher.started(node, execution.methods_of(node))
        result = run_node(execution, node, partial(watcher.progress, node))
        watcher.finished(*result)
        yield result


def run_with_workers(
    workers: Workers, execution: Execution, missing: Sequence[StageNode], watcher: Watcher
) -> Iterator[StageResult]:
    """Runs the missing stages side by side, the starters first, then those that begin the longest chains.

    Yields each stage when it is finished.

    Raises:
        RequestError, WorkError: a stage failed; finished stages are kept.
        Stopped: a signal came.
    """
    schedule = Schedule(longest_first(missing, execution.starters))
    results = [StageResult(node, True, 0.0) for node in present(execution.nodes, missing)]
    with signals.deferred():
        while True:
            while (node := schedule.next()) and workers.start(node):
                schedule.start(node)
                watcher.started(node, execution.methods_of(node))
            for result in results:  # after new stages have started, because the caller may be slow
                watcher.finished(*result)
                yield result
            if not schedule:
                return
            if signals.asked():
                raise signals.Stopped
            results = workers.wait(watcher)
            schedule.finish(result.node for result in results)


def plan_missing(execution: Execution, watcher: Watcher) -> list[StageNode]:
    """The stages to run. Removes damaged artefacts, and those that depend on a missing one; tells the watcher.

    Raises:
        WorkError: the disk refuses, or has too little space.
    """
    execution.store.prepare()
    damaged = damaged_nodes(execution.store, execution.nodes)
    for node, fault in damaged:
        watcher.result(f"{node.artefact} is damaged ({fault}): it is made again, with what depends on it")
        execution.store.discard(node.kind, node.key)
    missing = missing_nodes(execution.store, execution.nodes)
    # In reverse order: if this is interrupted, the remaining ones still have a missing input and are found again.
    for node in reversed(missing):
        execution.store.discard(node.kind, node.key)
    _check_disk(execution, missing)
    check_prompts(missing, execution.profile.engine, execution.tasks_paths)
    watcher.planned(execution.nodes, missing)
    return missing


def damaged_nodes(store: Store, nodes: Sequence[StageNode]) -> list[tuple[StageNode, str]]:
    """The nodes with a damaged artefact, each with its fault; reads all artefacts."""
    faults = ((node, store.fault(node.kind, node.key)) for node in nodes)
    return [(node, fault) for node, fault in faults if fault]


def missing_nodes(store: Store, nodes: Sequence[StageNode], damaged: Collection[str] = ()) -> list[StageNode]:
    """The nodes without an artefact and, as with make, all that depend on them. Inputs come first.

    `damaged`: keys of nodes whose artefact counts as missing.
    """
    missing: dict[str, StageNode] = {}
    for node in nodes:
        exists = store.has(node.kind, node.key) and node.key not in damaged
        if not exists or any(source.key in missing for source in node.sources):
            missing[node.key] = node
    return list(missing.values())


def present(nodes: Sequence[StageNode], missing: Sequence[StageNode]) -> list[StageNode]:
    """The nodes that are not missing."""
    keys = {node.key for node in missing}
    return [node for node in nodes if node.key not in keys]


def check_machine_for(execution: Execution, missing: Sequence[StageNode]) -> None:
    """Raises RequestError if this machine lacks the device, or if `check_training` finds that it cannot train."""
    from slmr.engines.transformers import usable_device

    if (
        any(node.stage.trains or node.stage.uses_engine for node in missing)
        and execution.profile.engine.name != "server"
    ):
        usable_device(execution.profile.engine.device)
    if any(node.stage.trains for node in missing):
        check_training(execution.profile.training, execution.profile.engine)
        check_trackers(execution.profile.training)


def model_bytes(nodes: Sequence[StageNode]) -> int:
    """Bytes of the weights of the largest student that the nodes depend on."""
    students = {student.location for node in nodes for student in node.students()}
    folders = [location for location in students if isinstance(location, Path)]
    return max((sum(f.stat().st_size for f in folder.glob("*.safetensors")) for folder in folders), default=0)


def _check_disk(execution: Execution, missing: Sequence[StageNode]) -> None:
    """Checks that the disk has space for the models to be trained, and for a checkpoint with its optimizer.

    Raises:
        WorkError: it has not.
    """
    trained, model = sum(node.stage.trains for node in missing), model_bytes(missing)
    # A checkpoint holds the weights and two moments of each; one more as a reserve.
    needed = (trained + 4) * model if trained else 0
    free = shutil.disk_usage(execution.root).free
    if needed > free:
        raise WorkError(
            f"{execution.root}: too little disk space: {trained} models of {model / 2**20:,.0f} MiB and a checkpoint"
            f" need about {needed / 2**20:,.0f} MiB, but only {free / 2**20:,.0f} are free; free some space, or choose"
            " another --out"
        )


# --- one stage -----------------------------------------------------------------------------------


def run_here(stage: Stage, context: StageContext, params: Params) -> float:
    """Runs a stage in this process, or a training with several processes in those; returns the seconds."""
    watch = Stopwatch()
    if stage.trains and context.training.processes > 1:
        train_together(stage, context, params)
    else:
        run_stage(stage, context, params)
    return watch.seconds


def run_node(execution: Execution, node: StageNode, progress: Progress, run: RunStage = run_here) -> StageResult:
    """Runs one stage, unless its artefact exists.

    Raises:
        RequestError, WorkError: the stage failed; the files that it wrote are kept for the next attempt.
    """
    watch, store, profile = Stopwatch(), execution.store, execution.profile
    if store.has(node.kind, node.key):
        return StageResult(node, True, watch.seconds)
    remaining = _remaining_tokens(execution, node)
    with store.build(node.kind, node.key) as folder:
        if folder is None:
            return StageResult(node, True, watch.seconds)
        context = StageContext(
            folder,
            {name: [n.output(store) for n in nodes] for name, nodes in node.inputs.items()},
            node.seed or 0,
            profile.engine,
            progress,
            tasks_paths=execution.tasks_paths,
            remaining_tokens=remaining,
            training=profile.training.for_stage(node.kind),
            threads=profile.threads,
            tracked_as=_tracked_as(execution, node),
            tracked_in=execution.root.parent / "trackers",
        )
        context.cost.wall_s = run(node.stage, context, node.params)
        shutil.rmtree(context.trainer_folder, ignore_errors=True)
        write_json(folder / STATS, context.stats)
        write_json(folder / MANIFEST, _manifest(node, context, folder).sealed().model_dump(mode="json"))
    return StageResult(node, False, watch.seconds)


def _tracked_as(execution: Execution, node: StageNode) -> str:
    students = [Path(student.location).name for student in node.students()]
    return tracked_name(execution.methods_of(node), "+".join(students), node.seed or 0, node.label)


def _remaining_tokens(execution: Execution, node: StageNode) -> int | None:
    """The tokens that the budget leaves for a stage after all that it depends on; evaluation has no budget.

    Raises:
        WorkError: nothing is left.
    """
    budget = execution.profile.budget
    if budget is None or node.kind == "evaluate":
        return None
    spent = spent_on(execution.store, node.sources).tokens
    if spent >= budget:
        methods = ", ".join(execution.methods_of(node))
        raise WorkError(
            f"stage {node.label} ({methods}): earlier stages have spent {spent:,} tokens, and the profile's budget"
            f" is {budget:,}: raise `budget`, or spend less on the earlier stages"
        )
    return budget - spent


def _manifest(node: StageNode, context: StageContext, folder: Path) -> Manifest:
    import torch

    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != MANIFEST and not p.name.endswith(PARTIAL))
    stage, engine = node.stage, context.engine
    samples_elsewhere = stage.trains and stage.samples and engine.sampled_by != "trainer"
    return Manifest(
        stage=stage.name,
        stage_version=stage.version,
        key=node.key,
        parameters=node.params.model_dump(mode="json"),
        inputs={name: [n.key for n in nodes] for name, nodes in node.inputs.items()},
        seed=node.seed,
        versions=library_versions(engine.name),
        git_revision=git_revision(),
        device="cuda" if torch.cuda.is_available() else "cpu",
        threads=context.threads or torch.get_num_threads(),
        cost=context.cost,
        engine=engine.model_dump(mode="json") if stage.uses_engine or samples_elsewhere else {},
        training=context.training.identity() if stage.trains else {},
        files=file_records(folder, files),
    )
