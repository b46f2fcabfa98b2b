"""BREAD: groups that all fail branch from the expert's trace, at a point found by halving."""

from __future__ import annotations

from typing import Any

import pytest

from slmr.engines.transformers import load_tokenizer
from slmr.lab import model_path
from slmr.training.bread import BranchingRollouts, BreadParams, SearchRange
from slmr.training.group_reward import GroupReward
from tests.training.toy import Scripted, rolled

TOKENIZER = load_tokenizer(model_path("lab-llama"))


TRACE = "One is 1. Two is 2. Three is 3.\n#### 1"


class ScriptedBranches(Scripted, BranchingRollouts):
    pass


def branched(says: list[str], branches: int = 3) -> tuple[ScriptedBranches, dict[str, Any]]:
    problems = [
        {"id": "p", "prompt": "1 + 1?", "gold": "1", "kind": "numeric", "says": says},
        {"id": "q", "prompt": "2 + 1?", "gold": "1", "kind": "numeric", "says": ["rw"]},
    ]
    params = BreadParams(group_size=2, branches=branches)
    rollouts = ScriptedBranches(problems, params, GroupReward(2), 0, traces={"p": TRACE, "q": TRACE})
    return rollouts, rolled(rollouts, problems, 2)


def test_only_groups_that_all_fail_branch() -> None:
    rollouts, found = branched(["ww", "rw"])
    assert rollouts.asked == [["p", "q"], ["p"]] and rollouts.starts[1] == ["One is 1. Two is 2. "]
    assert found["problem_id"] == ["p", "p", "q", "q"] and rollouts.replaced == 1
    assert [f["problem_id"] for f in rollouts._reward.failures] == ["p", "p"]
    assert branched(["rr"])[0].asked == [["p", "q"]]  # all right is no failure


@pytest.mark.parametrize(
    ("says", "starts"),
    [
        (
            ["ww", "ww", "rw"],
            ["One is 1. Two is 2. ", "One is 1. Two is 2. Three is 3.\n"],
        ),  # too little: further on
        (["ww", "rr", "rw"], ["One is 1. Two is 2. ", "One is 1. "]),  # too much: further back
    ],
)
def test_the_branching_point_is_halved_for(says: list[str], starts: list[str]) -> None:
    rollouts, found = branched(says)
    assert [line[0] for line in rollouts.starts[1:]] == starts
    assert rollouts.replaced == 1 and len(found["completion_ids"]) == 4


def test_looks_are_bounded_and_a_group_that_nothing_mixes_stays() -> None:
    assert len(branched(["ww", "rr", "rr"], branches=1)[0].asked) == 2
    rollouts, found = branched(["ww", "rr", "rr"], branches=9)
    assert len(rollouts.asked) == 3 and rollouts.replaced == 0  # between 0 and 1 steps there is nothing
    assert TOKENIZER.decode(found["completion_ids"][0], skip_special_tokens=True) == "#### 2"
    assert not SearchRange(2, 3).open and SearchRange(0, 4).middle == 2
