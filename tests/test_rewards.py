"""The rewards that other people's trainers call."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.errors import RequestError
from slmr.rewards import async_reward, compute_score, reward, rubric
from slmr.verify import verify, verify_batch


def test_pays_one_for_strict_zero_for_the_rest_and_none_for_an_abstention():
    score = reward("numeric")
    completions = ["#### 7", "The answer is 7", "#### 8", "", "#### 7"]
    assert score(completions=completions, gold=["7", "7", "7", "7", "seven"], prompts=["p"] * 5) == [
        1.0, 0.0, 0.0, 0.0, None,
    ]  # fmt: skip


def test_reads_conversations():
    turns = [[{"role": "user", "content": "3+4?"}, {"role": "assistant", "content": "\\boxed{7}"}]]
    assert reward("math")(turns, gold=["7"]) == [1.0]
    assert reward("math")([[{"role": "assistant", "content": None}]], gold=["7"]) == [0.0]


@pytest.mark.parametrize(
    ("task", "text", "gold"), [("lab_math", "\\boxed{1/2}", "0.5"), ("lab_logiqa", "Answer: B", "B")]
)
def test_a_task_pays_by_its_own_checker(task, text, gold):
    score = reward(task)
    assert score.__name__ == f"{task}_accuracy"
    assert score([text], gold=[gold]) == [1.0]


def test_an_unknown_task_suggests_the_nearest():
    with pytest.raises(RequestError, match="lab_math"):
        reward("lab_mat")


def test_golds_and_completions_must_match_in_number():
    with pytest.raises(ValueError):
        reward("choice")(["Answer: B"], gold=[])


def test_a_kind_needs_no_tasks():
    code = "import sys; from slmr.rewards import reward; reward('choice'); print('slmr.tasks' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_async_reward_pays_the_same():
    columns = {"completions": ["\\boxed{7}", "\\boxed{8}"], "gold": ["7", "7"], "prompts": ["p"] * 2}
    assert asyncio.run(async_reward("math")(**columns)) == reward("math")(**columns) == [1.0, 0.0]


def test_the_call_that_verl_makes():
    call = {"data_source": "lab_math", "solution_str": "So \\boxed{0.5}.", "ground_truth": "1/2"}
    assert compute_score(**call, extra_info={"num_turns": 1})["score"] == 1.0
    other = compute_score("openai/gsm8k", "#### 8", "7", {"kind": "numeric"}, reward_model_tokenizer=None)
    assert other == {"score": 0.0, "acc": 0.0, "lenient": 0.0, "abstained": 0.0, "no_answer": 0.0}
    assert compute_score("numeric", "#### 8", "seven")["abstained"] == 1.0
    with pytest.raises(RequestError, match="openai/gsm8k"):
        compute_score("openai/gsm8k", "#### 8", "7")


def test_an_environment_of_verifiers_is_scored_by_the_rubric():
    verifiers = pytest.importorskip("verifiers", reason="slmr[verifiers] is not installed")
    from datasets import Dataset

    rows = Dataset.from_dict({"question": ["3 + 4?", "2 + 2?"], "answer": ["7", "four"]})
    environment = verifiers.SingleTurnEnv(dataset=rows, rubric=rubric("numeric"))
    scored = []
    for row in environment.get_dataset():
        state = {**row, "completion": [{"role": "assistant", "content": "3 + 4 = 7\n#### 7"}]}
        asyncio.run(environment.rubric.score_rollout(state))
        scored.append((state["reward"], state["metrics"]["accuracy"], state["metrics"]["abstained"]))
    assert scored == [(1.0, 1.0, 0.0), (0.0, 0.0, 1.0)]


@pytest.mark.parametrize("make", [reward, async_reward])
def test_trl_trains_with_the_reward(make, tmp_path):
    trl = pytest.importorskip("trl", reason="slmr[train] is not installed")
    from datasets import Dataset

    from slmr.lab import GENERATORS, model_path, take
    from slmr.tasks.registry import load_task

    task = load_task("lab_gsm8k")
    items = take(GENERATORS["lab_gsm8k"], "train", 8)
    data = Dataset.from_dict(
        {"prompt": [task.prompt(i.problem) for i in items], "gold": [i.gold for i in items]}
    )
    config = trl.GRPOConfig(
        output_dir=str(tmp_path), max_steps=2, per_device_train_batch_size=8, num_generations=4, report_to="none",
        max_completion_length=40, use_cpu=True, logging_steps=1, save_strategy="no", bf16=False,
    )  # fmt: skip
    trainer = trl.GRPOTrainer(
        model=str(model_path("lab-llama")),
        reward_funcs=[make("gsm8k_platinum")],
        args=config,
        train_dataset=data,
    )
    trainer.train()
    paid = [row["reward"] for row in trainer.state.log_history if "reward" in row]
    assert len(paid) == 2 and all(0 <= value <= 1 for value in paid)


@given(
    st.lists(
        st.sampled_from(["#### 7", "\\boxed{7}", "Answer: B", "x^2", "\\boxed{\\sin^2 x}", ""]), max_size=12
    )
)
def test_a_batch_is_judged_as_each_alone(texts):
    for kind, gold in (("numeric", "7"), ("math", "7"), ("choice", "B")):
        alone = [verify(text, gold, kind) for text in texts]
        batch = verify_batch(texts, [gold] * len(texts), kind)
        assert [(v.status, v.strict, v.extracted) for v in batch] == [
            (v.status, v.strict, v.extracted) for v in alone
        ]
