"""Many cases at once: identical verdicts from 64 threads, and good answers after a flood of poison."""

from __future__ import annotations

import asyncio
import multiprocessing
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from slmr.verify import verify, verify_batch
from slmr.verify.math import symbolic
from tests.verify.golden import cases

MIXED = [case for _ in range(5) for case in cases()][:1000]
POISON = ("\\int_0^\\infty e^{-x^x}\\sin(x^x)dx", "\\sum_{k=1}^{\\infty}\\frac{\\sin(k^k)}{k^k}")


def said(case: tuple[str, str, str]) -> tuple[str, bool, str | None]:
    kind, completion, gold = case
    verdict = verify(completion, gold, kind)  # type: ignore[arg-type]
    return verdict.status, verdict.strict, verdict.extracted


def test_64_threads_and_a_batch_say_what_one_says():
    alone = [said(case) for case in MIXED]
    with ThreadPoolExecutor(64) as threads:
        assert list(threads.map(said, MIXED)) == alone
    kinds, completions, golds = zip(*MIXED, strict=True)
    batch = verify_batch(completions, golds, kinds)
    assert [(v.status, v.strict, v.extracted) for v in batch] == alone


def all_said(_: object = None) -> list[tuple[str, bool, str | None]]:
    return [said(case) for case in MIXED]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_say_the_same(method):
    alone = all_said()
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as processes:
        assert list(processes.map(all_said, range(2))) == [alone] * 2


def test_asyncio_and_a_subprocess_say_the_same():
    alone = all_said()

    async def both() -> list[list[tuple[str, bool, str | None]]]:
        return await asyncio.gather(asyncio.to_thread(all_said), asyncio.to_thread(all_said))

    assert asyncio.run(both()) == [alone] * 2
    code = "from tests.verify.test_load import all_said; print(all_said())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(alone)


@pytest.mark.slow
def test_actors_of_ray_say_the_same():
    ray = pytest.importorskip("ray")
    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:

        class Judge:
            def judge(self, cases: list[tuple[str, str, str]]) -> list[tuple[str, bool, str | None]]:
                verdicts = [verify(completion, gold, kind) for kind, completion, gold in cases]  # type: ignore[arg-type]
                return [(v.status, v.strict, v.extracted) for v in verdicts]

        actors = [ray.remote(Judge).remote() for _ in range(2)]
        assert ray.get([actor.judge.remote(MIXED) for actor in actors], timeout=120) == [all_said()] * 2
    finally:
        ray.shutdown()


@pytest.mark.slow
def test_after_24_poisoned_cases_1000_good_ones_are_answered(monkeypatch):
    monkeypatch.setattr(symbolic.SymbolicPool.equal, "__defaults__", (0.1,))
    poison = [(f"\\boxed{{{number}.5}}", POISON[number % 2]) for number in range(24)]
    verdicts = verify_batch(*map(list, zip(*poison, strict=True)), "math")
    assert sum(v.abstained for v in verdicts) > 12 and not any(v.lenient for v in verdicts)
    monkeypatch.undo()
    good = verify_batch(
        ["\\boxed{\\cos^2 x + \\sin^2 x}"] * 500 + ["\\boxed{2/4}"] * 500, ["1"] * 500 + ["0.5"] * 500, "math"
    )
    assert all(v.strict for v in good)
    assert len(symbolic.POOL.pids()) <= symbolic.POOL.size
    symbolic.POOL.close()
    assert symbolic.POOL.pids() == []


SHALLOW = "import sys; from tests.verify.test_load import all_said; sys.setrecursionlimit(200); print(all_said())"
DEEP = """
from tests.verify.test_load import all_said

def within(frames):
    return within(frames - 1) if frames else all_said()

print(within(800))
"""
SMALL = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
from tests.verify.test_load import all_said
print(all_said())
"""


@pytest.mark.parametrize("code", [SHALLOW, DEEP], ids=["a recursion limit of 200", "a host 800 frames deep"])
def test_few_frames_are_enough(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(all_said())


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv, to be somebody who may raise no limit")
def test_a_hard_memory_limit_of_a_gibibyte_is_enough():
    command = ["setpriv", "--bounding-set=-sys_resource", "--", sys.executable, "-c", SMALL]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode and "setpriv" in done.stderr:
        pytest.skip(done.stderr)
    assert done.stdout.strip() == str(all_said()), done.stderr


def test_nested_brackets_need_no_recursion():
    nested = "(" * 22 + "x+1" + ")" * 22
    assert verify(f"\\boxed{{{nested}}}", "x+1", "math").strict
    assert verify("\\boxed{5" + "!" * 900 + "}", "5", "math").status == "wrong"
