"""Ctrl-C and SIGTERM (which batch systems send before they kill): work in progress is saved, then the command ends."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_RAISE_AGAIN_S = 0.5

# Signals concern the whole process, so their state is global.
_state = {"asked": False, "deferred": False}
_deferral_notice = ""


class Stopped(BaseException):
    """The user or the machine asked the process to end. Only the command line catches this."""


@contextmanager
def listening(deferral_notice: str = "") -> Iterator[None]:
    """Handles both signals: they raise `Stopped`, or set `asked` inside `deferred`. An ignored signal stays ignored.

    `Stopped` is raised again where it was lost, as in a `__del__`: Python discards exceptions there. If the first
    signal is deferred, `deferral_notice` is printed at once.
    """
    global _deferral_notice
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    handled = [number for number, handler in handlers.items() if handler != signal.SIG_IGN]
    on_alarm = signal.getsignal(signal.SIGALRM)
    for number in handled:
        signal.signal(number, _on_signal)
    _deferral_notice = deferral_notice
    try:
        yield
    finally:
        if _state["asked"]:
            acknowledge()
            signal.signal(signal.SIGALRM, on_alarm)
        for number in handled:
            signal.signal(number, handlers[number])
        _state["asked"] = False


@contextmanager
def deferred() -> Iterator[None]:
    """Defers the first signal: the code inside checks `asked`, saves its work and returns; then `Stopped` is raised."""
    if _state["asked"]:  # it was lost, and would come again in the middle of the work
        raise Stopped
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


def acknowledge() -> None:
    """Ends the repetition of `Stopped`, for code inside `listening` that has caught it."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def end_at_once() -> None:
    """Lets a further signal end the process without a message: the command has already said that it stops."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: os._exit(1))


def _on_signal(number: int, frame: FrameType | None) -> None:
    again, _state["asked"] = _state["asked"], True
    if _state["deferred"] and not again:
        if _deferral_notice:
            with suppress(OSError):  # not by print, in the middle of which the signal may have come
                os.write(2, f"{_deferral_notice}\n".encode())
        return
    signal.signal(signal.SIGALRM, _raise_again)
    signal.setitimer(signal.ITIMER_REAL, _RAISE_AGAIN_S, _RAISE_AGAIN_S)
    raise Stopped


def _raise_again(number: int, frame: FrameType | None) -> None:
    """Raises `Stopped` unless it is on its way, which is when clean-up code that it runs may take its time."""
    error = sys.exception()  # the one that the interrupted code is handling
    while error is not None:
        if isinstance(error, Stopped):
            return
        error = error.__context__
    raise Stopped
