"""Rewards in TRL: what they pay, and what is then in its log."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.rewards import async_reward, reward
from slmr.verify import verify, verify_batch

GOLDS = ["7", "7", "7", "7", "seven"]
COMPLETIONS = ["#### 7", "The answer is 7", "#### 8", "", "#### 7"]


class Trainer:
    """What a reward sees of TRL's trainer, as of 1.16: bound methods that log."""

    def __init__(self, **attributes: Any) -> None:
        self.metrics: dict[str, list[float]] = {}
        self.extra: dict[str, list[Any]] = {}
        vars(self).update(attributes)

    def log_metric(self, name: str, value: float) -> None:
        self.metrics.setdefault(name, []).append(value)

    def log_extra(self, column: str, values: list[Any]) -> None:
        self.extra.setdefault(column, []).extend(values)

    def logging(self) -> dict[str, Any]:
        return {"log_metric": self.log_metric, "log_extra": self.log_extra}


class Tokenizer:
    eos_token_id, pad_token_id = 2, 0


def test_pays_one_for_strict_zero_for_the_rest_and_none_for_an_abstention() -> None:
    paid = reward("numeric")(completions=COMPLETIONS, gold=GOLDS, prompts=["p"] * 5)
    assert paid == [1.0, 0.0, 0.0, 0.0, None]
    assert reward("numeric", lenient_weight=0.5)(COMPLETIONS, gold=GOLDS) == [1.0, 0.5, 0.0, 0.0, None]
    assert reward("numeric", form="any")(COMPLETIONS, gold=GOLDS) == [1.0, 1.0, 0.0, 0.0, None]


@pytest.mark.parametrize(
    ("task", "text", "gold"), [("lab_math", "\\boxed{1/2}", "0.5"), ("lab_logiqa", "Answer: B", "B")]
)
def test_a_task_pays_by_its_own_checker(task: str, text: str, gold: str) -> None:
    score: Any = reward(task)
    assert score.__name__ == f"{task}_accuracy" and repr(score) == f"<slmr reward {task}_accuracy>"
    assert score([text], gold=[gold]) == [1.0]


def test_golds_and_completions_must_match_in_number() -> None:
    with pytest.raises(ValueError):
        reward("choice")(["Answer: B"], gold=[])


@pytest.mark.parametrize("options", [{}, {"form": "any"}, {"lenient_weight": 0.25}, {"gold": "answer"}])
def test_the_async_reward_pays_and_logs_the_same(options: dict[str, Any]) -> None:
    columns = {"completions": COMPLETIONS, "gold": GOLDS, "answer": GOLDS[::-1], "prompts": ["p"] * 5}
    one, other = Trainer(), Trainer()
    paid = reward("numeric", **options)(**columns, **one.logging())
    assert asyncio.run(async_reward("numeric", **options)(**columns, **other.logging())) == paid
    assert one.metrics == other.metrics and one.extra == other.extra and one.metrics


def test_the_log_of_a_batch() -> None:
    trainer = Trainer()
    reward("numeric")(COMPLETIONS, gold=GOLDS, completion_ids=[[1]] * 5, **trainer.logging())
    assert trainer.metrics == {"strict": [0.2], "lenient": [0.4], "no_answer": [0.2], "abstained": [0.2]}
    assert trainer.extra["extracted"] == ["7", "7", "8", None, None]
    assert trainer.extra["gold"] == [str(gold) for gold in GOLDS]
    assert trainer.extra["reason"] == [verify(c, g, "numeric").reason for c, g in zip(COMPLETIONS, GOLDS, strict=True)]


@pytest.mark.parametrize(
    "trainer",
    [
        Trainer(eos_token_ids=[2, 3], processing_class=Tokenizer()),
        Trainer(eos_token_ids=[2, 3], processing_class=type("Processor", (), {"tokenizer": Tokenizer()})()),
    ],
)
def test_cut_off_counts_what_no_token_of_the_trainer_ends(trainer: Trainer) -> None:
    ids = [[5, 2], [5, 3], [5, 0], [5, 6], []]
    reward("numeric")(COMPLETIONS, gold=GOLDS, completion_ids=ids, **trainer.logging())
    assert trainer.metrics["cut_off"] == [0.4]


