"""The map is right in expectation, and each trainer loads it as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from slmr.curriculum.partition import GroupBounds, partition_row
from slmr.errors import RequestError
from slmr.pipeline.difficulty_map import (
    FORMATS,
    MappedProblem,
    content_key,
    difficulty_map,
    expected_mixed,
    expected_share,
    read_prompts,
    write_map,
)

PROMPTS = [
    {"prompt": "What is 3 + 4?", "gold": "7"},
    {"prompt": [{"role": "user", "content": "What is 4 + 4?"}], "answer": 8, "id": "second"},
]


def a_file(folder: Path, *rows: Any) -> Path:
    file = folder / "prompts.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def a_map(folder: Path) -> list[MappedProblem]:
    problems = read_prompts(a_file(folder, *PROMPTS), "numeric")
    rates = [partition_row(p["id"], 3 * i, 8, GroupBounds()) for i, p in enumerate(problems)]
    return difficulty_map(problems, rates, 8)


def test_problems_of_a_user(tmp_path: Path) -> None:
    first, second = read_prompts(a_file(tmp_path, *PROMPTS), "numeric")
    assert (first["id"], first["prompt"], first["gold"]) == ("0", "What is 3 + 4?", "7")
    assert (second["id"], second["prompt"], second["gold"]) == ("second", "What is 4 + 4?", "8")
    assert content_key([first]) != content_key([second])


def test_problems_of_a_table(tmp_path: Path) -> None:
    file = tmp_path / "quiz.csv"
    file.write_text('question,answer\n"What is 3, 4 summed?",7\n')
    (problem,) = read_prompts(file, "numeric")
    assert (problem["prompt"], problem["gold"]) == ("What is 3, 4 summed?", "7")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"prompt": "?"}], "jsonl:1: no 'gold'"),
        ([{"prompt": "?", "gold": " "}], "jsonl:1: no 'gold'"),
        ([{"gold": "1"}], "jsonl:1: 'prompt' is a text"),
        ([{"prompt": [{"role": "system", "content": "x"}], "gold": "1"}], "one user turn"),
        ([3], "an object, not int"),
        ([{"prompt": "?", "gold": "1", "id": "a"}] * 2, "two lines have the same id"),
        ([], "holds no problem"),
    ],
)
def test_a_line_that_is_no_problem_is_named(tmp_path: Path, rows: list[Any], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        read_prompts(a_file(tmp_path, *rows), "numeric")


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (2.0, 6.0), (1.0, 1.0)])
def test_the_expected_share_of_mixed_groups_is_the_share_that_comes(a: float, b: float) -> None:
    """Where the seen rate itself would say too little: 1 - p^G - (1-p)^G is 0 at 0 of 4 and 4 of 4."""
    rng = np.random.default_rng(0)
    rho = rng.beta(a, b, 4000)
    correct = rng.binomial(4, rho)
    said = np.mean(expected_mixed(correct.tolist(), [4] * 4000, 8))
    came = np.mean(~np.isin(rng.binomial(8, rho), (0, 8)))
    assert said == pytest.approx(came, abs=0.03)
    seen = correct / 4
    assert abs(np.mean(1 - seen**8 - (1 - seen) ** 8) - came) > 0.05


def test_each_format_has_all_that_was_measured_and_a_card(tmp_path: Path) -> None:
    rows = a_map(tmp_path)
    for layout in FORMATS:
        data, card = write_map(rows, tmp_path / layout, layout, 8, {"model": "a/model"})
        text = card.read_text()
        assert f"path: {data.name}" in text and "Difficulty map of a/model" in text and "numeric-" in text
    line = json.loads((tmp_path / "jsonl/train.jsonl").read_text().splitlines()[1])
    assert (line["correct"], line["k"], line["rate"], line["group"]) == (3, 8, 0.375, "medium")
    assert line["low"] < 0.375 < line["high"] and 0 < line["mixed"] < 1
    share = expected_share(rows)
    assert share.low <= share.mean <= share.high


@pytest.mark.parametrize("name", ["README.md", "train.jsonl"])
def test_a_file_of_the_user_is_not_written_over(name: str, tmp_path: Path) -> None:
    rows, folder = a_map(tmp_path), tmp_path / "data"
    folder.mkdir()
    (folder / name).write_text("mine")
    with pytest.raises(RequestError, match=f"{name} is of no difficulty map"):
        write_map(rows, folder, "jsonl", 8, {"model": "m"})
    assert (folder / name).read_text() == "mine" and len(list(folder.iterdir())) == 1
    (folder / name).unlink()
    for model in ("m", "m again"):
        write_map(rows, folder, "jsonl", 8, {"model": model})
    assert "Difficulty map of m again" in (folder / "README.md").read_text()


def loaded(folder: Path) -> Any:
    """As a hub's reader loads the folder: by its card."""
    from datasets import load_dataset

    return load_dataset(str(folder), split="train", cache_dir=str(folder.parent / "cache"))


