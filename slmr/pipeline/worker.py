"""Runs stages, in this process or in a worker process, `python -m slmr.pipeline.worker`.

`slmr.pipeline.children` starts the worker processes. Standard input has one line of JSON for each stage to run, a
`Job`, and stays open as long as the parent lives. Standard output is for messages to the parent, one JSON object per
line; the output of libraries goes to standard error.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import threading
import traceback
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import cache
from queue import SimpleQueue
from typing import Any, TextIO

from pydantic import BaseModel, ConfigDict

from slmr import signals
from slmr.artifacts import Cost
from slmr.config import Params
from slmr.engines import memory
from slmr.engines.transformers import lean_imports
from slmr.errors import RequestError, SlmrError
from slmr.pipeline.trackers import reported
from slmr.stage import Stage, StageContext

_ORPHANED = 3  # exit code after the parent's death
_HEAVY = ("torch", "datasets", "trl.trainer.sft_trainer", "trl.trainer.grpo_trainer")


class Job(BaseModel):
    """A stage to run, with its parameters and its context."""

    model_config = ConfigDict(extra="forbid")

    stage: str
    params: dict[str, Any]
    context: StageContext


class Done(BaseModel):
    """A finished stage's changes to its context, for the parent's context."""

    stats: dict[str, Any]
    cost: Cost
    threads: int | None


def run_stage(stage: Stage, context: StageContext, params: Params) -> None:
    """Runs a stage in this process with the context's number of threads, and records the number in the context."""
    import torch

    quiet_libraries()
    before = torch.get_num_threads()
    torch.set_num_threads(context.threads or before)
    try:
        with reported(context) if stage.trains else nullcontext():
            stage.run(context, params)
        context.threads = torch.get_num_threads()
    finally:
        torch.set_num_threads(before)
    if stage.trains:  # by now the trainers' libraries are loaded
        set_libraries_aside()


@cache
def set_libraries_aside() -> None:
    """Takes all present objects out of garbage collection, once in a process.

    The libraries' objects stay for good, and every full collection, of which a training asks for several, would look
    through all of them for a quarter of a second.
    """
    gc.collect()
    gc.freeze()


def quiet_libraries() -> None:
    """Silences the libraries' progress bars and warnings; errors still show."""
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    if "transformers" not in sys.modules:
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    if datasets := sys.modules.get("datasets"):  # if it is imported later, the variable above suffices
        datasets.disable_progress_bars()


class Channel:
    """Sends messages to the parent through the original standard output, one line each."""

    def __init__(self) -> None:
        self._out: TextIO = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def send(self, message: dict[str, Any]) -> None:
        self._out.write(json.dumps(message) + "\n")
        self._out.flush()


def main() -> None:
    """Runs stages and sends their results, until the parent is gone or a signal comes."""
    channel, jobs = Channel(), SimpleQueue[Job]()
    threading.Thread(target=_receive, args=(jobs,), daemon=True).start()
    if "RANK" not in os.environ:  # a training's process runs only one stage, so preloading would not help it
        _preload()
        set_libraries_aside()
    channel.send({"ready": True})
    code = 0
    try:
        with signals.listening():
            while True:
                _run(jobs.get(), channel)
    except signals.Stopped:
        channel.send({"stopped": True})
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stderr.flush()
    os._exit(code)  # a normal exit could wait for the training's other workers, which may wait for this one


def _preload() -> None:
    """Imports the stages' libraries, so that the time does not count as a stage's: it takes as long as a short one."""
    quiet_libraries()
    with lean_imports():
        for name in _HEAVY:
            with suppress(ImportError):  # the stage that needs it says what to install
                importlib.import_module(name)


def _run(job: Job, channel: Channel) -> None:
    from slmr.pipeline.recipe import stages

    _take_device()
    stage = stages()[job.stage]
    context = replace(
        job.context, rank=int(os.environ.get("RANK", "0")), progress=lambda *at: channel.send({"progress": at})
    )
    try:
        run_stage(stage, context, stage.params.model_validate(job.params))
    except SlmrError as error:
        channel.send({"failed": str(error), "request": isinstance(error, RequestError)})
        return
    done = Done(stats=context.stats, cost=context.cost, threads=context.threads)
    channel.send({"done": done.model_dump()})
    memory.release()


def _take_device() -> None:
    """Selects this process's GPU and limits it to the share that the parent set, before anything is loaded."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        if memory.gpu_share() < 1:
            torch.cuda.set_per_process_memory_fraction(memory.gpu_share())


def _receive(jobs: SimpleQueue[Job]) -> None:
    """Queues jobs; ends this process when the parent's end of the pipe closes, however the parent ended."""
    for line in sys.stdin:
        jobs.put(Job.model_validate_json(line))
    os._exit(_ORPHANED)


if __name__ == "__main__":
    main()
