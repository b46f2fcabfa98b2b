"""lm-eval's check of a finished run: every evaluation of it in one pass, nothing twice, results kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from slmr.errors import WorkError
from slmr.evaluate import lm_eval_pass
from slmr.io import read_json, read_rows, write_rows
from slmr.pipeline import confirmation
from slmr.pipeline.bench import BenchRequest, Plan, make_plan, run_bench
from slmr.pipeline.confirmation import CONFIRMED, confirm
from slmr.pipeline.evaluation import EvalRequest, plan_evaluation
from slmr.pipeline.runner import SilentWatcher
from tests.in_process import slmr
from tests.pipeline.tiny import PROFILE
from tests.tasks.own import own_examples

LAB = EvalRequest("lab-llama", tasks="lab_mawps,lab_math", k=2, limit=4, device="cpu", batch_size="8")


@pytest.fixture
def run(tmp_path: Path) -> Plan:
    plan = plan_evaluation(EvalRequest(**{**vars(LAB), "out": tmp_path}))
    run_bench(plan, SilentWatcher())
    return plan


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of tables that lm-eval was asked for, pass by pass."""
    asked: list[int] = []
    real = confirmation.agreements
    monkeypatch.setattr(
        confirmation, "agreements", lambda pending, n: (asked.append(len(pending)), real(pending, n))[1]
    )
    return asked


def edit(file: Path, change: Callable[[dict], dict]) -> None:
    write_rows(file, [change(row) for row in read_rows(file)])


def test_what_is_confirmed_is_not_checked_again(run: Plan, passes: list[int]) -> None:
    said: list[str] = []
    confirm(run, said.append)
    assert said == [
        "lm-eval checks 16 completions, in a process of its own",
        "lm-eval agrees on 16 of 16 completions: prompt, verdict and mean",
    ]
    confirm(run, said.append)
    assert passes == [2] and said[2:] == ["lm-eval agrees on 16 of 16 completions, as it did before"]
    kept = read_json(run.folder / CONFIRMED)
    assert {entry["completions"] for tables in kept.values() for entry in tables.values()} == {8}


@pytest.mark.parametrize("content", [b"", b"[", b"[]", b'{"a": 3}', b"\xff", None])
def test_a_damaged_record_of_what_was_confirmed_is_said_and_of_no_use(content: bytes | None, tmp_path: Path) -> None:
    said: list[str] = []
    file = tmp_path / CONFIRMED
    if content is not None:
        file.write_bytes(content)
    assert confirmation._read_confirmed(file, said.append) == {}
    assert [line.startswith(f"{file} is damaged") for line in said] == ([] if content is None else [True])


@pytest.mark.parametrize("place", ["samples", "artefacts"])
def test_forged_verdicts_in_a_run_are_named(run: Plan, passes: list[int], place: str) -> None:
    confirm(run, lambda line: None)
    name = "lab_mawps.parquet" if place == "samples" else "samples.parquet"
    (file,) = (run.folder / place).rglob(name)
    wrong = [row for row in read_rows(file) if row["task"] == "lab_mawps" and not row["strict"]]
    edit(file, lambda row: row | {"strict": True, "lenient": True, "status": "correct"})
    with pytest.raises(WorkError, match="All results are kept") as raised:
        confirm(run, lambda line: None)
    assert wrong and all(f"lab_mawps {row['item_id']}" in str(raised.value) for row in wrong)
    with pytest.raises(WorkError):  # what differs is not written down as confirmed
        confirm(run, lambda line: None)
    assert passes[0] == 2 and passes[1] == passes[2] > 0
    assert (run.folder / "summary.json").is_file()


def test_a_bench_is_one_pass_over_all_methods(tmp_path: Path, passes: list[int]) -> None:
    capability = "capability: {tasks: lab_svamp, limit: 8, k: 4}"
    (tmp_path / "tiny.yaml").write_text(PROFILE.format(extra=capability, steps=1))
    plan = make_plan(BenchRequest("base,sft", str(tmp_path / "tiny.yaml"), out=tmp_path / "runs"))
    run_bench(plan, SilentWatcher())
    said: list[str] = []
    confirm(plan, said.append)
    assert passes == [4]  # two methods, each with its evaluation and its capability
    assert said[-1] == "lm-eval agrees on 96 of 96 completions: prompt, verdict and mean"


def test_the_command_shows_its_results_before_a_check_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    own_examples(tmp_path / "tasks")
    words = [
        "eval",
        "lab-llama",
        "--tasks",
        "mine",
        "--tasks-path",
        str(tmp_path / "tasks"),
        "--device",
        "cpu",
        "--out",
        str(tmp_path / "runs"),
    ]
    with monkeypatch.context() as broken:
        broken.setattr(lm_eval_pass.Request, "model_dump_json", lambda self: "{}")
        assert slmr(*words) == 1
    out, err = capfd.readouterr()
    assert "accuracy in percent" in out and "Run " in out
    assert "lm-eval could not check the completions (exit code 1)" in err and "Traceback" not in err
    assert slmr(*words) == 0
    assert "lm-eval agrees on 1 of 1 completions: prompt, verdict and mean" in capfd.readouterr().err
