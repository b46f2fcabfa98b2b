"""Runs a plan's stages as Ray tasks: independent stages run side by side, on many machines.

The driver and all workers see the run's folder at the same path (a shared file system), or exchange artefacts through
a remote store. If a worker dies, its stage runs again on another one; in a shared folder it continues from the files
that the first one wrote.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmr.engines.models import cache_folder
from slmr.errors import RequestError, SlmrError
from slmr.io import Stopwatch, digest
from slmr.pipeline.planner import StageNode
from slmr.pipeline.remote_store import RemoteStore
from slmr.pipeline.runner import (
    Execution,
    StageResult,
    Watcher,
    plan_missing,
    present,
    run_node,
    run_with_workers,
)

if TYPE_CHECKING:
    from ray import ObjectRef
    from ray.util.queue import Queue

_RETRIES = 10  # after a worker's death; limited, because a stage may always kill its worker
_LOOK_S = 0.3  # polling interval
_ENVIRONMENT = ("SLMR_DATA", "SLMR_CACHE", "HF_HOME", "HF_HUB_OFFLINE", "HF_ENDPOINT")


def run_on_ray(execution: Execution, watcher: Watcher) -> Iterator[StageResult]:
    """Runs the missing stages on a Ray cluster: the connected one, that of `RAY_ADDRESS`, or a new local one.

    Yields each stage when it is finished. A stage takes as many CPUs as it has threads, and a GPU if the cluster has
    any; a training with several processes takes one GPU per process, all on one machine.

    Raises:
        RequestError: Ray is not installed, there is no such cluster, or none of its machines can run the training.
        WorkError: a stage failed; finished stages are kept.
        Stopped: a signal came.
    """
    execution = replace(
        execution,
        root=execution.root.resolve(),
        tasks_paths=tuple(p.resolve() for p in execution.tasks_paths),
    )
    if execution.remote_store:
        execution.remote_store.check()
        execution.remote_store.pull([node.artefact for node in execution.nodes], execution.root)
    missing = plan_missing(execution, watcher)
    if execution.remote_store:
        _share(execution.remote_store, execution, missing)
    if missing:
        with _connection() as ray, RayWorkers(ray, execution) as workers:
            yield from run_with_workers(workers, execution, missing, watcher)


def _share(remote_store: RemoteStore, execution: Execution, missing: list[StageNode]) -> None:
    """Pushes existing artefacts to the store, and removes from it those that will be made again."""
    for node in missing:
        remote_store.discard(node.artefact)
    for node in present(execution.nodes, missing):
        if not remote_store.has(node.artefact):
            remote_store.push(node.artefact, execution.root)


@contextmanager
def _connection() -> Iterator[Any]:
    """Yields Ray, connected; disconnects it afterwards unless it was connected before."""
    try:
        import ray
    except ImportError:
        raise RequestError("--executor ray needs Ray: pip install 'slmr[ray]'") from None
    if ray.is_initialized():
        yield ray
        return
    address = os.environ.get("RAY_ADDRESS")
    more: dict[str, Any] = {} if address else {"include_dashboard": False}
    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level=logging.ERROR, **more)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise RequestError(f"no Ray cluster at {address or 'this machine'}: {error}") from None
    try:
        yield ray
    finally:
        ray.shutdown()


class RayWorkers(AbstractContextManager["RayWorkers"]):
    """Runs one Ray task per stage, as many at once as fit on the cluster."""

    def __init__(self, ray: Any, execution: Execution) -> None:
        """Raises RequestError if no machine of the cluster can run a training."""
        import torch
        from ray.util.queue import Queue

        self._ray, self._execution = ray, execution
        self._threads = execution.profile.threads or torch.get_num_threads()
        self._on_gpus = bool(ray.cluster_resources().get("GPU"))
        self._counted = "GPU" if self._on_gpus else "CPU"
        machines = [machine["Resources"] for machine in ray.nodes() if machine["Alive"]]
        self._largest = int(max(machine.get("CPU", 0) for machine in machines))
        most = int(max(machine.get(self._counted, 0) for machine in machines))
        processes = execution.profile.training.processes
        if processes > most:
            raise RequestError(
                f"training: {processes} processes, and no machine of the cluster has more than {most} {self._counted}s"
            )
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        variables = environment | {"OMP_NUM_THREADS": str(self._threads)}
        self._task = ray.remote(max_retries=_RETRIES, runtime_env={"env_vars": variables})(_run_node)
        self._running: dict[ObjectRef, tuple[StageNode, int]] = {}  # task → (node, its CPUs or GPUs)
        self._messages = Queue(actor_options={"num_cpus": 0})

    def __exit__(self, *error: object) -> None:
        for ref in self._running:
            self._ray.cancel(ref)
        self._messages.shutdown()

    def start(self, node: StageNode) -> bool:
        room = self._ray.cluster_resources().get(self._counted, 0)
        if sum(taken for _, taken in self._running.values()) >= room:
            return False
        processes = self._execution.profile.training.processes if node.stage.trains else 1
        # On GPUs the processes of a training do not need a core each: they mostly wait for their GPU.
        cpus = min(self._threads if self._on_gpus else max(self._threads, processes), self._largest)
        task = self._task.options(name=node.label, num_cpus=cpus, num_gpus=processes if self._on_gpus else 0)
        ref = task.remote(self._execution, node, Path.cwd(), self._threads, self._messages)
        self._running[ref] = node, processes if self._on_gpus else cpus
        return True

    def wait(self, watcher: Watcher) -> list[StageResult]:
        done, _ = self._ray.wait(list(self._running), timeout=_LOOK_S)
        nodes = {node.key: node for node, _ in self._running.values()}
        for key, at in self._messages.get_nowait_batch(self._messages.qsize()):
            if key in nodes:
                watcher.progress(nodes[key], *at)
        return [self._result(ref) for ref in done]

    def _result(self, ref: ObjectRef) -> StageResult:
        try:
            reused, seconds = self._ray.get(ref)
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, SlmrError):
                raise error.cause from None
            raise
        node, _ = self._running.pop(ref)
        if self._execution.remote_store:
            self._execution.remote_store.pull([node.artefact], self._execution.root)
        return StageResult(node, reused, seconds)


def _run_node(execution: Execution, node: StageNode, folder: Path, threads: int, messages: Queue) -> tuple[bool, float]:
    """Runs one stage, in a worker; returns whether it already existed, and the seconds."""
    if folder.is_dir():  # a student's path may be relative
        os.chdir(folder)
    watch = Stopwatch()

    def progress(done: int, total: int, unit: str) -> None:
        nonlocal watch
        if done == 0 or watch.seconds > _LOOK_S:
            messages.put((node.key, (done, total, unit)))
            watch = Stopwatch()

    execution = replace(execution, profile=execution.profile.model_copy(update={"threads": threads}))
    if execution.remote_store is None:
        return run_node(execution, node, progress)[1:]
    local = replace(execution, root=cache_folder() / "depots" / digest(execution.remote_store.url))
    execution.remote_store.pull([source.artefact for source in node.stages()], local.root)
    result = run_node(local, node, progress)
    execution.remote_store.push(node.artefact, local.root)
    return result[1:]
