"""The reward that GRPO is given, and what it remembers of each group."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from slmr.rewards import reward
from slmr.rewards.noise import Noise
from slmr.training.group_reward import GroupReward, shares


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


def test_the_last_step_in_shares() -> None:
    reward = GroupReward(2)
    reward(["#### 4", "so 5", "#### 1", "#### 2"], ["4", "4", "7", "7"], ["numeric"] * 4, ["a", "a", "b", "b"])
    assert shares(reward.last) == {
        "accuracy": 0.25,
        "format": 0.75,
        "zero_variance": 0.5,
        "all_right": 0.0,
        "all_wrong": 0.5,
        "mixed": 0.5,
    }


def test_a_teachers_completion_is_paid_but_no_merit_of_the_student() -> None:
    reward = GroupReward(2)
    texts = ["#### 3", "#### 4", "#### 1", "#### 7"]
    paid = reward(texts, ["4", "4", "7", "7"], ["numeric"] * 4, ["a", "a", "b", "b"], taught=[False, True] * 2)
    assert paid == [0.0, 1.0, 0.0, 1.0]
    assert shares(reward.last)["accuracy"] == 0 and shares(reward.last)["mixed"] == 1
    # What the student failed on it failed on, whoever helped.
    assert [f["problem_id"] for f in reward.failures] == ["a", "b"] and reward.groups == {"all wrong": 2}


@given(
    st.lists(st.sampled_from(["#### 7", "7", "#### 8", "", "no number"]), min_size=1, max_size=6),
    st.sampled_from(["7", "seven"]),
)
def test_it_pays_what_the_public_reward_pays(texts: list[str], gold: str) -> None:
    n = len(texts)
    paid = GroupReward(n)(completions=texts, gold=[gold] * n, kind=["numeric"] * n, problem_id=["p"] * n)
    assert paid == reward("numeric")(texts, gold=[gold] * n)


def test_a_lying_checker_pays_and_remembers_what_it_said() -> None:
    texts, columns = (
        ["#### 7", "#### 8"],
        {"gold": ["7"] * 2, "kind": ["numeric"] * 2, "problem_id": ["p"] * 2},
    )
    accepts, rejects = GroupReward(2, Noise(0, false_accept=1.0)), GroupReward(2, Noise(0, false_reject=1.0))
    assert accepts(texts, **columns) == [1.0, 1.0] and accepts.groups == {"all right": 1}
    assert rejects(texts, **columns) == [0.0, 0.0] and len(rejects.failures) == 2
    assert [verdict.strict for verdict in rejects.judge(texts, ["7"] * 2, "numeric")] == [False, False]
