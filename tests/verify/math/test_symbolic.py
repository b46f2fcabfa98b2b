"""The pool of symbolic workers: started when needed, killed when late, replaced."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from slmr.verify.math.symbolic import SymbolicPool, SymbolicStalled, SymbolicTimeout, equal


@pytest.fixture
def pool() -> Iterator[SymbolicPool]:
    pool = SymbolicPool(1)
    yield pool
    pool.close()


def alive(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}")


def test_a_worker_is_started_when_it_is_needed_and_used_again(pool: SymbolicPool) -> None:
    assert pool.pids() == []
    assert pool.equal(r"\frac{2}{4}", "0.5")
    (pid,) = pool.pids()
    assert not pool.equal("x", "y") and pool.pids() == [pid]
    pool.close()
    assert pool.pids() == [] and not alive(pid)


def test_a_late_worker_is_killed_and_the_next_check_has_another(pool: SymbolicPool) -> None:
    pool.warm()
    (late,) = pool.pids()
    with pytest.raises(SymbolicTimeout):
        pool.equal("x", "x", deadline_s=0.0)
    assert pool.equal("x", "x")
    assert pool.pids() != [late]


def test_a_check_that_computes_for_too_long_is_late(pool: SymbolicPool) -> None:
    with pytest.raises(SymbolicTimeout, match=r"within 0\.2 s") as late:
        pool.equal(r"\int_0^\infty e^{-x^x}\sin(x^x)dx", "1", deadline_s=0.2)
    assert not isinstance(late.value, SymbolicStalled)
    assert pool.equal("x", "x")


def test_a_worker_that_waits_for_the_processor_is_not_late(pool: SymbolicPool) -> None:
    pool.warm()
    pool.equal("x", "x")
    (pid,) = pool.pids()
    os.kill(pid, signal.SIGSTOP)
    threading.Timer(1.0, os.kill, (pid, signal.SIGCONT)).start()
    assert pool.equal(r"\sin^2 x + \cos^2 x", "1", deadline_s=0.8)
    assert pool.pids() == [pid]


def test_a_worker_that_never_gets_the_processor_is_replaced(pool: SymbolicPool) -> None:
    pool.equal("x", "x")
    (pid,) = pool.pids()
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(SymbolicStalled):
        pool.equal("x", "x", deadline_s=0.02)
    assert pool.equal("x", "x") and pool.pids() != [pid]


def test_two_spellings_are_one_question() -> None:
    assert equal(r"\dfrac{2}{4}", "0.5") and equal(r"\tfrac{2}{4}", "0.5")
