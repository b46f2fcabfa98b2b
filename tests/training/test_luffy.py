"""LUFFY: the teacher's completion in each group."""

from __future__ import annotations

from typing import Any

import pytest

from slmr.engines.decode import Generation
from slmr.engines.transformers import load_tokenizer
from slmr.lab import model_path
from slmr.training.group_reward import GroupReward
from slmr.training.luffy import LuffyParams, MixedRollouts
from slmr.training.rollouts import Rollouts
from tests.training.toy import rolled

TOKENIZER = load_tokenizer(model_path("lab-llama"))


def test_the_last_completion_of_a_group_is_the_teachers(monkeypatch: pytest.MonkeyPatch) -> None:
    def sample(self: Rollouts, problems: Any, where: Any, prefixes: Any = None) -> list[list[Generation]]:
        ids = [*TOKENIZER("#### 2", add_special_tokens=False)["input_ids"], TOKENIZER.eos_token_id]  # type: ignore[misc]
        return [[Generation(0, (5, 6), 0, list(ids), [-1.0] * 3)] * self.sampled_size(p) for p in problems]

    monkeypatch.setattr(Rollouts, "sample", sample)
    problems = [{"id": n, "prompt": f"{n} + 1?", "gold": "1", "kind": "numeric"} for n in ("1", "2")]
    reward = GroupReward(3)
    rollouts = MixedRollouts(problems, LuffyParams(group_size=3), reward, 0, traces={"1": "#### 1"})
    found = rolled(rollouts, problems, 3)
    assert found["taught"] == [False, False, True, False, False, False]
    taught = found["completion_ids"][2]
    assert TOKENIZER.decode(taught, skip_special_tokens=True) == "#### 1" and taught[-1] == TOKENIZER.eos_token_id
    assert found["logprobs"][2] == [0.0] * len(taught) and found["prompt_ids"][2] == [5, 6]


def test_luffy_has_no_kl() -> None:
    with pytest.raises(ValueError, match="no KL"):
        LuffyParams(beta=0.1)