def test_trl_trains_on_it(tmp_path: Path) -> None:
    from trl import GRPOConfig, GRPOTrainer

    from slmr.engines.transformers import load_model, load_tokenizer
    from slmr.lab import model_path
    from slmr.rewards import reward

    write_map(a_map(tmp_path), tmp_path / "trl", "trl", 8, {"model": "m"})
    config = GRPOConfig(
        str(tmp_path / "out"),
        max_steps=1,
        per_device_train_batch_size=2,
        num_generations=2,
        max_completion_length=8,
        use_cpu=True,
        bf16=False,
        report_to="none",
        log_completions=True,
        num_completions_to_print=0,
    )
    source = model_path("lab-llama")
    trainer = GRPOTrainer(
        load_model(source),
        reward("numeric"),
        config,
        loaded(tmp_path / "trl"),
        processing_class=load_tokenizer(source),
    )
    trainer.train()
    assert trainer.state.global_step == 1


def test_verifiers_loads_it(tmp_path: Path) -> None:
    pytest.importorskip("verifiers.v1", reason="verifiers 0.3 or later is not installed here")
    from slmr.rewards import taskset

    write_map(a_map(tmp_path), tmp_path / "verifiers", "verifiers", 8, {"model": "m"})
    rows = loaded(tmp_path / "verifiers")
    tasks = taskset("numeric", rows)
    assert [row["answer"] for row in rows] == ["7", "8"] and tasks


def test_verls_layout_is_paid_by_its_reward(tmp_path: Path) -> None:
    from slmr.rewards import compute_score

    write_map(a_map(tmp_path), tmp_path / "verl", "verl", 8, {"model": "m"})
    row = loaded(tmp_path / "verl")[1]
    assert row["prompt"] == [{"role": "user", "content": "What is 4 + 4?"}] and row["data_source"] == "numeric"
    assert row["reward_model"] == {"style": "rule", "ground_truth": "8"} and row["extra_info"]["rate"] == 0.375
    paid = compute_score(row["data_source"], "#### 8", row["reward_model"]["ground_truth"], row["extra_info"])
    assert paid["score"] == 1.0


def test_verls_own_loader_loads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its defaults, which leave out what is too long, and in its batches."""
    pytest.importorskip("verl", reason="verl is not installed here: make test-tools")
    from omegaconf import OmegaConf
    from verl.utils.dataset.rl_dataset import RLHFDataset, collate_fn

    from slmr.engines.transformers import load_tokenizer
    from slmr.lab import model_path

    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    rows = a_map(tmp_path)
    long = rows[0]._replace(id="long", prompt="What is 3 + 4? " * 400)
    write_map([*rows, long], tmp_path / "verl", "verl", 8, {"model": "m"})
    file, tokenizer = str(tmp_path / "verl/train.parquet"), load_tokenizer(model_path("lab-llama"))
    data = RLHFDataset(file, tokenizer, OmegaConf.create({"cache_dir": str(tmp_path / "verl-cache")}))
    batch = collate_fn([data[i] for i in range(len(data))])
    assert [turns[0]["content"] for turns in batch["raw_prompt"]] == ["What is 3 + 4?", "What is 4 + 4?"]
    assert [said["ground_truth"] for said in batch["reward_model"]] == ["7", "8"]
    assert list(batch["index"]) == [0, 1] and batch["extra_info"][1]["id"] == "second"
