"""The reward that GRPO is given, which groups are replaced, and that what samples is what is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slmr.config import EngineSettings
from slmr.engines.transformers import load_tokenizer
from slmr.lab import model_path
from slmr.stage import StageContext
from slmr.training.curve import CURVE
from slmr.training.grpo import GrpoParams
from slmr.training.rollouts import GroupReward, Rollouts, shares
from tests.training.toy import Scripted, rolled


def test_groups_failures_and_abstentions() -> None:
    reward = GroupReward(2)
    paid = reward(
        completions=["#### 4", "#### 5", "#### 1", "#### 2", "#### 3", "#### 3", "#### 9", "#### 9"],
        gold=["4", "4", "7", "7", "3", "3", "not a number", "not a number"],
        kind=["numeric"] * 8,
        problem_id=["a", "a", "b", "b", "c", "c", "d", "d"],
    )
    assert paid == [1.0, 0.0, 0.0, 0.0, 1.0, 1.0, None, None]
    assert [f["problem_id"] for f in reward.failures] == ["b", "b"]
    assert reward.groups == {"mixed": 1, "all wrong": 1, "all right": 1, "abstained": 1}
    assert reward.statuses["malformed_gold"] == 2


def test_chat_completions_are_read() -> None:
    reward = GroupReward(2)
    chat = [[{"role": "assistant", "content": "#### 4"}], [{"role": "assistant", "content": "4"}]]
    assert reward(completions=chat, gold=["4", "4"], kind=["numeric"] * 2, problem_id=["a", "a"]) == [
        1.0,
        0.0,
    ]


def test_the_samplers_logprobs_are_the_trainers(tmp_path: Path) -> None:
    """Before and after updates, at another temperature than 1: what samples is what is trained."""
    from slmr.io import read_rows, write_rows
    from slmr.tasks.registry import load_task
    from slmr.training.grpo import PROBLEMS, grpo_stage

    task = load_task("lab_gsm8k")
    rows = [
        {"id": item.id, "prompt": task.prompt(item.problem), "gold": item.gold, "kind": task.kind}
        for item in task.items("train", 16)
    ]
    (tmp_path / "pool").mkdir()
    (tmp_path / "out").mkdir()
    write_rows(tmp_path / "pool" / PROBLEMS, rows)
    context = StageContext(
        tmp_path / "out", {"model": [model_path("lab-llama")], "problems": [tmp_path / "pool"]}, 0,
        EngineSettings(device="cpu"), lambda *_: None,
    )  # fmt: skip
    grpo_stage(context, GrpoParams(steps=3, group_size=4, prompts_per_step=4, temperature=0.8, max_tokens=40))
    gaps = [row["logprob_gap"] for row in read_rows(tmp_path / "out" / CURVE)]
    assert len(gaps) == 3 and all(0 <= gap < 1e-4 for gap in gaps)


class ScriptedRollouts(Scripted, Rollouts):
    pass


def scripted(says: dict[str, str], resample: int, step: int = 0) -> tuple[ScriptedRollouts, dict[str, Any]]:
    """The rollouts of a step on the first two problems."""
    problems = [
        {"id": name, "prompt": f"{n} + 1?", "gold": "1", "kind": "numeric", "says": [text]}
        for n, (name, text) in enumerate(says.items())
    ]
    rollouts = ScriptedRollouts(problems, GrpoParams(group_size=2, resample=resample), GroupReward(2), 0)
    return rollouts, rolled(rollouts, problems[:2], 2, step)


def test_a_group_without_variance_gives_way_to_another_problem() -> None:
    rollouts, sampled = scripted({"dull": "ww", "good": "rw", "other": "wr"}, resample=1)
    assert sampled["problem_id"] == ["other", "other", "good", "good"]
    tokenizer = load_tokenizer(model_path("lab-llama"))
    assert [tokenizer.decode(ids) for ids in sampled["prompt_ids"][::2]] == ["2 + 1?", "1 + 1?"]
    # What was replaced is counted, and remembered as a failure.
    reward = rollouts._reward
    assert (rollouts.replaced, reward.groups) == (1, {"all wrong": 1})
    assert [f["problem_id"] for f in reward.failures] == ["dull", "dull"] and reward.statuses["wrong"] == 2


def test_rounds_are_bounded_and_no_problem_comes_twice() -> None:
    says = {"a": "rr", "b": "ww", "c": "ww", "d": "rr", "e": "ww", "f": "ww", "g": "ww"}
    rollouts, sampled = scripted(says, resample=2)
    assert len(rollouts.asked) == 3 and len({name for names in rollouts.asked for name in names}) == 6
    assert rollouts.replaced == 4
    assert sampled["problem_id"][::2] == rollouts.asked[-1]  # still without variance: it stays
    rollouts, sampled = scripted({"a": "rr", "b": "ww", "c": "rw"}, resample=5)
    assert rollouts.asked == [["a", "b"], ["c"]] and sampled["problem_id"] == ["c", "c", "b", "b"]
    assert scripted(says, resample=0)[0].asked == [["a", "b"]]


def test_which_problems_replace_depends_on_seed_and_step_alone() -> None:
    says = dict.fromkeys("abcdefghijkl", "ww")
    assert scripted(says, 2, step=3)[0].asked == scripted(says, 2, step=3)[0].asked
    assert scripted(says, 2, step=3)[0].asked != scripted(says, 2, step=4)[0].asked


def test_the_last_step_in_shares() -> None:
    reward = GroupReward(2)
    reward(
        ["#### 4", "so 5", "#### 1", "#### 2"], ["4", "4", "7", "7"], ["numeric"] * 4, ["a", "a", "b", "b"]
    )
    assert shares(reward.last) == {
        "accuracy": 0.25, "format": 0.75, "zero_variance": 0.5, "all_right": 0.0, "all_wrong": 0.5, "mixed": 0.5,
    }  # fmt: skip


def test_a_teachers_completion_is_paid_but_no_merit_of_the_student() -> None:
    reward = GroupReward(2)
    texts = ["#### 3", "#### 4", "#### 1", "#### 7"]
    paid = reward(
        texts, ["4", "4", "7", "7"], ["numeric"] * 4, ["a", "a", "b", "b"], taught=[False, True] * 2
    )
    assert paid == [0.0, 1.0, 0.0, 1.0]
    assert shares(reward.last)["accuracy"] == 0 and shares(reward.last)["mixed"] == 1
    # What the student failed on it failed on, whoever helped.
    assert [f["problem_id"] for f in reward.failures] == ["a", "b"] and reward.groups == {"all wrong": 2}
