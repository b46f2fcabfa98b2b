"""Runs a plan's stages on this machine (`--jobs`): side by side, in persistent worker processes.

For each stage a thread of this process holds the store's lock, checks the budget and writes the manifest, while a
worker process runs the stage. On a CPU a worker has as many cores as a stage has threads; on GPUs it has a GPU or a
share of one. A training with several processes starts its own, which take the room of as many workers.
"""

from __future__ import annotations

import math
import os
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

from slmr import signals
from slmr.config import Params, Profile
from slmr.engines import memory
from slmr.io import Stopwatch
from slmr.pipeline.children import LOOK_S, Child, run_in
from slmr.pipeline.launcher import train_in_processes
from slmr.pipeline.planner import StageNode
from slmr.pipeline.runner import (
    Execution,
    StageResult,
    Watcher,
    check_machine_for,
    missing_nodes,
    model_bytes,
    plan_missing,
    run_in_this_process,
    run_node,
    run_with_workers,
)
from slmr.stage import Stage, StageContext

_WORKER_BYTES = 1.5 * 2**30  # of a worker's libraries and a small model
_SAVING_S = 300.0  # for running stages to save their work after a failure or a signal
_STATES = 5  # memory of a training in sizes of the weights: weights, gradients, two moments, and a copy


def run_locally(execution: Execution, watcher: Watcher) -> Iterator[StageResult]:
    """Runs the missing stages, `execution.jobs` of them side by side; with one job, in this process.

    Yields each stage when it is finished.

    Raises:
        RequestError: this machine cannot train with the profile's settings.
        WorkError: a stage, a worker or the disk failed; finished stages are kept.
        Stopped: a signal came.
    """
    slots = slots_for(execution.profile, execution.jobs, model_bytes(execution.nodes)) if execution.jobs != 1 else []
    if len(slots) <= 1:
        yield from run_in_this_process(execution, watcher)
        return
    with LocalWorkers(execution, slots) as workers:
        # The workers load their libraries, which takes seconds, while this process makes its checks.
        workers.load(len(missing_nodes(execution.store, execution.nodes)))
        missing = plan_missing(execution, watcher)
        check_machine_for(execution, missing)
        yield from run_with_workers(workers, execution, missing, watcher)


@dataclass
class Slot:
    """Room for one stage: its GPU (None on a CPU), its share of that GPU, and its worker process once started."""

    gpu: str | None
    share: float = 1.0
    child: Child | None = None

    def environment(self) -> dict[str, str]:
        if self.gpu is None:
            return {}
        return {"CUDA_VISIBLE_DEVICES": self.gpu, memory.GPU_SHARE: str(self.share)}


def slots_for(profile: Profile, jobs: int | None, model: int) -> list[Slot]:
    """This machine's slots for a profile's stages; `model` is the size of the largest student's weights in bytes.

    With `jobs` None there is one slot per GPU, or on a CPU as many as cores and memory allow.
    """
    from slmr.engines.transformers import usable_device

    device = usable_device(profile.engine.device)
    if device == "cuda":
        gpus = _visible_gpus()
        count = jobs or len(gpus)
        shared = math.ceil(count / len(gpus))
        return [Slot(gpus[i % len(gpus)], 1 / shared) for i in range(count)]
    if jobs is None and device != "cpu":  # another accelerator, which cannot be shared
        jobs = 1
    return [Slot(None) for _ in range(jobs or _fitting(profile.threads, model))]


def _visible_gpus() -> list[str]:
    import torch

    names = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    return names or [str(i) for i in range(torch.cuda.device_count())]


