"""One of the processes that train a stage together: `python -m slmr.pipeline.worker`.

`slmr.pipeline.launcher` starts it, and nobody else. Its standard input is one line of JSON, the `Job`, and then stays
open for as long as the parent lives. Its standard output is for the parent, a JSON object a line; what libraries
print goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, TextIO

from pydantic import BaseModel, ConfigDict

from slmr import signals
from slmr.config import EngineSettings, TrainingSettings
from slmr.errors import RequestError, SlmrError
from slmr.stage import StageContext

_ORPHANED = 3


class Job(BaseModel):
    """What the processes are to do: a stage, its parameters, and all of its context that is not the parent's own.

    `inputs`: name → (place, whether that is a path).
    """

    model_config = ConfigDict(extra="forbid")

    stage: str
    params: dict[str, Any]
    folder: Path
    inputs: dict[str, list[tuple[str, bool]]]
    seed: int
    engine: EngineSettings
    training: TrainingSettings
    tasks_paths: list[Path]
    allowance: int | None
    stats: dict[str, Any]

    def context(self, rank: int, tell: Any) -> StageContext:
        inputs = {
            name: [Path(place) if is_path else place for place, is_path in places]
            for name, places in self.inputs.items()
        }
        return StageContext(
            self.folder, inputs, self.seed, self.engine, lambda *at: tell({"progress": at}), stats=self.stats,
            tasks_paths=self.tasks_paths, allowance=self.allowance, training=self.training, rank=rank,
        )  # fmt: skip


class Channel:
    """To the parent, on what was the standard output; only whole lines are sent."""

    def __init__(self) -> None:
        self._out: TextIO = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def tell(self, said: dict[str, Any]) -> None:
        self._out.write(json.dumps(said) + "\n")
        self._out.flush()


def main() -> None:
    """Trains, and tells the parent what came of it."""
    channel, rank = Channel(), int(os.environ["RANK"])
    job = Job.model_validate_json(sys.stdin.readline())
    threading.Thread(target=_outlive_nobody, daemon=True).start()
    code = 0
    try:
        with signals.listening():
            context = _train(job, rank, channel)
        channel.tell({"done": {"stats": context.stats, "cost": context.cost.model_dump()}})
    except SlmrError as error:
        channel.tell({"failed": str(error), "request": isinstance(error, RequestError)})
    except signals.Stopped:
        channel.tell({"stopped": True})
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stderr.flush()
    os._exit(code)  # an ordinary end could wait for the others, which may wait for this one


def _train(job: Job, rank: int, channel: Channel) -> StageContext:
    from slmr.pipeline.recipe import stages

    _take_device()
    stage = stages()[job.stage]
    context = job.context(rank, channel.tell)
    stage.run(context, stage.params.model_validate(job.params))
    return context


def _take_device() -> None:
    """One GPU a process, before anything is loaded onto the first."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))


def _outlive_nobody() -> None:
    """Ends this process when the parent's end of the pipe is gone, however the parent ended."""
    sys.stdin.read()
    os._exit(_ORPHANED)


if __name__ == "__main__":
    main()
