"""The symbolic worker's protocol: JSON lines in, JSON lines out, an end with its input."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def worker() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "slmr.verify.math.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin and process.stdout
    assert json.loads(process.stdout.readline()) == {"ready": True}
    yield process
    process.stdin.close()
    assert process.wait(60) == 0


def ask(worker: subprocess.Popen[str], answer: str, gold: str) -> dict[str, object]:
    assert worker.stdin and worker.stdout
    worker.stdin.write(json.dumps({"gold": gold, "answer": answer, "deadline_s": 60, "wall_s": 60}) + "\n")
    worker.stdin.flush()
    return json.loads(worker.stdout.readline())


@pytest.mark.parametrize(
    ("answer", "gold", "equal"),
    [
        (r"\frac{2}{4}", "0.5", True),
        (r"\sin^2 x + \cos^2 x", "1", True),
        ("x + 1", "x + 2", False),
        ("3.14159265358979", r"\pi", False),  # equal in fifteen digits is not equal
        ("", "1", False),
    ],
)
def test_a_reply_a_request(worker: subprocess.Popen[str], answer: str, gold: str, equal: bool) -> None:
    assert ask(worker, answer, gold) == {"equal": equal}


def test_gold_that_cannot_be_read_is_an_error_and_the_worker_goes_on(worker: subprocess.Popen[str]) -> None:
    assert "error" in ask(worker, "1", "")
    assert ask(worker, "1", "1") == {"equal": True}
