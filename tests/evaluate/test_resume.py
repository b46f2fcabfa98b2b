"""A killed evaluation ends as one that was never stopped; a changed setting reuses nothing."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from slmr.errors import RequestError, WorkError
from slmr.io import read_rows
from slmr.pipeline.evaluation import EvalRequest
from slmr.results.runs.schema import read_summary
from tests.engines.fake_server import FakeServer, Reply, answer
from tests.in_process import evaluate_model

TINY = EvalRequest("lab-llama", tasks="lab_mawps", limit=12, device="cpu", batch_size="8")


def contents(folder: Path) -> dict[str, str]:
    """The hash of everything that an evaluation is read for; the table of stages tells how long each took."""
    names = ("summary.json", "metrics.json")
    files = [f for f in sorted(folder.rglob("*")) if f.suffix == ".parquet" or f.name in names]
    files = [f for f in files if "stages" not in f.relative_to(folder).parts]
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


@pytest.mark.slow
def test_two_kills_change_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.evaluate.kill_and_resume", str(tmp_path), "2", "0"],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert "killed 2 times" in done.stdout
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole") != {}


def test_the_same_request_reuses_and_another_setting_does_not(tmp_path: Path) -> None:
    def run(**changes: object) -> Path:
        return evaluate_model(EvalRequest(**{**vars(TINY), "out": tmp_path, **changes}))[1]  # type: ignore[arg-type]

    first = run()
    written = (first / "artefacts").stat().st_mtime_ns
    assert run() == first and (first / "artefacts").stat().st_mtime_ns == written
    changed = [
        run(k=2),
        run(temperature=0.5),
        run(seed=1, k=2),
        run(max_tokens=9),
        run(limit=11),
        run(fewshot=1),
        run(dtype="bfloat16"),
        run(batch_size="4"),
    ]
    assert len({first, *changed}) == 9
    for folder in changed:
        assert len(list((folder / "artefacts").glob("evaluate-*"))) == 1


def test_an_evaluation_can_be_read_by_itself(tmp_path: Path) -> None:
    rows, folder = evaluate_model(EvalRequest(**{**vars(TINY), "out": tmp_path, "k": 4}))  # type: ignore[arg-type]
    (row,) = read_summary(folder / "summary.json").rows
    assert row == rows[0]
    assert (row.method, row.method_kind, row.student, row.k, row.n_items) == (
        "eval",
        "model",
        "lab-llama",
        4,
        12,
    )
    assert row.pass_at and list(row.pass_at) == ["1", "2", "4"] and row.maj_at_k
    assert row.pass_at["1"][0] == pytest.approx(row.accuracy)
    assert row.command == "slmr eval lab-llama --tasks lab_mawps --limit 12 --k 4 --device cpu --batch-size 8"
    assert row.engine == "transformers float32" and row.data and row.data.startswith("generated")
    samples = read_rows(folder / "samples" / "eval" / "lab-llama" / "seed-0" / "lab_mawps.parquet")
    assert len(samples) == 48
    assert sum(s["strict"] for s in samples) / 48 == pytest.approx(row.accuracy)
    assert json.loads((folder / "artefacts" / f"evaluate-{row.manifest}" / "stats.json").read_text())["engine"]


def test_fewshot_examples_are_turns_before_the_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[dict[str, str]]] = []
    from slmr.engines import transformers

    real = transformers.encode

    def spying(tokenizer, prompt):  # type: ignore[no-untyped-def]
        seen.append(prompt.messages())
        return real(tokenizer, prompt)

    monkeypatch.setattr(transformers, "encode", spying)
    evaluate_model(EvalRequest(**{**vars(TINY), "out": tmp_path, "fewshot": 2, "limit": 3}))  # type: ignore[arg-type]
    assert [m["role"] for m in seen[-1]] == ["user", "assistant", "user", "assistant", "user"]
    assert "####" in seen[-1][1]["content"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"engine": "vlm"}, "did you mean 'vllm'"),
        ({"engine": "server"}, "needs a server's URL"),
        ({"model": "http://127.0.0.1:9/v1", "engine": "transformers"}, "needs a model on this machine"),
        ({"batch_size": "0"}, "neither auto nor a number"),
        ({"dtype": "float8"}, "unknown dtype"),
        ({"model": "lab-lama"}, "lab-llama"),
    ],
)
def test_what_does_not_fit_is_said_before_any_work(tmp_path: Path, changes: dict[str, str], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        evaluate_model(EvalRequest(**{**vars(TINY), "out": tmp_path, **changes}))  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_a_server_that_fails_in_the_middle_loses_nothing_it_said(tmp_path: Path) -> None:
    """It answers 30 questions, then refuses; the same command asks for the rest alone."""
    broken = True

    def script(number: int, body: dict[str, Any]) -> Reply:
        if broken and number >= 30:
            return Reply({"error": {"message": "out of credit"}}, status=402)
        return Reply(answer(f"#### {len(body['messages'][-1]['content']) % 50}"))

    with FakeServer(script) as server:
        request = EvalRequest(server.url, tasks="lab_mawps,lab_svamp", limit=25, concurrency=3, out=tmp_path)
        with pytest.raises(WorkError, match=r"out of credit.*"):
            evaluate_model(request)
        asked, broken = len(server.bodies), False
        rows, folder = evaluate_model(request)
        # The trial before the start asks too; what was answered is not asked again.
        again = len(server.bodies) - asked
        assert 20 <= again <= 20 + 3 + 16
        undisturbed = evaluate_model(EvalRequest(**{**vars(request), "out": tmp_path / "other"}))[1]
    assert contents(folder) == contents(undisturbed)
    assert [row.n_items for row in rows] == [25, 25]