@pytest.mark.parametrize(
    ("trainer", "ids"),
    [(Trainer(processing_class=object()), [[5]] * 5), (Trainer(processing_class=Tokenizer()), None)],
)
def test_cut_off_is_left_out_where_nobody_knows(trainer: Trainer, ids: list[list[int]] | None) -> None:
    reward("numeric")(COMPLETIONS, gold=GOLDS, completion_ids=ids, **trainer.logging())
    assert "strict" in trainer.metrics and "cut_off" not in trainer.metrics


def test_of_two_rewards_of_one_trainer_one_logs() -> None:
    trainer, later = Trainer(), Trainer()
    strict, lenient = reward("numeric"), reward("numeric", form="any")
    for _ in range(2):
        for score in (strict, lenient):
            score(COMPLETIONS, gold=GOLDS, **trainer.logging())
    lenient(COMPLETIONS, gold=GOLDS, **later.logging())
    assert len(trainer.extra["reason"]) == 2 * len(GOLDS) and len(trainer.metrics["strict"]) == 2
    assert len(later.extra["reason"]) == len(GOLDS)


@given(st.lists(st.sampled_from(["#### 7", "\\boxed{7}", "Answer: B", "x^2", "\\boxed{\\sin^2 x}", ""]), max_size=12))
def test_a_batch_is_judged_as_each_alone(texts: list[str]) -> None:
    for kind, gold in (("numeric", "7"), ("math", "7"), ("choice", "B")):
        alone = [verify(text, gold, kind) for text in texts]
        batch = verify_batch(texts, [gold] * len(texts), kind)
        assert [(v.status, v.strict, v.extracted) for v in batch] == [(v.status, v.strict, v.extracted) for v in alone]


@pytest.mark.parametrize("make", [reward, async_reward])
def test_two_steps_of_trl_are_in_its_log(make: Any, tmp_path: Path) -> None:
    trl = pytest.importorskip("trl", reason="trl is not installed: pip install 'slmr[train]'")
    import pyarrow.parquet as pq
    from datasets import Dataset

    from slmr.lab import GENERATORS, model_path, take
    from slmr.tasks.registry import load_task

    task = load_task("lab_gsm8k")
    items = take(GENERATORS["lab_gsm8k"], "train", 8)
    data = Dataset.from_dict({"prompt": [task.prompt(i.problem) for i in items], "answer": [i.gold for i in items]})
    config = trl.GRPOConfig(
        output_dir=str(tmp_path),
        max_steps=2,
        per_device_train_batch_size=8,
        num_generations=4,
        report_to="none",
        max_completion_length=40,
        use_cpu=True,
        logging_steps=1,
        save_strategy="no",
        bf16=False,
        log_completions=True,
    )
    rewards = [
        make("gsm8k_platinum", gold="answer", lenient_weight=0.5),
        make("numeric", gold="answer", form="any"),
    ]
    trainer = trl.GRPOTrainer(model=str(model_path("lab-llama")), reward_funcs=rewards, args=config, train_dataset=data)
    trainer.train()
    rows = [row for row in trainer.state.log_history if "reward" in row]
    assert len(rows) == 2
    for row, file in zip(rows, sorted(tmp_path.glob("completions/*.parquet")), strict=True):
        table = pq.read_table(file).to_pylist()
        verdicts = [
            verify(r["completion"], task_gold, "numeric")
            for r, task_gold in zip(
                table,
                [{task.prompt(i.problem): i.gold for i in items}[r["prompt"]] for r in table],
                strict=True,
            )
        ]
        for name, of in {"strict": "strict", "lenient": "lenient", "abstained": "abstained"}.items():
            assert row[name] == pytest.approx(sum(getattr(v, of) for v in verdicts) / len(verdicts))
        assert row["no_answer"] == sum(v.status == "no_answer" for v in verdicts) / len(verdicts)
        assert row["cut_off"] == row["completions/clipped_ratio"]
        assert row["rewards/numeric_lenient/mean"] == pytest.approx(row["lenient"])
        paid = (row["strict"] + row["lenient"]) / 2
        assert row["rewards/gsm8k_platinum_accuracy/mean"] == pytest.approx(paid)
        assert [r["extracted"] for r in table] == [v.extracted for v in verdicts]
        assert [r["reason"] for r in table] == [v.reason for v in verdicts]
