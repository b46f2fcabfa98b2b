"""The parent's side of worker processes on this machine: starts them, sends stages, follows and stops them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue

from slmr import signals
from slmr.config import Params
from slmr.errors import RequestError, WorkError
from slmr.io import Stopwatch
from slmr.pipeline.messages import Done, Exited, Failed, Job, Message, Progress, Ready, Stopped, read_message
from slmr.stage import Stage, StageContext
from slmr.subprocesses import ChildProcess

LOOK_S = 0.2  # interval of checking for a signal
GRACE_S = 20.0  # for the other processes to save and report, after one has failed


class Child:
    """A process of `slmr.pipeline.worker`."""

    def __init__(self, log: Path, environment: Mapping[str, str]) -> None:
        self._listener: Callable[[Message], None] = lambda message: None
        self._ready = threading.Event()
        self._child = ChildProcess("slmr.pipeline.worker", self._on_line, self._on_end, environment, log)

    def _on_line(self, line: str) -> None:
        message = read_message(line)
        if isinstance(message, Ready):
            self._ready.set()
        else:
            self._listener(message)

    def _on_end(self, code: int) -> None:
        self._ready.set()
        self._listener(Exited(code=code))

    def wait_until_ready(self, stopping: Callable[[], bool]) -> None:
        """Waits until the process has loaded its libraries or has ended, or `stopping` is true."""
        while not self._ready.wait(LOOK_S) and not stopping():
            pass

    def send(self, job: Job, listener: Callable[[Message], None]) -> None:
        """Sends a stage to run; the listener gets the process's messages and the notice of its end."""
        self._listener = listener
        try:
            self._child.send(job.model_dump_json())
        except BrokenPipeError:  # the process has ended, which was reported to the previous listener only
            listener(Exited(code=self._child.wait()))

    def ask_to_stop(self) -> None:
        self._child.terminate()

    def end(self) -> None:
        self._child.end()

    def why_it_ended(self, code: int) -> str:
        """One line: the signal or the exit code, and the end of the log."""
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        hint = " (out of memory?)" if code == -signal.SIGKILL else ""
        log = self._child.end_of_log()
        return f"{how}{hint}{': ' if log else ''}{log}"


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
        if isinstance(message, Progress):
            context.progress(message.done, message.total, message.unit)
        elif i not in ends:
            # Terminated by the signal itself: the process had not yet installed its handler.
            early = stop_sent and message == Exited(code=-signal.SIGTERM)
            ends[i] = Stopped() if early else message
            since_fault = since_fault or (None if isinstance(message, Done) else Stopwatch())
    done = _outcome(children, ends, f"stage {stage.name}")
    context.stats, context.cost, context.threads = done.stats, done.cost, done.threads


def _outcome(children: Sequence[Child], ends: Mapping[int, Message], name: str) -> Done:
    """The result of the first process; raises as `run_in` does."""
    for end in ends.values():
        if isinstance(end, Failed):
            raise (RequestError if end.is_request else WorkError)(end.error)
    for i, end in ends.items():
        if isinstance(end, Exited):
            which = "its process" if len(children) == 1 else f"process {i + 1} of {len(children)}"
            raise WorkError(
                f"{name}: {which} {children[i].why_it_ended(end.code)}; the same command goes on from the last"
                " checkpoint"
            )
    first = ends.get(0)
    if not isinstance(first, Done) or any(isinstance(end, Stopped) for end in ends.values()):
        raise signals.Stopped
    return first
