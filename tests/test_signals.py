"""Ctrl-C and SIGTERM: at once, or when what is under way is saved."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from slmr import signals


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_at_once(number: int) -> None:
    with pytest.raises(signals.Stopped), signals.listening():
        send(number)
    assert not signals.asked()


def test_deferred_the_first_waits_and_the_block_ends_in_a_stop() -> None:
    steps = []
    with pytest.raises(signals.Stopped), signals.listening(), signals.deferred():
        send(signal.SIGTERM)
        steps.append(signals.asked())
    assert steps == [True] and not signals.asked()


def test_deferred_the_second_stops_at_once() -> None:
    with signals.listening():
        with pytest.raises(signals.Stopped), signals.deferred():
            send(signal.SIGTERM)
            send(signal.SIGTERM)
            pytest.fail("it went on")
        with pytest.raises(signals.Stopped):
            send(signal.SIGINT)  # deferred no longer


def test_nothing_asked_nothing_raised_and_the_handlers_are_back() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with signals.listening(), signals.deferred():
        assert not signals.asked()
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    """As in the background of a shell, or under nohup."""
    script = (
        "import os, signal; from slmr import signals\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "with signals.listening():\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    print('goes on')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "goes on\n", done.stderr
