"""Runs stages, in this process or in a worker process, `python -m slmr.pipeline.worker`.

`slmr.pipeline.children` starts the worker processes. Standard input has a line for each stage to run, a `Job`; it stays
open as long as the parent lives. Standard output has a line for each of the messages in `slmr.pipeline.messages`.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import cache
from queue import SimpleQueue

from slmr import signals
from slmr.config import Params
from slmr.engines import memory
from slmr.engines.transformers import lean_imports
from slmr.errors import RequestError, SlmrError
from slmr.pipeline.messages import Done, Failed, Job, Message, Progress, Ready, Stopped
from slmr.pipeline.trackers import reported
from slmr.stage import Stage, StageContext
from slmr.subprocesses import reserve_stdout

_ORPHANED = 3  # exit code after the parent's death
_HEAVY = ("torch", "datasets", "trl.trainer.sft_trainer", "trl.trainer.grpo_trainer")


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


def main() -> None:
    """Runs stages and sends their results, until the parent is gone or a signal comes."""
    out, jobs = reserve_stdout(), SimpleQueue[Job]()

    def send(message: Message) -> None:
        out.write(message.model_dump_json() + "\n")
        out.flush()

    threading.Thread(target=_receive, args=(jobs,), daemon=True).start()
    if "RANK" not in os.environ:  # a training's process runs only one stage, so preloading would not help it
        _preload()
        set_libraries_aside()
    send(Ready())
    code = 0
    try:
        with signals.listening():
            while True:
                _run(jobs.get(), send)
    except signals.Stopped:
        send(Stopped())
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


def _run(job: Job, send: Callable[[Message], None]) -> None:
    from slmr.pipeline.recipe import stages

    _take_device()
    stage = stages()[job.stage]

    def progress(done: int, total: int, unit: str) -> None:
        send(Progress(done=done, total=total, unit=unit))

    context = replace(job.context, rank=int(os.environ.get("RANK", "0")), progress=progress)
    try:
        run_stage(stage, context, stage.params.model_validate(job.params))
    except SlmrError as error:
        send(Failed(error=str(error), is_request=isinstance(error, RequestError)))
        return
    send(Done(stats=context.stats, cost=context.cost, threads=context.threads))
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
