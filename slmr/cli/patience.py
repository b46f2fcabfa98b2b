"""Says that a command is at work where its libraries take longer to load than somebody waits without a word."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_SILENCE_S = 1.5
_spoken = threading.Event()


@contextmanager
def loading(command: str) -> Iterator[None]:
    """Within, one line after a second and a half, unless something else was said by then: `spoken`."""
    _spoken.clear()
    waiting = threading.Thread(target=_wait, args=(command,), daemon=True)
    waiting.start()
    try:
        yield
    finally:
        _spoken.set()
        waiting.join()


def spoken() -> None:
    """Somebody has said something, so that the line is needed no more."""
    _spoken.set()


def _wait(command: str) -> None:
    if not _spoken.wait(_SILENCE_S):
        print(f"slmr {command}: loading its libraries", file=sys.__stderr__, flush=True)
