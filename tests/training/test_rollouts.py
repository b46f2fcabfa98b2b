"""Which groups of a step are replaced, and by which problems."""

from __future__ import annotations

from typing import Any

from slmr.engines.transformers import load_tokenizer
from slmr.lab import model_path
from slmr.training.group_reward import GroupReward
from slmr.training.grpo import GrpoParams
from slmr.training.rollouts import Rollouts
from tests.training.toy import Scripted, rolled


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
