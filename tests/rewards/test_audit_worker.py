"""The process that runs somebody's function: its protocol, in each way to run."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from slmr.rewards.audit_worker import AuditJob, Begun, Called, Finished, How, Judged, read_message

FILE = """
import asyncio
async def f(completion, answer, state):
    print("noise")
    await asyncio.sleep(0)
    return {"paid": completion[0]["content"] == answer}
"""


@pytest.mark.parametrize("how", ["main thread", "threads", "event loop", "processes"])
def test_every_case_is_begun_and_judged(tmp_path: Path, how: How) -> None:
    file = tmp_path / "mine.py"
    file.write_text(FILE)
    cases = [(i, str(i % 2), "1") for i in range(9)]
    job = AuditJob(f"{file}:f", how, None, None, None, "paid", cases)
    done = subprocess.run(
        [sys.executable, "-m", "slmr.rewards.audit_worker"],
        input=json.dumps(asdict(job)) + "\n",
        capture_output=True,
        text=True,
        check=True,
    )
    first, *messages, last = map(read_message, done.stdout.splitlines())
    assert first == Called(style="verifiers", not_taken=[]) and last == Finished()
    assert {m.case: m.score for m in messages if isinstance(m, Judged)} == {i: float(i % 2) for i in range(9)}
    assert {m.case for m in messages if isinstance(m, Begun)} == set(range(9)) and "noise" in done.stderr
