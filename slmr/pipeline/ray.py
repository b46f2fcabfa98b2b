"""Making a plan's artefacts as Ray tasks: stages that do not need each other run side by side, on many machines.

The driver and all workers see the run's folder at the same path (a shared file system), or exchange artefacts through
a depot. A stage that its worker did not survive runs again, on another one; in a shared folder it goes on from what the
first had written.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmr.engines.models import cache_folder
from slmr.errors import RequestError, SlmrError
from slmr.io import Stopwatch, digest
from slmr.pipeline.planner import StageNode
from slmr.pipeline.runner import Watcher, Work, make_node, plan_missing, rough_seconds

if TYPE_CHECKING:
    from ray import ObjectRef
    from ray.util.queue import Queue

_LIVES = 10  # workers that a stage may lose; a stage that always kills its worker shall end some day
_HEARD_S = 0.3  # between looks at what has happened
_ENVIRONMENT = ("SLMR_DATA", "SLMR_CACHE", "HF_HOME", "HF_HUB_OFFLINE", "HF_ENDPOINT")


def make_on_ray(work: Work, watcher: Watcher) -> None:
    """Makes what is missing on a Ray cluster: that of `RAY_ADDRESS`, one that is connected already, or one of our own.

    A stage takes as many CPUs as it would here, and a GPU where the cluster has any; a training of several processes
    takes a GPU each, all of one machine.

    Raises:
        RequestError: Ray is not installed, there is no such cluster, or no machine of it can train so.
        WorkError: a stage failed; finished stages are kept.
    """
    work = replace(work, root=work.root.resolve(), tasks_paths=tuple(p.resolve() for p in work.tasks_paths))
    if work.depot:
        work.depot.check()
        work.depot.pull(map(work.name, work.nodes), work.root)
    missing = {node.key: node for node in plan_missing(work, watcher)}
    if work.depot:
        for node in work.nodes:  # what was made here before, or is to be made again
            if node.key in missing:
                work.depot.discard(work.name(node))
            elif not work.depot.has(work.name(node)):
                work.depot.push(work.name(node), work.root)
    for node in work.nodes:
        if node.key not in missing:
            watcher.finished(node, True, 0.0)
    if not missing:
        return
    with _connected() as ray:
        from ray.util.queue import Queue

        heard = Queue(actor_options={"num_cpus": 0})
        waiting = _submitted(ray, work, list(missing.values()), heard)
        try:
            _follow(ray, work, waiting, heard, watcher)
        finally:
            for ref in waiting:
                ray.cancel(ref)
            heard.shutdown()
    if work.depot:
        work.depot.pull(map(work.name, missing.values()), work.root)


@contextmanager
def _connected() -> Iterator[Any]:
    """Ray, connected; disconnected again if it was not before."""
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


def _submitted(
    ray: Any, work: Work, missing: Sequence[StageNode], heard: Queue
) -> dict[ObjectRef, StageNode]:
    """A task for each stage, which starts when those that it needs have ended; of those ready, Ray takes the first."""
    import torch

    threads, gpus = torch.get_num_threads(), bool(ray.cluster_resources().get("GPU"))
    alive = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    together, largest = work.training.processes, int(max(node.get("CPU", 0) for node in alive))
    _check_largest(together, int(max(node.get("GPU", 0) for node in alive)) if gpus else largest, gpus)
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    task = ray.remote(
        max_retries=_LIVES, runtime_env={"env_vars": environment | {"OMP_NUM_THREADS": str(threads)}}
    )(_make)
    refs: dict[str, ObjectRef] = {}
    for node in longest_first(missing):
        needed = [refs[n.key] for n in node.sources if n.key in refs]
        processes = together if node.stage.trains else 1
        # On GPUs the processes of a training need no core each: they wait for theirs.
        cpus = min(threads if gpus else max(threads, processes), largest)
        refs[node.key] = task.options(
            name=node.label, num_cpus=cpus, num_gpus=processes if gpus else 0
        ).remote(work, node, Path.cwd(), threads, heard, *needed)
    return {refs[node.key]: node for node in missing}


def _check_largest(processes: int, most: int, gpus: bool) -> None:
    if processes > most:
        what = "GPUs" if gpus else "CPUs"
        raise RequestError(
            f"training: {processes} processes, and no machine of the cluster has more than {most} {what}"
        )


def longest_first(nodes: Sequence[StageNode]) -> list[StageNode]:
    """The nodes by how long the longest chain of stages is that each begins, so that no long one begins last.

    A node still comes before all that need it.
    """
    needed_by: dict[str, list[StageNode]] = {}
    for node in nodes:
        for child in node.sources:
            needed_by.setdefault(child.key, []).append(node)
    chain: dict[str, float] = {}
    for node in reversed(nodes):
        after = max((chain[user.key] for user in needed_by.get(node.key, ())), default=0.0)
        chain[node.key] = after + rough_seconds(node)
    return sorted(nodes, key=lambda node: -chain[node.key])


def _make(
    work: Work, node: StageNode, folder: Path, threads: int, heard: Queue, *_needed: object
) -> tuple[bool, float]:
    """In a worker: one stage, with the numbers that it has in one process. `_needed` is what it waited for."""
    import torch

    if folder.is_dir():  # a student may be named by a relative path
        os.chdir(folder)
    torch.set_num_threads(threads)
    heard.put((node.key, None))
    said = Stopwatch()

    def progress(done: int, total: int, unit: str) -> None:
        nonlocal said
        if done == 0 or said.seconds > _HEARD_S:
            heard.put((node.key, (done, total, unit)))
            said = Stopwatch()

    if work.depot is None:
        return make_node(work, node, progress)
    own = replace(work, root=cache_folder() / "depots" / digest(work.depot.url))
    work.depot.pull(map(own.name, node.stages()), own.root)
    made = make_node(own, node, progress)
    work.depot.push(own.name(node), own.root)
    return made


def _follow(
    ray: Any, work: Work, waiting: dict[ObjectRef, StageNode], heard: Queue, watcher: Watcher
) -> None:
    """Tells the watcher what happens until all stages have ended; `waiting` keeps those that have not."""
    nodes = {node.key: node for node in waiting.values()}
    started: set[str] = set()
    while waiting:
        done, _ = ray.wait(list(waiting), timeout=_HEARD_S)
        for key, said in heard.get_nowait_batch(heard.qsize()):
            if key not in started:
                started.add(key)
                watcher.started(nodes[key], work.methods[key])
            if said is not None:
                watcher.progress(nodes[key], *said)
        for ref in done:
            try:
                reused, seconds = ray.get(ref)
            except ray.exceptions.RayTaskError as error:
                if isinstance(error.cause, SlmrError):
                    raise error.cause from None
                raise
            watcher.finished(waiting.pop(ref), reused, seconds)
