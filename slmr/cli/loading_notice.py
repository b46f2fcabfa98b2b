"""A notice for commands whose libraries take long to load."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_DELAY_S = 1.5
_cancelled = threading.Event()


@contextmanager
def loading_notice(command: str) -> Iterator[None]:
    """Prints a line if the block is still running after a second and a half, unless it is cancelled before."""
    _cancelled.clear()
    thread = threading.Thread(target=_wait_and_print, args=(command,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        _cancelled.set()
        thread.join()


def cancel_loading_notice() -> None:
    """To be called before any other output, which makes the notice needless."""
    _cancelled.set()


def _wait_and_print(command: str) -> None:
    if not _cancelled.wait(_DELAY_S):
        print(f"slmr {command}: loading its libraries", file=sys.__stderr__, flush=True)
