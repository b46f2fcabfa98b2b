"""HPT: SFT exactly where the gate says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slmr.config import EngineSettings
from slmr.engines.transformers import load_tokenizer
from slmr.io import read_rows
from slmr.lab import model_path
from slmr.stage import StageContext
from slmr.training.group_reward import GroupReward
from slmr.training.hpt import GatedRollouts, HptParams, hpt_stage, share_right
from slmr.verify import verify_batch
from tests.curriculum.common import folder, problems
from tests.training.toy import Scripted, rolled

TOKENIZER = load_tokenizer(model_path("lab-llama"))


class ScriptedGate(Scripted, GatedRollouts):
    pass


def asked(**says: str) -> list[dict[str, Any]]:
    return [
        {"id": name, "prompt": f"{name}?", "gold": "1", "kind": "numeric", "says": [group]}
        for name, group in says.items()
    ]


@pytest.mark.parametrize(
    ("gate", "switched"), [(0.0, {"none"}), (0.25, {"none", "one"}), (0.5, {"none", "one", "two"})]
)
def test_the_gate_chooses_the_loss_of_each_problem(gate: float, switched: set[str]) -> None:
    pool = asked(none="wwww", one="rwww", two="rrww", all="rrrr", untaught="wwww")
    traces = {p["id"]: "1 + 0 = 1. #### 1" for p in pool if p["id"] != "untaught"}
    params = HptParams(group_size=4, gate=gate)
    rollouts = ScriptedGate(pool, params, GroupReward(4), 0, traces=traces)
    found = rolled(rollouts, pool, 4)
    taught = {name for name, t in zip(found["problem_id"], found["taught"], strict=True) if t}
    assert taught == switched and rollouts.replaced == len(switched)
    for i, t in enumerate(found["taught"]):
        text = TOKENIZER.decode(found["completion_ids"][i])
        assert (text == "1 + 0 = 1. #### 1<eos>") == t
        assert not t or i % 4 == 3


def test_an_abstention_is_no_failure() -> None:
    verdicts = verify_batch(["#### 1", "#### 2"], ["1", "1"], "numeric")
    assert share_right(verdicts) == 0.5
    assert share_right(verify_batch(["#### 1"], ["no number"], "numeric")) is None


def test_hpt_is_on_policy_dr_grpo() -> None:
    for wrong in ({"loss": "grpo"}, {"updates": 2}, {"beta": 0.1}):
        with pytest.raises(ValueError, match="needs loss = dr_grpo"):
            HptParams(**wrong)


def test_the_stage_runs(tmp_path: Path) -> None:
    pool = problems(6, level=3)
    traces = [
        {
            "problem_id": p["id"],
            "prompt": p["prompt"],
            "prefix": "",
            "completion": f"#### {p['gold']}",
            "source": "raw",
        }
        for p in pool
    ]
    place = folder(tmp_path / "pool", problems=pool, traces=traces)
    context = StageContext(
        tmp_path / "out",
        {"model": [model_path("lab-llama")], "problems": [place], "traces": [place]},
        0,
        EngineSettings(device="cpu"),
        lambda *_: None,
    )
    context.folder.mkdir()
    hpt_stage(context, HptParams(steps=2, group_size=4, prompts_per_step=3, max_tokens=60, gate=0.75))
    curve = read_rows(context.folder / "curve.parquet")
    assert [row["replaced"] for row in curve][-1] == context.stats["replaced"] > 0
    assert all(0 <= row["logprob_gap"] < 1e-4 for row in curve)
    assert context.cost.train_tokens and context.cost.rollout_tokens