def _fitting(threads: int | None, model: int) -> int:
    """How many stages the cores and the free memory can run side by side."""
    import psutil

    if threads is None:
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    room = psutil.virtual_memory().available // (_WORKER_BYTES + _STATES * model)
    return max(1, min(cores // threads, int(room)))


class LocalWorkers(AbstractContextManager["LocalWorkers"]):
    """Worker processes on this machine, started by `load` or when first needed, and ended with the context."""

    def __init__(self, execution: Execution, slots: Sequence[Slot]) -> None:
        self._execution, self._slots, self._free = execution, tuple(slots), list(slots)
        self._taken: dict[str, list[Slot]] = {}  # key of a started node → its slots
        self._busy: set[str] = set()  # keys of the nodes that processes are running
        # Messages from threads: a stage's progress, its result, or its error.
        self._messages: SimpleQueue[tuple[StageNode, tuple[int, int, str] | StageResult | BaseException]] = (
            SimpleQueue()
        )
        self._ending = threading.Event()
        self._logs = tempfile.TemporaryDirectory(prefix="slmr-workers-")

    def __exit__(self, *error: object) -> None:
        """Gives running stages some time to save, then ends all processes; a second signal ends them at once."""
        self._ending.set()
        try:
            watch = Stopwatch()
            while self._busy and watch.seconds < _SAVING_S:
                self._receive()
        finally:
            for child in [slot.child for slot in self._slots if slot.child]:
                child.end()
            self._logs.cleanup()

    def load(self, stages: int) -> None:
        """Starts the processes that so many stages can use."""
        for slot in self._slots[:stages]:
            self._worker(slot)

    def start(self, node: StageNode) -> bool:
        slots = self._room_for(node)
        if not slots:
            return False
        self._free = [slot for slot in self._free if all(slot is not taken for taken in slots)]
        self._taken[node.key] = slots
        # A daemon thread, so that one that waits for another bench's lock does not keep this process alive.
        threading.Thread(target=self._run_node, args=(node, slots), daemon=True).start()
        return True

    def wait(self, watcher: Watcher) -> list[StageResult]:
        results = []
        for node, news in self._receive():
            if isinstance(news, BaseException):
                raise news
            if isinstance(news, StageResult):
                results.append(news)
            else:
                watcher.progress(node, *news)
        return results

    def _room_for(self, node: StageNode) -> list[Slot]:
        """Free slots for the stage; empty if there are too few."""
        processes = self._execution.profile.training.processes if node.stage.trains else 1
        if processes == 1:
            return self._free[:1]
        if self._slots[0].gpu is None:
            wanted = min(len(self._slots), math.ceil(processes / (self._execution.profile.threads or processes)))
            return self._free[:wanted] if len(self._free) >= wanted else []
        used = {slot.gpu for slot in self._slots if all(slot is not free for free in self._free)}
        idle = [gpu for gpu in dict.fromkeys(slot.gpu for slot in self._slots) if gpu not in used]
        if len({slot.gpu for slot in self._slots}) < processes:
            # Fewer jobs than GPUs: the training takes all slots, and the GPUs without one, too.
            return [] if used else list(self._slots)
        chosen = idle[:processes] if len(idle) >= processes else []
        return [slot for slot in self._slots if slot.gpu in chosen]

    def _run_node(self, node: StageNode, slots: Sequence[Slot]) -> None:
        """Runs the stage, in a thread of its own, and sends the result or the error."""

        def progress(done: int, total: int, unit: str) -> None:
            self._messages.put((node, (done, total, unit)))

        news: StageResult | BaseException
        try:
            news = run_node(self._execution, node, progress, partial(self._run_stage, node.key, slots))
        except BaseException as error:  # raised again by `wait`, in the main thread
            news = error
        self._messages.put((node, news))

    def _run_stage(self, key: str, slots: Sequence[Slot], stage: Stage, context: StageContext, params: Params) -> float:
        """Runs the stage in its slot's worker, or in a training's own processes; returns the seconds."""
        self._busy.add(key)
        watch = Stopwatch()
        try:
            if stage.trains and context.training.processes > 1:
                gpus = list(dict.fromkeys(slot.gpu for slot in slots if slot.gpu))
                enough = len(gpus) >= context.training.processes
                environment = {"CUDA_VISIBLE_DEVICES": ",".join(gpus)} if enough else {}
                train_in_processes(stage, context, params, environment, self._stopping)
            else:
                worker = self._worker(slots[0])
                worker.wait_until_ready(self._stopping)
                watch = Stopwatch()
                run_in([worker], stage, context, params, self._stopping)
            return watch.seconds
        finally:
            self._busy.discard(key)

    def _stopping(self) -> bool:
        return self._ending.is_set() or signals.asked()

    def _worker(self, slot: Slot) -> Child:
        """The slot's worker process, started if necessary."""
        if slot.child is None:
            log = Path(self._logs.name) / f"{id(slot)}.log"
            threads = self._execution.profile.threads
            environment = {"OMP_NUM_THREADS": str(threads)} if threads else {}
            slot.child = Child(log, environment | slot.environment())
        return slot.child

    def _receive(self) -> list[tuple[StageNode, tuple[int, int, str] | StageResult | BaseException]]:
        """The threads' new messages, after waiting at most `LOOK_S`; frees the slots of stages that have ended."""
        messages = []
        try:
            messages.append(self._messages.get(timeout=LOOK_S))
            while True:
                messages.append(self._messages.get_nowait())
        except Empty:
            pass
        for node, news in messages:
            if not isinstance(news, tuple) or isinstance(news, StageResult):
                self._free += self._taken.pop(node.key)
        return messages
