"""The parent side of the symbolic worker: one check at a time, with a deadline that kills.

Workers are processes that this module starts itself and talks to over pipes. No signals, so it works
from any thread, from asyncio, and in forked or daemonic processes.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from typing import Any

DEADLINE_S = 3.0
_START_S = 60.0  # importing sympy on a loaded machine; not part of any check's deadline


class SymbolicTimeout(Exception):
    """The check did not end in time; its worker is gone."""


class SymbolicError(Exception):
    """The worker could not be started, died, or could not read the expressions."""


class _Worker:
    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "slmr.verify.worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )  # fmt: skip
        try:
            self._read(_START_S)
        except (SymbolicTimeout, SymbolicError) as error:
            self.kill()
            raise SymbolicError(f"the symbolic worker did not start: {error}") from None

    def ask(self, request: dict[str, str], deadline_s: float) -> dict[str, Any]:
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise SymbolicError(f"the symbolic worker is gone: {error}") from None
        return self._read(deadline_s)

    def _read(self, deadline_s: float) -> dict[str, Any]:
        assert self._process.stdout
        end = time.monotonic() + deadline_s
        while True:
            left = end - time.monotonic()
            if left <= 0:
                raise SymbolicTimeout(f"no answer within {deadline_s} s")
            ready, _, _ = select.select([self._process.stdout], [], [], left)
            if ready:
                line = self._process.stdout.readline()
                if not line:
                    raise SymbolicError("the symbolic worker died")
                return json.loads(line)

    def kill(self) -> None:
        self._process.kill()
        with contextlib.suppress(OSError):
            self._process.communicate()


class SymbolicPool:
    """Idle workers. A check takes one, or starts one, and gives it back; a timed-out one is killed."""

    def __init__(self) -> None:
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()
        self._owner = os.getpid()

    def equal(self, answer: str, gold: str, deadline_s: float = DEADLINE_S) -> bool:
        """Whether math-verify holds the two for equal.

        Raises:
            SymbolicTimeout: it took longer than the deadline.
            SymbolicError: it could not tell.
        """
        worker = self._take()
        try:
            reply = worker.ask({"gold": gold, "answer": answer}, deadline_s)
        except (SymbolicTimeout, SymbolicError):
            worker.kill()
            raise
        self._give_back(worker)
        if "error" in reply:
            raise SymbolicError(reply["error"])
        return bool(reply["equal"])

    def close(self) -> None:
        """Ends the idle workers."""
        if os.getpid() == self._owner:
            for worker in self._idle:
                worker.kill()
        self._idle = []

    def _take(self) -> _Worker:
        with self._lock:
            if os.getpid() != self._owner:  # a forked child must not share its parent's pipes
                self._idle, self._owner = [], os.getpid()
            if self._idle:
                return self._idle.pop()
        return _Worker()

    def _give_back(self, worker: _Worker) -> None:
        with self._lock:
            if len(self._idle) < (os.cpu_count() or 2):
                self._idle.append(worker)
                return
        worker.kill()


def _new_pool() -> SymbolicPool:
    pool = SymbolicPool()
    atexit.register(pool.close)
    return pool


POOL = _new_pool()


def _replace_after_fork() -> None:
    """A forked child starts with a pool and a lock of its own."""
    global POOL
    POOL = SymbolicPool()
    atexit.register(POOL.close)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_replace_after_fork)
