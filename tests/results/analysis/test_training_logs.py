"""Logs of trainings are read as each trainer writes them; what is no log is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from slmr.errors import RequestError
from slmr.io import write_json, write_rows
from slmr.results.analysis.training_logs import read_training_logs

LAB = Path(__file__).parents[3] / "leaderboard/slmr_leaderboard/sample/lab"


def json_lines_file(file: Path, rows: list[dict[str, Any]]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def trl_run(folder: Path, rows: list[dict[str, Any]], logs: list[dict[str, Any]]) -> Path:
    """TRL's layout: a table a step, the state in the checkpoint."""
    for step in sorted({row["step"] for row in rows}):
        file = folder / f"completions/completions_{step:05d}.parquet"
        write_rows(file, [row for row in rows if row["step"] == step])
    write_json(folder / "checkpoint-2/trainer_state.json", {"log_history": logs})
    return folder


def test_trl(tmp_path: Path) -> None:
    rows = [
        {
            "step": step,
            "prompt": [{"role": "user", "content": "1 + 1"}],
            "advantage": 0.0,
            "gold": "2",
            "completion": [{"role": "assistant", "content": "#### 2"}],
            "format_reward": 1.0,
            "exact": float(i),
        }
        for step in (1, 2)
        for i in (0, 1)
    ]
    logs = [
        {
            "step": s,
            "loss": 0.1,
            "entropy": 0.5,
            "frac_reward_zero_std": 0.25,
            "rewards/exact/mean": 0.5,
            "rewards/format_reward/mean": 1.0,
            "completions/mean_length": 7.0,
            "completions/clipped_ratio": 0.5,
        }
        for s in (1, 2)
    ]
    (log,) = read_training_logs(trl_run(tmp_path / "run", rows, [*logs, {"step": 2, "train_runtime": 9.0}]))
    assert (log.source, len(log.steps), len(log.completions)) == ("TRL", 2, 4)
    assert log.series("zero_variance") == [0.25, 0.25] and log.series("truncated") == [0.5, 0.5]
    first = log.completions[0]
    assert (first.prompt, first.text, first.reward, first.in_form, first.gold) == (
        "1 + 1",
        "#### 2",
        0.0,
        1.0,
        "2",
    )
    assert read_training_logs(tmp_path / "run/checkpoint-2")[0].completions == log.completions
    with pytest.raises(RequestError, match=r"no reward 'exat'.*exact"):
        read_training_logs(tmp_path / "run", reward="exat")


def test_the_first_versions_of_trl(tmp_path: Path) -> None:
    """They log a reward without /mean, no groups, and no table; transformers 5 logs some numbers as texts."""
    logs = [
        {
            "step": s,
            "loss": "0.1",
            "completion_length": 7.5,
            "reward": 0.5,
            "reward_std": 0.0,
            "rewards/exact": 0.5,
            "kl": "none",
            "clip_ratio": 0.0,
        }
        for s in (1, 2)
    ]
    write_json(tmp_path / "trainer_state.json", {"log_history": [*logs, {"step": "?", "loss": 1.0}]})
    (log,) = read_training_logs(tmp_path)
    assert log.series("length") == [7.5, 7.5] and log.series("same_rewards") == [1.0, 1.0]
    assert log.series("loss") == [0.1, 0.1] and log.series("kl") == [] == log.series("zero_variance")
    assert log.lacks == "no completions/*.parquet: set log_completions=True"
    rows = [{"step": 1, "prompt": "1 + 1", "completion": "2", "exact": 1.0, "tokens": 40}]
    write_rows(tmp_path / "completions/completions_00001.parquet", rows)
    (log,) = read_training_logs(tmp_path)
    assert log.completions[0].reward == 1.0 and log.lacks == ""


def test_a_table_without_a_state_says_how_one_gets_there(tmp_path: Path) -> None:
    rows = [{"step": 1, "prompt": "1 + 1", "completion": "2", "exact": 1.0}]
    write_rows(tmp_path / "completions/completions_00001.parquet", rows)
    assert "end with trainer.save_state()" in read_training_logs(tmp_path)[0].lacks


def test_verl_dumps_and_its_file_logger(tmp_path: Path) -> None:
    for step in (1, 2, 10):
        json_lines_file(
            tmp_path / f"dump/{step}.jsonl",
            [
                {"input": "1 + 1", "output": "#### 2", "gts": "2", "score": float(i), "step": step, "acc": i}
                for i in (0, 1)
            ],
        )
    json_lines_file(tmp_path / "dump/metrics.jsonl", [{"step": 1, "data": {"actor/entropy": 0.5, "actor/lr": 1e-6}}])
    (log,) = read_training_logs(tmp_path / "dump")
    assert log.source == "verl" and [step["step"] for step in log.steps] == [1, 2, 10]
    assert log.series("entropy") == [0.5] and log.series("zero_variance") == [0, 0, 0]
    assert {(c.gold, c.prompt) for c in log.completions} == {("2", "1 + 1")}


def test_verifiers(tmp_path: Path) -> None:
    rows = [
        {
            "example_id": 0,
            "prompt": [{"role": "user", "content": "1 + 1"}],
            "answer": "2",
            "reward": 1.0,
            "completion": [{"role": "assistant", "content": "2"}],
            "is_truncated": i == 0,
            "metrics": {},
        }
        for i in range(4)
    ]
    (log,) = read_training_logs(json_lines_file(tmp_path / "results.jsonl", rows))
    assert log.source == "verifiers" and log.series("truncated") == [0.25] and log.series("zero_variance") == [1.0]


def test_a_run_of_slmr_has_a_log_for_each_stage_that_trained() -> None:
    logs = read_training_logs(LAB)
    assert len({log.name for log in logs}) == len(logs) > 4
    assert all(log.steps and log.contamination for log in logs) and logs[0].series("entropy")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"text": "?"}, "x.jsonl:1 is not a rollout.*it has text"),
        ([1], "a line is an object, not list"),
        ({"input": "", "output": "", "score": 1, "step": "two"}, "a step is a number"),
    ],
)
def test_what_is_no_rollout_is_said(tmp_path: Path, row: Any, said: str) -> None:
    (tmp_path / "x.jsonl").write_text(json.dumps(row))
    with pytest.raises(RequestError, match=said):
        read_training_logs(tmp_path)


def test_a_folder_without_a_log_and_a_state_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="holds no training's log"):
        read_training_logs(tmp_path)
    with pytest.raises(RequestError, match="nothing does not exist: name the folder"):
        read_training_logs(tmp_path / "nothing")
    write_json(tmp_path / "out/one/checkpoint-2/trainer_state.json", {"log_history": [{"step": 1, "loss": 1}]})
    with pytest.raises(RequestError, match=r"nor a training history of slmr; there is one in .*out/one$"):
        read_training_logs(tmp_path / "out")
    (log,) = read_training_logs(tmp_path / "out/one/checkpoint-2/trainer_state.json")
    assert log.name == "checkpoint-2" and not log.lacks  # no RL, so no completions
    write_json(tmp_path / "trainer_state.json", {"log_history": []})
    with pytest.raises(RequestError, match="has no step with a loss"):
        read_training_logs(tmp_path)
    write_json(tmp_path / "trainer_state.json", {"log_history": 3})
    with pytest.raises(RequestError, match="no list 'log_history'"):
        read_training_logs(tmp_path)
