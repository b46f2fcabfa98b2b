"""Ctrl-C and SIGTERM (which batch systems send before they kill): work in progress is saved, then the command ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# Signals concern the whole process, so their state is global.
_state = {"asked": False, "deferred": False}


class Stopped(BaseException):
    """The user or the machine asked the process to end. Only the command line catches this."""


@contextmanager
def listening() -> Iterator[None]:
    """Handles both signals: they raise `Stopped`, or set `asked` inside `deferred`. An ignored signal stays ignored."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    handled = [number for number, handler in handlers.items() if handler != signal.SIG_IGN]
    for number in handled:
        signal.signal(number, _on_signal)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, handlers[number])
        _state["asked"] = False


@contextmanager
def deferred() -> Iterator[None]:
    """Defers the first signal: the code inside checks `asked`, saves its work and returns; then `Stopped` is raised."""
    _state["deferred"] = True
    try:
        yield
    finally:
        _state["deferred"] = False
    if _state["asked"]:
        raise Stopped


def asked() -> bool:
    """Whether the process was asked to save its work and stop."""
    return _state["asked"]


def end_at_once() -> None:
    """Lets a further signal end the process without a message: the command has already said that it stops."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: os._exit(1))


def _on_signal(number: int, frame: FrameType | None) -> None:
    again, _state["asked"] = _state["asked"], True
    if again or not _state["deferred"]:
        raise Stopped
