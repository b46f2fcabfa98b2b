"""The parent side of the symbolic worker: one check at a time, with a deadline that kills.

Workers are processes that this module starts itself and talks to over pipes. No signals here, so it works
from any thread, from asyncio, and in forked or daemonic processes. Nothing is retried.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import json
import os
import re
import selectors
import signal
import subprocess
import sys
import threading
import time
from functools import lru_cache
from typing import Any

from slmr.verify.math.spelling import normalise

DEADLINE_S = 2.0  # of computing, as the worker's processor time counts
_WALL = 30  # times as long a worker may take by the clock, where others hold the processor
_START_S = 120.0  # importing sympy on a loaded machine; not part of any check's deadline


class SymbolicTimeout(Exception):
    """The check did not end in time; its worker is gone."""


class SymbolicStalled(SymbolicTimeout):
    """The worker did not get to compute in time: asked again, it may answer."""


class SymbolicError(Exception):
    """The worker could not be started, died, or could not read the expressions."""


class _Worker:
    def __init__(self) -> None:
        path = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)
        try:
            self._process = subprocess.Popen(
                # -P: a file in the user's folder must not shadow a module of the worker.
                [sys.executable, "-P", "-m", "slmr.verify.math.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": path},
                start_new_session=True,
            )
        except OSError as error:
            raise SymbolicError(f"the symbolic worker did not start: {error}") from None
        self.ready = False

    def ask(self, gold: str, answer: str, deadline_s: float) -> dict[str, Any]:
        """The worker's reply; its start-up does not count against the deadline."""
        request = {"gold": gold, "answer": answer, "deadline_s": deadline_s, "wall_s": _WALL * deadline_s}
        if not self.ready:
            self._read(_START_S)
            self.ready = True
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise SymbolicError(f"the symbolic worker is gone: {error}") from None
        return self._read(request["wall_s"], deadline_s)

    def _read(self, wall_s: float, deadline_s: float = DEADLINE_S) -> dict[str, Any]:
        """One line of JSON. Bytes are read as they come, so half a line cannot block beyond the limit."""
        assert self._process.stdout
        pipe, line, end = self._process.stdout.fileno(), b"", time.monotonic() + wall_s
        with selectors.DefaultSelector() as selector:  # not select(): it fails above 1,024 open files
            selector.register(pipe, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                left = end - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise SymbolicStalled(f"no answer within {wall_s:g} s by the clock")
                chunk = os.read(pipe, 65_536)
                if not chunk and self._process.wait() == -signal.SIGPROF:
                    raise SymbolicTimeout(f"no answer within {deadline_s:g} s")
                if not chunk:
                    raise SymbolicError(_why_it_died())
                line += chunk
        return json.loads(line)

    def kill(self) -> None:
        self._process.kill()
        with contextlib.suppress(OSError):
            self._process.communicate()


def _why_it_died() -> str:
    """In words; a light environment may lack what the worker computes with."""
    if importlib.util.find_spec("math_verify") is None:
        return "math-verify is not installed: pip install math-verify"
    return "the symbolic worker died"


class SymbolicPool:
    """Up to `size` workers, started when first needed. A worker that fails or is late is killed and replaced."""

    def __init__(self, size: int | None = None) -> None:
        self.size = size or min(8, os.cpu_count() or 2)
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(self.size)
        self._owner = os.getpid()

    def equal(self, answer: str, gold: str, deadline_s: float = DEADLINE_S) -> bool:
        """Whether math-verify holds the two for equal. Waiting for a worker or for the processor is not part of the
        deadline.

        Raises:
            SymbolicTimeout: it took longer than the deadline.
            SymbolicError: it could not tell.
        """
        with self._free:
            worker = self._take()
            try:
                reply = worker.ask(gold, answer, deadline_s)
            except BaseException:
                worker.kill()
                self._replace()
                raise
            with self._lock:
                self._idle.append(worker)
        if "error" in reply:
            raise SymbolicError(reply["error"])
        return bool(reply["equal"])

    def warm(self) -> None:
        """Starts a worker, so that the first check does not wait for its imports."""
        if not self._idle:
            self._replace()

    def _replace(self) -> None:
        """Starts a worker that gets ready while nobody waits for it; one that cannot start is tried again later."""
        with contextlib.suppress(SymbolicError):
            worker = _Worker()
            with self._lock:
                self._idle.append(worker)

    def close(self) -> None:
        """Ends the idle workers."""
        with self._lock:
            idle, self._idle = self._idle, []
        if os.getpid() == self._owner:
            for worker in idle:
                worker.kill()

    def pids(self) -> list[int]:
        """The idle workers' process ids."""
        with self._lock:
            return [worker._process.pid for worker in self._idle]

    def _take(self) -> _Worker:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return _Worker()


def _new_pool() -> SymbolicPool:
    pool = SymbolicPool()
    atexit.register(pool.close)
    return pool


POOL = _new_pool()


def equal(answer: str, gold: str) -> bool:
    """`POOL.equal` on the two texts in one spelling. Rollouts of one problem repeat answers: verdicts are kept.

    Raises:
        SymbolicTimeout: it took longer than the deadline, now or when it was first asked.
        SymbolicError: it could not tell.
    """
    verdict = _equal(_latex(answer), _latex(gold))
    if isinstance(verdict, SymbolicTimeout):
        raise SymbolicTimeout(*verdict.args)
    return verdict


@lru_cache(maxsize=8192)
def _equal(answer: str, gold: str) -> bool | SymbolicTimeout:
    """A verdict to keep: a check that computed for too long would do so again."""
    try:
        return POOL.equal(answer, gold)
    except SymbolicStalled:
        raise
    except SymbolicTimeout as error:
        return error


def _latex(text: str) -> str:
    plain = re.sub(r"(\d+(?:\.\d+)?)°", r"(\\frac{\1\\pi}{180})", normalise(text))
    for own, latex in (
        ("⟦", "\\begin{pmatrix}"),
        ("⟧", "\\end{pmatrix}"),
        ("¦", "\\\\"),
        ("<=", "\\leq "),
        (">=", "\\geq "),
        ("≠", "\\neq "),
    ):
        plain = plain.replace(own, latex)
    return re.sub(r"(?<![\\a-z])(floor|ceil|gcd|lcm|min|max)(?=\()", r"\\\1", plain)


def _replace_after_fork() -> None:
    """A forked child must not share its parent's pipes, nor a lock that some thread held."""
    global POOL
    POOL = _new_pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_replace_after_fork)
