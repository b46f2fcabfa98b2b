"""The process that runs somebody's function: its protocol, in each way to run."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from slmr.rewards.audit_worker import AuditJob, How

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
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[0] == {"style": "verifiers", "not_taken": []} and lines[-1] == {"end": True}
    judged = {line["judged"]: line["score"] for line in lines if "judged" in line}
    assert judged == {i: float(i % 2) for i in range(9)}
    assert {line["begun"] for line in lines if "begun" in line} == set(range(9)) and "noise" in done.stderr
