"""Making a plan's artefacts: which are missing, one of them, and all of them in this process."""

from __future__ import annotations

import math
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Protocol

from slmr.artifacts import MANIFEST, Cost, Manifest, Store, git_revision, library_versions
from slmr.config import EngineSettings, TrainingSettings
from slmr.errors import WorkError
from slmr.io import Stopwatch, write_json
from slmr.pipeline.cost import spent_on
from slmr.pipeline.launcher import check_training, train_together
from slmr.pipeline.planner import StageNode
from slmr.pipeline.remote_store import Depot
from slmr.stage import Progress, StageContext

# Seconds of each kind of stage in the lab's profile: for the time left until one has been timed, and for which of
# several to begin with.
ROUGH_S = {"grpo": 240.0, "luffy": 240.0, "bread": 240.0, "relift": 240.0, "sft": 90.0, "gkd": 90.0, "dpo": 90.0,
           "evaluate": 70.0, "probe": 40.0, "bridge": 20.0}  # fmt: skip


# What a stage's time grows with, and how much of it the lab's profile has.
_USUAL = {"share": 1.0, "epochs": 3, "steps": 40, "group_size": 8, "prompts_per_step": 16, "k": 8}
_USUAL_POOL, _USUAL_COMPLETIONS = 800, 10_000


def rough_seconds(node: StageNode) -> float:
    """What a stage takes about, by its kind, and by how much it has of what the lab's profile usually has."""
    usual = ROUGH_S.get(node.kind, 1.0)
    params = node.params.model_dump()
    if params.get("limit"):
        return (
            usual * params["limit"] * params.get("k", 4) * len(params.get("tasks", ())) / _USUAL_COMPLETIONS
        )
    share = math.prod(params[name] / much for name, much in _USUAL.items() if params.get(name))
    if "steps" not in params:
        share *= _pool_size(node) / _USUAL_POOL
    return usual * share


def _pool_size(node: StageNode) -> int:
    """Of the pool that a stage works on, directly or not."""
    pools = (n.params.model_dump()["size"] for n in node.stages() if n.kind == "pool")
    return next(pools, _USUAL_POOL)


class Watcher(Protocol):
    """Hears what a bench is doing. The display on the terminal is one; a silent one serves tests."""

    def planned(self, nodes: Sequence[StageNode], missing: Sequence[StageNode]) -> None: ...
    def started(self, node: StageNode, methods: Sequence[str]) -> None: ...
    def progress(self, node: StageNode, done: int, total: int, unit: str) -> None: ...
    def finished(self, node: StageNode, reused: bool, seconds: float) -> None: ...


class SilentWatcher:
    """A watcher that tells nobody."""

    def planned(self, nodes: Sequence[StageNode], missing: Sequence[StageNode]) -> None: ...
    def started(self, node: StageNode, methods: Sequence[str]) -> None: ...
    def progress(self, node: StageNode, done: int, total: int, unit: str) -> None: ...
    def finished(self, node: StageNode, reused: bool, seconds: float) -> None: ...


@dataclass(frozen=True)
class Work:
    """The stages of a bench, and what they are made with.

    Attributes:
        root: the folder of the artefacts.
        nodes: each once, inputs first.
        budget: tokens that a method may spend; None is no limit.
        methods: key of a node → the methods that need it.
        depot: where machines without a common folder exchange artefacts; None where they have one.
    """

    root: Path
    nodes: tuple[StageNode, ...]
    engine: EngineSettings
    budget: int | None
    tasks_paths: tuple[Path, ...]
    methods: Mapping[str, tuple[str, ...]]
    depot: Depot | None = None
    training: TrainingSettings = field(default_factory=TrainingSettings)

    @cached_property
    def store(self) -> Store:
        return Store(self.root)

    def has(self, node: StageNode) -> bool:
        return self.store.has(node.kind, node.key)

    def name(self, node: StageNode) -> str:
        """Of its artefact's folder."""
        return node.artefact


def make_here(work: Work, watcher: Watcher) -> None:
    """Makes what is missing in this process, one stage after the other.

    Raises:
        RequestError: this machine cannot train as the profile says.
        WorkError: a stage failed or the disk refused; finished stages are kept.
    """
    missing = plan_missing(work, watcher)
    if any(node.stage.trains for node in missing):
        check_training(work.training, work.engine)
    for node in work.nodes:
        watcher.started(node, work.methods[node.key])
        watcher.finished(node, *make_node(work, node, partial(watcher.progress, node)))


