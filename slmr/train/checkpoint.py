"""Checkpoints inside a long stage: a killed run goes on where its last one was, and ends as if it never stopped.

Model, optimizer, schedule and random states are transformers' own checkpoint, which it reads back without
running code (`weights_only`). What our own parts remember is beside them. All of it goes when the stage is done.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from slmr.store import write_json

CHECKPOINT_S = 120.0  # seconds between two checkpoints
_OURS = "slmr.json"  # written last: a checkpoint without it is not whole


class Stateful(Protocol):
    """A part of a run that has to remember something over a stop."""

    def state(self) -> Any: ...
    def restore(self, state: Any) -> None: ...


class Checkpoints(TrainerCallback):
    """Has the trainer keep a checkpoint from time to time, with the state of `parts` in it."""

    def __init__(self, parts: Mapping[str, Stateful]) -> None:
        self._parts, self._last = parts, time.monotonic()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        if time.monotonic() - self._last >= CHECKPOINT_S and state.global_step < state.max_steps:
            control.should_save = True

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        folder = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
        partial = folder / f"{_OURS}.partial"
        write_json(partial, {name: part.state() for name, part in self._parts.items()})
        partial.replace(folder / _OURS)
        for older in set(folder.parent.glob("checkpoint-*")) - {folder}:
            shutil.rmtree(older)
        self._last = time.monotonic()

    def newest(self, folder: Path) -> str | None:
        """The newest whole checkpoint in the folder, with the parts set to where they were; None without one."""
        whole = [file.parent for file in folder.glob(f"checkpoint-*/{_OURS}")]
        if not whole:
            return None
        newest = max(whole, key=lambda place: int(place.name.split("-")[1]))
        for name, state in json.loads((newest / _OURS).read_text(encoding="utf-8")).items():
            self._parts[name].restore(state)
        return str(newest)
