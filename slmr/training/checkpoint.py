"""Checkpoints inside a long stage: a killed run continues from its last one, with the same result as without a stop.

Model, optimizer, schedule and random states are in transformers' own checkpoint, which is loaded without
running code (`weights_only`). The states of our own parts, for each process, are beside it in `slmr.json`. That file
is written last, atomically, and lists the other files with their digests; if they do not match, the checkpoint is
incomplete. All checkpoints are removed when the stage is done.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from slmr import signals
from slmr.artifacts import remove
from slmr.io import read_json, sha256_of, write_json
from slmr.training import parallel

CHECKPOINT_S = 120.0  # seconds between two checkpoints
_OURS = "slmr.json"


class Stateful(Protocol):
    """A part of a run whose state must survive an interruption; the state is JSON."""

    def state(self) -> Any: ...
    def restore(self, state: Any) -> None: ...


class Checkpoints(TrainerCallback):
    """Makes the trainer save regular checkpoints with the state of `parts`; only the newest is kept.

    `updates`: updates per batch of completions. TRL does not save completions that have been sampled but not yet
    trained on, so checkpoints are only made between batches.
    """

    def __init__(self, parts: Mapping[str, Stateful], updates: int = 1) -> None:
        self._parts, self._updates, self._last = parts, updates, time.monotonic()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object) -> None:
        # None at the end of training: a resumed run repeats the last steps, and so sees why it ends.
        ending = control.should_training_stop or state.global_step >= state.max_steps
        between = state.global_step % self._updates == 0
        due = signals.asked() or time.monotonic() - self._last >= CHECKPOINT_S
        if not ending and between and any(parallel.all_gather(due)):
            control.should_save = True

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object) -> None:
        folder = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
        # Gathers all processes' states; afterwards each has written its own files.
        parts = parallel.all_gather({name: part.state() for name, part in self._parts.items()})
        if parallel.is_main_process():
            write_json(folder / _OURS, {"files": _digests(folder), "parts": parts})
            for other in set(folder.parent.glob("checkpoint-*")) - {folder}:
                shutil.rmtree(other)
        self._last = time.monotonic()
        if any(parallel.all_gather(signals.asked())):
            raise signals.Stopped

    def newest(self, folder: Path) -> str | None:
        """Restores the parts from the newest complete checkpoint and returns its path; None without one.

        Incomplete checkpoints of a killed run are removed.
        """
        # All processes use the checkpoint that the first one finds.
        newest = _newest(folder, parallel.world_size()) if parallel.is_main_process() else None
        checkpoint = parallel.all_gather(newest)[0]
        if checkpoint is None:
            return None
        path, parts = checkpoint
        for name, state in parts[parallel.rank()].items():
            self._parts[name].restore(state)
        return path


def _newest(folder: Path, processes: int) -> tuple[str, list[dict[str, Any]]] | None:
    """The newest complete checkpoint and the parts' states in each process; the others are removed."""
    checkpoints = folder.glob("checkpoint-[0-9]*")
    for checkpoint in sorted(checkpoints, key=lambda each: int(each.name.split("-")[1]), reverse=True):
        parts = _whole(checkpoint)
        if parts is not None and len(parts) == processes:
            return str(checkpoint), parts
        remove(checkpoint)
    return None


def _whole(checkpoint: Path) -> list[dict[str, Any]] | None:
    """The parts' states in a checkpoint; None if a file is missing or has changed."""
    try:
        ours = read_json(checkpoint / _OURS)
        return ours["parts"] if ours["files"] == _digests(checkpoint) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _digests(folder: Path) -> dict[str, str]:
    """SHA-256 of the folder's files, except for ours, by their relative paths."""
    files = (file for file in folder.rglob("*") if file.is_file() and not file.name.startswith(_OURS))
    return {file.relative_to(folder).as_posix(): sha256_of(file) for file in files}