def plan_missing(work: Work, watcher: Watcher) -> list[StageNode]:
    """What is to be made; artefacts that depend on something missing are removed, and the watcher hears of it."""
    work.store.prepare()
    missing = missing_nodes(work.store, work.nodes)
    # The last ones first: if this is killed, what is left still has a missing input and is found again.
    for node in reversed(missing):
        if work.has(node):
            work.store.discard(node.kind, node.key)
    _check_disk(work, missing)
    watcher.planned(work.nodes, missing)
    return missing


def _check_disk(work: Work, missing: Sequence[StageNode]) -> None:
    """That the disk has room for the models that are to be trained, and for one checkpoint with its optimizer.

    Raises:
        WorkError: it has not.
    """
    trained = sum(node.stage.trains for node in missing)
    students = {s.location for node in missing for s in node.students() if isinstance(s.location, Path)}
    model = max((_weights(student) for student in students), default=0)
    # A checkpoint: the weights, two moments of each, and spare.
    needed = (trained + 4) * model if trained else 0
    free = shutil.disk_usage(work.root).free
    if needed > free:
        raise WorkError(
            f"{work.root}: too little room: {trained} models of {model / 2**20:,.0f} MiB are to be written, with a"
            f" checkpoint about {needed / 2**20:,.0f} MiB, and {free / 2**20:,.0f} are free; free some space, or choose"
            " another --out"
        )


def _weights(student: Path) -> int:
    """Bytes of a model's weights."""
    return sum(file.stat().st_size for file in student.glob("*.safetensors"))


def missing_nodes(store: Store, nodes: Sequence[StageNode]) -> list[StageNode]:
    """The nodes without an artefact and, as with make, those that depend on one of them. Inputs come first."""
    missing: dict[str, StageNode] = {}
    for node in nodes:
        if not store.has(node.kind, node.key) or any(source.key in missing for source in node.sources):
            missing[node.key] = node
    return list(missing.values())


def make_node(work: Work, node: StageNode, progress: Progress) -> tuple[bool, float]:
    """Makes one artefact, unless it is there: whether it was, and the seconds that this took."""
    watch = Stopwatch()
    if work.has(node):
        return True, watch.seconds
    quiet_libraries()
    allowance = _allowance(work, node)
    with work.store.build(node.kind, node.key) as folder:
        if folder is None:
            return True, watch.seconds
        inputs = {name: [n.output(work.store) for n in nodes] for name, nodes in node.inputs.items()}
        context = StageContext(
            folder, inputs, node.seed or 0, work.engine, progress, tasks_paths=work.tasks_paths,
            allowance=allowance, training=work.training.of(node.kind),
        )  # fmt: skip
        if node.stage.trains and work.training.processes > 1:
            train_together(node.stage, context, node.params)
        else:
            node.stage.run(context, node.params)
        shutil.rmtree(folder / "trainer", ignore_errors=True)
        context.cost.wall_s = watch.seconds
        write_json(folder / "stats.json", context.stats)
        manifest = _manifest(node, context.cost, work)
        write_json(folder / MANIFEST, manifest.model_dump(mode="json"))
    return False, watch.seconds


def _allowance(work: Work, node: StageNode) -> int | None:
    """What the budget leaves for a stage after all that it depends on; evaluation is not part of it.

    Raises:
        WorkError: nothing is left.
    """
    if work.budget is None or node.kind == "evaluate":
        return None
    spent = spent_on(work.store, node.sources).tokens
    if spent >= work.budget:
        raise WorkError(
            f"stage {node.label} ({', '.join(work.methods[node.key])}): {spent:,} tokens are spent before it, and the"
            f" profile's budget is {work.budget:,}: raise `budget`, or spend less on the stages before"
        )
    return work.budget - spent


def _manifest(node: StageNode, cost: Cost, work: Work) -> Manifest:
    import torch

    used = node.stage.uses_engine or (node.stage.samples and work.engine.sampled_by != "trainer")
    return Manifest(
        stage=node.kind, stage_version=node.stage.version, key=node.key,
        parameters=node.params.model_dump(mode="json"),
        inputs={name: [n.key for n in group] for name, group in node.inputs.items()},
        seed=node.seed, versions=library_versions(work.engine.name), git_revision=git_revision(),
        device="cuda" if torch.cuda.is_available() else "cpu", threads=torch.get_num_threads(), cost=cost,
        engine=work.engine.model_dump(mode="json") if used else {},
        training=work.training.of(node.kind).identity() if node.stage.trains else {},
    )  # fmt: skip


def quiet_libraries() -> None:
    """Keeps the libraries' own bars and notices off the screen; errors still show."""
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    if "transformers" not in sys.modules:
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    if datasets := sys.modules.get("datasets"):  # else the variable above does it, if it is imported at all
        datasets.disable_progress_bars()
