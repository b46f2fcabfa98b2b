"""The parent's side of worker processes on this machine: starts them, sends stages, follows and stops them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from slmr import signals
from slmr.config import Params
from slmr.errors import RequestError, WorkError
from slmr.io import Stopwatch
from slmr.pipeline.worker import Done, Job
from slmr.stage import Stage, StageContext

LOOK_S = 0.2  # interval of checking for a signal
GRACE_S = 20.0  # for the other processes to save and report, after one has failed
_LAST_LINES = 3  # lines of a process's log that are shown if it ended without a message

Message = dict[str, Any]


class Child:
    """A process of `slmr.pipeline.worker`; a thread reads its messages, so that it never blocks on a full pipe."""

    def __init__(self, log: Path, environment: Mapping[str, str]) -> None:
        self._log = log
        with log.open("wb") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "slmr.pipeline.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=os.environ | environment,
                start_new_session=True,  # Ctrl-C goes to the parent
            )
        self._listener: Callable[[Message], None] = lambda message: None
        self._ready = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message = json.loads(line)
            if "ready" in message:
                self._ready.set()
            else:
                self._listener(message)
        self._ready.set()
        self._listener({"exited": self._process.wait()})

    def wait_until_ready(self, stopping: Callable[[], bool]) -> None:
        """Waits until the process has loaded its libraries or has ended, or `stopping` is true."""
        while not self._ready.wait(LOOK_S) and not stopping():
            pass

    def send(self, job: Job, listener: Callable[[Message], None]) -> None:
        """Sends a stage to run; the listener gets the process's messages and the notice of its end."""
        assert self._process.stdin is not None
        self._listener = listener
        try:
            self._process.stdin.write(job.model_dump_json().encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:  # the process has ended, which was reported to the previous listener only
            listener({"exited": self._process.wait()})

    def ask_to_stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with suppress(BrokenPipeError):  # the process had not read all of its input
                    pipe.close()

    def why_it_ended(self, code: int) -> str:
        """One line: the signal or the exit code, and the end of the log."""
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        hint = " (out of memory?)" if code == -signal.SIGKILL else ""
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-_LAST_LINES:]
        return f"{how}{hint}{': ' if lines else ''}{' / '.join(lines)}"


def run_in(
    children: Sequence[Child],
    stage: Stage,
    context: StageContext,
    params: Params,
    stopping: Callable[[], bool] = signals.asked,
) -> None:
    """Runs the same stage in each process, and updates the context as if it had run in this one.

    Raises:
        RequestError, WorkError: raised by a process, or because it ended early.
        Stopped: the processes were asked to stop.
    """
    messages: SimpleQueue[tuple[int, Message]] = SimpleQueue()
    job = Job(stage=stage.name, params=params.model_dump(mode="json"), context=context)
    for i, child in enumerate(children):
        child.send(job, lambda message, i=i: messages.put((i, message)))
    ends: dict[int, Message] = {}  # in order of time: the first failure is the cause
    stop_sent, since_fault = False, None
    while len(ends) < len(children) and not (since_fault and since_fault.seconds > GRACE_S):
        if stopping() and not stop_sent:
            stop_sent = True
            for child in children:
                child.ask_to_stop()
        try:
            i, message = messages.get(timeout=LOOK_S)
        except Empty:
            continue
        if "progress" in message:
            context.progress(*message["progress"])
        elif i not in ends:
            # Terminated by the signal itself: the process had not yet installed its handler.
            early = stop_sent and message.get("exited") == -signal.SIGTERM
            ends[i] = {"stopped": True} if early else message
            since_fault = since_fault or (None if "done" in message else Stopwatch())
    done = _outcome(children, ends, f"stage {stage.name}")
    context.stats, context.cost, context.threads = done.stats, done.cost, done.threads


def _outcome(children: Sequence[Child], ends: Mapping[int, Message], name: str) -> Done:
    """The result of the first process; raises as `run_in` does."""
    for end in ends.values():
        if "failed" in end:
            raise (RequestError if end["request"] else WorkError)(end["failed"])
    for i, end in ends.items():
        if "exited" in end:
            which = "its process" if len(children) == 1 else f"process {i + 1} of {len(children)}"
            raise WorkError(
                f"{name}: {which} {children[i].why_it_ended(end['exited'])}; the same command goes on from the last"
                " checkpoint"
            )
    if any("stopped" in end for end in ends.values()):
        raise signals.Stopped
    return Done.model_validate(ends[0]["done"])
