"""Ctrl-C, and SIGTERM as a batch system sends it before it kills: what is under way is saved, then the command ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# A signal is one thing of the whole process, so its state is, too.
_state = {"asked": False, "deferred": False}


class Stopped(BaseException):
    """The user, or the machine, wants this to end. Nobody but the command line catches it."""


@contextmanager
def listening() -> Iterator[None]:
    """Within, both signals stop what runs, or ask for it inside of `deferred`. One that is ignored stays so."""
    known = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    heeded = [number for number, handler in known.items() if handler != signal.SIG_IGN]
    for number in heeded:
        signal.signal(number, _heard)
    try:
        yield
    finally:
        for number in heeded:
            signal.signal(number, known[number])
        _state["asked"] = False


@contextmanager
def deferred() -> Iterator[None]:
    """Within, the first signal waits for somebody who looks at `asked`, saves, and raises `Stopped`."""
    _state["deferred"] = True
    try:
        yield
    finally:
        _state["deferred"] = False
    if _state["asked"]:
        raise Stopped


def asked() -> bool:
    """Whether the process shall stop when it has saved what it is at."""
    return _state["asked"]


def end_at_once() -> None:
    """From now on a further signal ends the process without a word: it has said already that it stops."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: os._exit(1))


def _heard(number: int, frame: FrameType | None) -> None:
    again, _state["asked"] = _state["asked"], True
    if again or not _state["deferred"]:
        raise Stopped
