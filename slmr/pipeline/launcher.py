"""Trains a stage in several processes of this machine, as torchrun and `accelerate launch` do.

The parent keeps the store's lock and the display; the processes get a description in JSON and tell what happens. When
one fails, all end; when the parent is killed, they end with it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Any

from pydantic import BaseModel

from slmr import signals
from slmr.artifacts import Cost, installed_version
from slmr.config import EngineSettings, TrainingSettings
from slmr.errors import RequestError, SlmrError, WorkError
from slmr.io import Stopwatch
from slmr.pipeline.worker import Job
from slmr.stage import Stage, StageContext

_LOOK_S = 0.2  # between looks at whether a signal has come
_GRACE_S = 20.0  # for the others to say what happened to them, when one has ended
_LAST_LINES = 3  # of its log, where a process said nothing


def check_training(training: TrainingSettings, engine: EngineSettings) -> None:
    """Whether this machine can train so.

    Raises:
        RequestError: it has too few GPUs or cores, or lacks what the strategy needs.
    """
    if training.processes == 1:
        return
    from slmr.engines.transformers import pick_device

    device, wanted = pick_device(engine.device), training.processes
    if device not in ("cpu", "cuda"):
        raise RequestError(
            f"training: several processes take a GPU each or the CPU, not device {engine.device}"
        )
    if device == "cuda":
        import torch

        here, what = torch.cuda.device_count(), "GPUs"
    else:
        here, what = os.cpu_count() or 1, "cores"
    if wanted > here:
        raise RequestError(
            f"training: {wanted} processes, and this machine has {here} {what}: lower processes"
        )
    if training.strategy != "ddp" and device == "cpu":
        raise RequestError(f"training: strategy {training.strategy} needs GPUs; on a CPU take ddp")
    if training.strategy.startswith("zero") and not installed_version("deepspeed"):
        raise RequestError(f"training: strategy {training.strategy} needs DeepSpeed: pip install deepspeed")


def train_together(stage: Stage, context: StageContext, params: BaseModel) -> None:
    """Runs a training stage in the processes that the context's settings ask for.

    Raises:
        RequestError, WorkError: what a process raised, or how it ended.
    """
    job = Job(
        stage=stage.name, params=params.model_dump(mode="json"), folder=context.folder, seed=context.seed,
        inputs={n: [(str(p), isinstance(p, Path)) for p in places] for n, places in context.inputs.items()},
        engine=context.engine, training=context.training, tasks_paths=list(context.tasks_paths),
        allowance=context.allowance, stats=context.stats,
    )  # fmt: skip
    with signals.deferred(), _started(job) as processes:
        done = _follow(processes, context, f"stage {stage.name}")
    context.stats |= done["stats"]
    context.cost += Cost.model_validate(done["cost"])


class _Process:
    """One of them, and what it says; a thread reads it, so that none waits for the others to be read."""

    def __init__(self, rank: int, job: Job, port: int, log: IO[bytes]) -> None:
        self.rank, self.log = rank, Path(log.name)
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "slmr.pipeline.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            env=os.environ | _environment(rank, job.training.processes, port),
            start_new_session=True,  # Ctrl-C is the parent's to pass on
        )  # fmt: skip
        assert self._popen.stdin is not None
        self._popen.stdin.write(job.model_dump_json().encode() + b"\n")
        self._popen.stdin.flush()

    def listen(self, heard: SimpleQueue[tuple[int, dict[str, Any]]]) -> None:
        def read() -> None:
            assert self._popen.stdout is not None
            for line in self._popen.stdout:
                heard.put((self.rank, json.loads(line)))
            heard.put((self.rank, {"exited": self._popen.wait()}))

        threading.Thread(target=read, daemon=True).start()

    def ask_to_stop(self) -> None:
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGTERM)

    def end(self) -> None:
        if self._popen.poll() is None:
            self._popen.kill()
        self._popen.wait()
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe:
                pipe.close()


def _environment(rank: int, processes: int, port: int) -> dict[str, str]:
    """What torchrun sets: the processes find each other in the parent's store."""
    import torch

    return {
        "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(processes), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        # Together they have the threads of this one.
        "OMP_NUM_THREADS": str(max(1, torch.get_num_threads() // processes)),
    }  # fmt: skip


@contextmanager
def _started(job: Job) -> Iterator[list[_Process]]:
    """The processes; at the end none is left."""
    from torch.distributed import TCPStore

    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    place = job.folder / "trainer"
    place.mkdir(parents=True, exist_ok=True)
    processes: list[_Process] = []
    try:
        for rank in range(job.training.processes):
            with (place / f"rank-{rank}.log").open("wb") as log:
                processes.append(_Process(rank, job, store.port, log))
        yield processes
    finally:
        for process in processes:
            process.end()
        del store


def _follow(processes: Sequence[_Process], context: StageContext, name: str) -> dict[str, Any]:
    """Passes on what they say until all have ended; what the first one made."""
    heard: SimpleQueue[tuple[int, dict[str, Any]]] = SimpleQueue()
    for process in processes:
        process.listen(heard)
    ends: dict[int, dict[str, Any]] = {}  # in the order of time: the first to fail is what failed
    asked, since_end = False, None
    while len(ends) < len(processes) and not (since_end and since_end.seconds > _GRACE_S):
        if signals.asked() and not asked:
            asked = True
            for process in processes:
                process.ask_to_stop()
        try:
            rank, said = heard.get(timeout=_LOOK_S)
        except Empty:
            continue
        if "progress" in said:
            context.progress(*said["progress"])
        elif rank not in ends:
            ends[rank] = said
            since_end = since_end or (None if "done" in said else Stopwatch())
    return _outcome(processes, ends, name)


def _outcome(processes: Sequence[_Process], ends: dict[int, dict[str, Any]], name: str) -> dict[str, Any]:
    """What the first process made.

    Raises:
        RequestError, WorkError: what one of them said, else how one of them ended.
        Stopped: they were asked to stop.
    """
    for end in ends.values():
        if "failed" in end:
            raise (RequestError if end["request"] else WorkError)(end["failed"])
    for rank, end in ends.items():
        if "exited" in end:
            raise _died(processes[rank], end["exited"], len(processes), name)
    if any("stopped" in end for end in ends.values()):
        raise signals.Stopped
    return ends[0]["done"]


def _died(process: _Process, code: int, count: int, name: str) -> SlmrError:
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    hint = " (out of memory?)" if code == -signal.SIGKILL else ""
    lines = process.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-_LAST_LINES:]
    last = f": {' / '.join(lines)}" if lines else ""
    return WorkError(
        f"{name}: process {process.rank + 1} of {count} {how}{hint}{last}; the same command goes on from the last"
        " checkpoint"
    )
