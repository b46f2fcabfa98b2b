"""Trains a stage in several processes of this machine, as torchrun and `accelerate launch` do.

The parent keeps the store's lock and the display; the processes get a job in JSON and send messages. When one fails,
all end; when the parent is killed, they end, too. torch's elastic launcher cannot do this: it handles no signals in
threads, from which a bench starts trainings, and it does not end the workers of a killed parent.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from slmr import signals
from slmr.artifacts import installed_version
from slmr.config import EngineSettings, Params, TrainingSettings
from slmr.errors import RequestError
from slmr.pipeline.children import Child, run_in
from slmr.stage import Stage, StageContext


def check_training(training: TrainingSettings, engine: EngineSettings) -> None:
    """Checks that this machine can train with these settings.

    Raises:
        RequestError: it has too few GPUs or cores, or lacks what the strategy needs.
    """
    if training.processes == 1:
        return
    from slmr.engines.transformers import pick_device

    device, processes = pick_device(engine.device), training.processes
    if device not in ("cpu", "cuda"):
        raise RequestError(f"training: several processes need a GPU each or the CPU, not device {engine.device}")
    if device == "cuda":
        import torch

        available, what = torch.cuda.device_count(), "GPUs"
    else:
        available, what = os.cpu_count() or 1, "cores"
    if processes > available:
        raise RequestError(f"training: {processes} processes, and this machine has {available} {what}: lower processes")
    if training.strategy != "ddp" and device == "cpu":
        raise RequestError(f"training: strategy {training.strategy} needs GPUs; on a CPU take ddp")
    if training.strategy.startswith("zero") and not installed_version("deepspeed"):
        raise RequestError(f"training: strategy {training.strategy} needs DeepSpeed: pip install deepspeed")


def train_together(stage: Stage, context: StageContext, params: Params) -> None:
    """Runs a training stage in as many processes as the context's settings say; on a signal they save first.

    Raises:
        RequestError, WorkError: raised by a process, or because it ended early.
        Stopped: a signal came.
    """
    with signals.deferred():
        train_in_processes(stage, context, params, {}, signals.asked)


def train_in_processes(
    stage: Stage,
    context: StageContext,
    params: Params,
    environment: Mapping[str, str],
    stopping: Callable[[], bool],
) -> None:
    """As `train_together`, in any thread, with extra environment variables; stops when `stopping` is true."""
    import torch
    from torch.distributed import TCPStore

    count = context.training.processes
    # The processes share the threads of one.
    context.threads = max(1, (context.threads or torch.get_num_threads()) // count)
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    logs = context.trainer_folder
    logs.mkdir(parents=True, exist_ok=True)
    children: list[Child] = []
    try:
        for worker in range(count):
            # As torchrun sets them; the processes find each other through the parent's store.
            variables = {
                "RANK": str(worker),
                "LOCAL_RANK": str(worker),
                "WORLD_SIZE": str(count),
                "LOCAL_WORLD_SIZE": str(count),
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": str(store.port),
                "TORCHELASTIC_USE_AGENT_STORE": "True",
                "OMP_NUM_THREADS": str(context.threads),
            }
            children.append(Child(logs / f"worker-{worker}.log", {**environment, **variables}))
        run_in(children, stage, context, params, stopping)
    finally:
        for child in children:
            child.end()
        del store
