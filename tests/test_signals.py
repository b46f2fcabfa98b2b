"""Ctrl-C and SIGTERM: at once, or when what is under way is saved."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

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


class Discarding:
    """Python discards what is raised in its `__del__`."""

    def __del__(self) -> None:
        send(signal.SIGTERM)
        time.sleep(0.01)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_stop_that_is_lost_in_a_destructor_comes_again() -> None:
    with pytest.raises(signals.Stopped), signals.listening():
        Discarding()
        assert signals.asked()
        time.sleep(20)
        pytest.fail("it went on")


def test_a_stop_that_a_library_swallows_comes_again() -> None:
    with pytest.raises(signals.Stopped), signals.listening():
        with suppress(BaseException):
            send(signal.SIGTERM)
        time.sleep(20)
        pytest.fail("it went on")


def test_after_a_lost_stop_no_work_begins_that_would_defer_it() -> None:
    with pytest.raises(signals.Stopped), signals.listening():
        with suppress(BaseException):
            send(signal.SIGTERM)
        with signals.deferred():
            pytest.fail("it went on")


def test_code_that_cleans_up_after_a_stop_is_not_interrupted() -> None:
    steps = []
    with pytest.raises(signals.Stopped), signals.listening():
        try:
            send(signal.SIGTERM)
        finally:
            with suppress(OSError):
                raise OSError
            time.sleep(1.2)
            steps.append("cleaned up")
    assert steps == ["cleaned up"]


def test_a_stop_that_is_acknowledged_does_not_come_again() -> None:
    with signals.listening():
        with suppress(signals.Stopped):
            send(signal.SIGTERM)
        signals.acknowledge()
        time.sleep(0.7)


def test_no_alarm_is_left_when_listening_ends() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(signals.Stopped), signals.listening():
        send(signal.SIGTERM)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0) and signal.getsignal(signal.SIGALRM) == before


def test_a_deferred_stop_is_announced_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(signals.Stopped), signals.listening("slmr: stopping"), signals.deferred():
        send(signal.SIGTERM)
        assert capfd.readouterr().err == "slmr: stopping\n"
