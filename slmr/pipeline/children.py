"""Worker processes of this machine, as their parent sees them: started, given a stage, followed, stopped, ended."""

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

LOOK_S = 0.2  # between looks at whether a signal has come
GRACE_S = 20.0  # for others to save and say what happened to them, when one has ended
_LAST_LINES = 3  # of its log, where a process said nothing

Message = dict[str, Any]


class Child:
    """A process of `slmr.pipeline.worker`; a thread reads what it sends, so that it never waits to be read."""

    def __init__(self, log: Path, environment: Mapping[str, str]) -> None:
        self._log = log
        with log.open("wb") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "slmr.pipeline.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=stderr, env=os.environ | environment, start_new_session=True,  # Ctrl-C goes to the parent
            )  # fmt: skip
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
        """Until it has loaded its libraries, has ended, or is to stop."""
        while not self._ready.wait(LOOK_S) and not stopping():
            pass

    def send(self, job: Job, listener: Callable[[Message], None]) -> None:
        """Gives it a stage to run; what it says of that, or that it has ended, goes to the listener."""
        assert self._process.stdin is not None
        self._listener = listener
        try:
            self._process.stdin.write(job.model_dump_json().encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:  # it has ended: nobody reads on, and its end was said to the last listener
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
                with suppress(BrokenPipeError):  # it had not read all that it was sent
                    pipe.close()

    def why_it_ended(self, code: int) -> str:
        """In a line: the signal or the exit code, and the end of its log."""
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        hint = " (out of memory?)" if code == -signal.SIGKILL else ""
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-_LAST_LINES:]
        return f"{how}{hint}{': ' if lines else ''}{' / '.join(lines)}"


def run_in(
    children: Sequence[Child], stage: Stage, context: StageContext, params: Params,
    stopping: Callable[[], bool] = signals.asked,
) -> None:  # fmt: skip
    """Runs a stage in processes, the same in each; the context is then as if it had run here.

    Raises:
        RequestError, WorkError: what a process raised, or how it ended.
        Stopped: they were asked to stop.
    """
    messages: SimpleQueue[tuple[int, Message]] = SimpleQueue()
    job = Job.of(stage, context, params)
    for i, child in enumerate(children):
        child.send(job, lambda message, i=i: messages.put((i, message)))
    ends: dict[int, Message] = {}  # in the order of time: the first to fail is what failed
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
            early = (
                stop_sent and message.get("exited") == -signal.SIGTERM
            )  # it had not begun to listen to signals
            ends[i] = {"stopped": True} if early else message
            since_fault = since_fault or (None if "done" in message else Stopwatch())
    done = _outcome(children, ends, f"stage {stage.name}")
    context.stats |= done.stats
    context.cost += done.cost
    context.threads = done.threads


def _outcome(children: Sequence[Child], ends: Mapping[int, Message], name: str) -> Done:
    """What the first process made; raises as `run_in` does."""
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
