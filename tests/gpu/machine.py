"""The machine that the checks of tests/gpu run on: its commands, its time, its memory, what it is."""

from __future__ import annotations

import math
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Failed(Exception):
    """A check did not show what it should; the message is one line."""


@dataclass
class Memory:
    """`most_gib` is the most of the GPU's memory that was taken, by whomever; None where nvidia-smi is not there."""

    most_gib: float | None = None


class Machine:
    """Runs commands of this checkout in a folder, until a time; `small` is on the CPU and on little data."""

    def __init__(self, place: Path, small: bool) -> None:
        self.place, self.small = place, small
        self.until = math.inf
        self.device = "cpu" if small else "cuda"

    def pick(self, small: int, whole: int) -> int:
        """A size: of the dry run, or of the whole one."""
        return small if self.small else whole

    def slmr(self, *arguments: str, **environment: str) -> str:
        """Standard output of `slmr` with these arguments.

        Raises:
            Failed: its exit code is not 0, or the time is over.
        """
        command = [sys.executable, "-m", "slmr.cli", *arguments]
        process = subprocess.Popen(
            command,
            cwd=self.place,
            env=self.environment(**environment),
            text=True,
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            said, faults = process.communicate(timeout=self.remaining())
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise Failed(f"slmr {' '.join(arguments)}: not finished when the time was over") from None
        if process.returncode:
            last = (faults.strip().splitlines() or ["nothing"])[-1]
            raise Failed(f"slmr {' '.join(arguments)}: exit code {process.returncode}: {last}")
        return said

    def remaining(self) -> float | None:
        """Seconds until the time is over; None where it never is."""
        return None if math.isinf(self.until) else max(1.0, self.until - time.monotonic())

    def environment(self, **more: str) -> dict[str, str]:
        here = {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'leaderboard'}", "HF_HUB_OFFLINE": "1"}
        hidden = {"CUDA_VISIBLE_DEVICES": ""} if self.small else {}
        return {**os.environ, **here, **hidden, **more}

    @contextmanager
    def memory_watched(self) -> Iterator[Memory]:
        """The GPU's memory, looked at twice a second."""
        memory, ended = Memory(), threading.Event()

        def watch() -> None:
            while not ended.wait(0.5):
                if (taken := _taken_gib()) is None:
                    return
                memory.most_gib = max(taken, memory.most_gib or 0.0)

        thread = threading.Thread(target=watch, daemon=True)
        if not self.small:
            thread.start()
        try:
            yield memory
        finally:
            ended.set()


def _taken_gib() -> float | None:
    query = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "--id=0"]
    try:
        return float(subprocess.run(query, capture_output=True, text=True, check=True).stdout) / 1024
    except (OSError, subprocess.CalledProcessError, ValueError):
        return None


def gpus() -> int:
    import torch

    return torch.cuda.device_count()


def describe(small: bool) -> str:
    """What the table was measured on: the day, the device, the versions."""
    import torch

    from slmr.artifacts import installed_version

    names = ("torch", "transformers", "trl", "vllm")
    versions = ", ".join(f"{name} {installed_version(name) or 'not installed'}" for name in names)
    device = "a dry run on a CPU" if small else torch.cuda.get_device_name(0)
    return f"{date.today().isoformat()}, {device}, Python {platform.python_version()}, {versions}"
