"""The symbolic worker: same verdict from everywhere, killed when late, replaced, never left behind."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from slmr.verify import verify
from slmr.verify.math import symbolic

# Needs the worker: the exact part cannot decide any of these.
CASES = [
    ("\\boxed{\\cos^2 x + \\sin^2 x}", "1", True),
    ("\\boxed{2\\sin x\\cos x}", "\\sin(2x)", True),
    ("\\boxed{1 - e^{2}\\ln(3)}", "1 + e^{2}\\ln(3)", False),
]
SLOW_GOLD = "\\int_0^\\infty e^{-x^x}\\sin(x^x)dx"
CHILD = "import json, sys; from slmr.verify import verify; print(verify(*json.loads(sys.argv[1])).status)"


def statuses() -> list[str]:
    return [verify(text, gold, "math").status for text, gold, _ in CASES]


EXPECTED = ["correct" if right else "wrong" for _, _, right in CASES]


def _send(queue) -> None:
    queue.put(statuses())


def test_main_thread_worker_thread_and_asyncio_agree():
    assert statuses() == EXPECTED
    with ThreadPoolExecutor(4) as threads:
        assert [f.result() for f in [threads.submit(statuses) for _ in range(4)]] == [EXPECTED] * 4
    assert asyncio.run(asyncio.to_thread(statuses)) == EXPECTED


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_multiprocessing_children_agree(method):
    statuses()  # the pool is warm: a forked child must not use its parent's workers
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    child = context.Process(target=_send, args=(queue,), daemon=True)
    child.start()
    assert queue.get(timeout=60) == EXPECTED
    child.join(20)
    assert statuses() == EXPECTED


def test_a_subprocess_agrees_whatever_its_folder_holds(tmp_path):
    (tmp_path / "json.py").write_text("raise SystemExit('shadowed')")
    command = [sys.executable, "-P", "-c", CHILD, json.dumps([*CASES[0][:2], "math"])]
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "correct", done.stderr


def test_the_threads_of_a_web_server_agree():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(statuses()).encode())

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: json.load(urllib.request.urlopen(url, timeout=60)), range(8)))
        server.shutdown()
    assert answers == [EXPECTED] * 8


def test_more_poison_than_workers_and_the_pool_still_answers(monkeypatch):
    pool = symbolic.SymbolicPool(size=2)
    pool.equal("x", "x", 30)

    def poison(_: int) -> str:
        try:
            return str(pool.equal("10^{10^{10^{10}}}", "42", 0.3))
        except symbolic.SymbolicTimeout:
            return "timeout"

    with ThreadPoolExecutor(5) as threads:
        assert list(threads.map(poison, range(5))) == ["timeout"] * 5
    assert pool.equal("\\cos^2 x + \\sin^2 x", "1")
    assert len(pool.pids()) <= 2
    pool.close()


def test_a_late_check_abstains(monkeypatch):
    monkeypatch.setattr(symbolic.SymbolicPool.equal, "__defaults__", (0.3,))
    verdict = verify("\\boxed{42}", SLOW_GOLD, "math")
    assert verdict.status == "timeout" and verdict.abstained and not verdict.lenient


def test_a_killed_worker_costs_one_abstention_and_is_replaced():
    pool = symbolic.SymbolicPool(size=1)
    pool.equal("x", "x", 30)
    os.kill(pool.pids()[0], signal.SIGKILL)
    with pytest.raises(symbolic.SymbolicError):
        pool.equal("x", "x")
    assert pool.equal("\\cos^2 x + \\sin^2 x", "1")
    pool.close()
    assert pool.pids() == []


def test_a_worker_that_cannot_start_is_an_abstention(monkeypatch):
    symbolic._equal.cache_clear()
    monkeypatch.setattr(symbolic, "POOL", symbolic.SymbolicPool(size=1))
    monkeypatch.setattr(symbolic.sys, "executable", "/nonexistent/python")
    verdict = verify(*CASES[0][:2], "math")
    assert verdict.status == "checker_error" and verdict.abstained and "start" in verdict.reason


PARENT = """
import sys, threading, time
from slmr.verify.math import symbolic
symbolic.POOL.size = 2
symbolic.POOL.equal('x', 'x', 60)
def stuck():
    symbolic.POOL.equal('10^{10^{10^{10}}}', '42', 3)
print(symbolic.POOL.pids()[0], flush=True)
threading.Thread(target=stuck, daemon=True).start()
time.sleep(60)
"""


def test_no_worker_outlives_a_killed_parent():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    worker = int(parent.stdout.readline())
    time.sleep(0.3)
    parent.kill()
    parent.wait()
    end = time.monotonic() + 60
    while _alive(worker) and time.monotonic() < end:
        time.sleep(0.1)
    assert not _alive(worker)


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_importing_needs_nothing_heavy():
    heavy = ("torch", "lm_eval", "sympy", "transformers", "math_verify")
    code = f"import sys, slmr.verify; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_thread_is_left_behind():
    before = threading.active_count()
    statuses()
    assert threading.active_count() == before
