"""What makes LUFFY, BREAD and ReLIFT those methods, against values worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from slmr.config import EngineSettings
from slmr.engines.decode import Row
from slmr.engines.transformers import load_model, load_tokenizer
from slmr.lab import model_path
from slmr.stage import StageContext
from slmr.training.bread import BranchingRollouts, BreadParams, Span
from slmr.training.luffy import LuffyParams, MixedRollouts, shaped, trainer_class
from slmr.training.relift import interleaved_sft, mean_nll
from slmr.training.rollouts import GroupReward, Rollouts
from slmr.training.sft import tokenize
from tests.training.toy import Scripted, real_trainer, rolled

TOKENIZER = load_tokenizer(model_path("lab-llama"))


# --- LUFFY -----------------------------------------------------------------------------------------


def test_the_last_completion_of_a_group_is_the_teachers(monkeypatch: pytest.MonkeyPatch) -> None:
    def sample(self: Rollouts, problems: Any, where: Any, prefixes: Any = None) -> list[list[Row]]:
        ids = [*TOKENIZER("#### 2", add_special_tokens=False)["input_ids"], TOKENIZER.eos_token_id]  # type: ignore[misc]
        return [[Row(0, (5, 6), 0, list(ids), [-1.0] * 3)] * self.own(p) for p in problems]

    monkeypatch.setattr(Rollouts, "sample", sample)
    problems = [{"id": n, "prompt": f"{n} + 1?", "gold": "1", "kind": "numeric"} for n in ("1", "2")]
    reward = GroupReward(3)
    rollouts = MixedRollouts(problems, LuffyParams(group_size=3), reward, 0, traces={"1": "#### 1"})
    found = rolled(rollouts, problems, 3)
    assert found["taught"] == [False, False, True, False, False, False]
    taught = found["completion_ids"][2]
    assert (
        TOKENIZER.decode(taught, skip_special_tokens=True) == "#### 1"
        and taught[-1] == TOKENIZER.eos_token_id
    )
    assert found["logprobs"][2] == [0.0] * len(taught) and found["prompt_ids"][2] == [5, 6]


def luffy_loss(
    folder: Path, advantages: list[float], gamma: float = 0.1, **changes: Any
) -> tuple[Any, torch.Tensor]:
    """Loss and the gradient by log-probabilities; the first row is the student's, the second the teacher's."""
    trainer = real_trainer(folder, lambda: trainer_class(gamma), **changes)
    logps = torch.log(torch.tensor([[0.5, 0.4], [0.3, 0.05]])).requires_grad_()
    # What lies under the mixed trainer: the model's own log-probabilities.
    base = type(trainer).__mro__[1]
    original = base._get_per_token_logps_and_entropies
    base._get_per_token_logps_and_entropies = lambda *_, **__: (logps, torch.zeros(2, 2), None)  # type: ignore[method-assign]
    try:
        ones = torch.ones(2, 2, dtype=torch.long)
        old = torch.log(torch.tensor([[0.5, 0.4], [1.0, 1.0]]))
        loss = trainer._compute_loss(trainer.model, {
            "prompt_ids": ones, "prompt_mask": ones, "completion_ids": ones, "completion_mask": ones,
            "advantages": torch.tensor(advantages), "sampling_per_token_logps": old,
            "num_items_in_batch": torch.tensor(4), "taught": torch.tensor([False, True]),
        })  # fmt: skip
    finally:
        base._get_per_token_logps_and_entropies = original  # type: ignore[method-assign]
    loss.backward()
    assert logps.grad is not None
    return loss.item(), logps.grad


def test_the_mixed_objective(tmp_path: Path) -> None:
    """2504.14945, eq. 5-7 with Dr. GRPO's constant: -(sum of r A + sum of f(p) A) / (2 x 10 tokens)."""
    loss, gradient = luffy_loss(tmp_path, [-0.5, 0.5], loss="dr_grpo", scale_rewards="none")
    f = [p / (p + 0.1) for p in (0.3, 0.05)]
    assert math.isclose(loss, (2 * 0.5 - 0.5 * sum(f)) / 20, rel_tol=1e-5)
    # d f(p) / d log p = p gamma / (p + gamma)^2; of the ratio of the student's own tokens it is 1.
    by_hand = [[0.5 / 20] * 2, [-0.5 * p * 0.1 / (p + 0.1) ** 2 / 20 for p in (0.3, 0.05)]]
    assert torch.allclose(gradient, torch.tensor(by_hand), rtol=1e-4)


def test_shaping_turns_to_tokens_that_are_unlikely() -> None:
    likely, unlikely = (p * 0.1 / (p + 0.1) ** 2 / p for p in (0.9, 0.05))
    assert unlikely > likely  # the weight beside that of plain imitation
    assert math.isclose(float(shaped(torch.log(torch.tensor(0.3)), 0.1).exp()), 0.75, rel_tol=1e-6)


def test_luffy_has_no_kl() -> None:
    with pytest.raises(ValueError, match="no KL"):
        LuffyParams(beta=0.1)


# --- BREAD -----------------------------------------------------------------------------------------

TRACE = "One is 1. Two is 2. Three is 3.\n#### 1"


class ScriptedBranches(Scripted, BranchingRollouts):
    pass


def branched(says: list[str], branches: int = 3) -> tuple[ScriptedBranches, dict[str, Any]]:
    problems = [{"id": "p", "prompt": "1 + 1?", "gold": "1", "kind": "numeric", "says": says},
                {"id": "q", "prompt": "2 + 1?", "gold": "1", "kind": "numeric", "says": ["rw"]}]  # fmt: skip
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
    assert not Span(2, 3).open and Span(0, 4).middle == 2


# --- ReLIFT ----------------------------------------------------------------------------------------


def example(prompt: str, completion: str) -> dict[str, list[int]]:
    return tokenize(TOKENIZER, [{"prompt": prompt, "prefix": "", "completion": completion}], 99)[0]


def test_the_buffer_trains_once_it_is_full() -> None:
    model = load_model(model_path("lab-llama"))
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    examples = {name: example(f"{name} + 1?", "#### 1") for name in ("1", "2", "3")}
    reward = GroupReward(2)
    part: Any = interleaved_sft(examples, reward, 2, TOKENIZER.pad_token_id)  # type: ignore[arg-type]
    state, args = SimpleNamespace(global_step=1), SimpleNamespace(max_grad_norm=1.0)
    rows = [example("1 + 1?", "#### 1"), example("2 + 1?", "#### 1")]
    before = float(mean_nll(model, rows, 0))

    def step(*unsolved: str) -> None:
        reward.unsolved = list(unsolved)
        part.on_step_end(args, state, None, model=model, optimizer=optimizer)

    step("1", "1", "x")  # no trace for x, and no problem twice
    assert (part.waiting, part.updates) == (["1"], 0)
    assert float(mean_nll(model, rows, 0)) == before
    step("2", "3")
    assert (part.waiting, part.updates) == (["3"], 1)
    assert part.trained == sum(len(row["input_ids"]) for row in rows)
    assert float(mean_nll(model, rows, 0)) < before
    assert all(p.grad is None or not p.grad.any() for p in model.parameters())
    again: Any = interleaved_sft(examples, reward, 2, 0)
    again.restore(part.state())
    assert again.state() == part.state()


def test_the_interleaved_loss_is_that_of_the_completions_alone() -> None:
    model = load_model(model_path("lab-llama")).eval()
    rows = [example("1 + 1?", "#### 2"), example("3 + 4 is what?", "The sum is 7 .\n#### 7")]
    with torch.no_grad():
        total, count = 0.0, 0
        for row in rows:  # one by one, without padding
            ids = torch.tensor([row["input_ids"]])
            logps = model(input_ids=ids).logits[0, :-1].log_softmax(-1)
            wanted = [i for i, m in enumerate(row["completion_mask"]) if m]
            total -= sum(float(logps[i - 1, row["input_ids"][i]]) for i in wanted)
            count += len(wanted)
        assert math.isclose(float(mean_nll(model, rows, 0)), total / count, rel_tol=1e-5)


def test_the_stages_run(tmp_path: Path) -> None:
    """Each of the three for two steps, with everything around it."""
    from slmr.io import read_rows, write_rows
    from slmr.training.bread import bread_stage
    from slmr.training.grpo import PROBLEMS
    from slmr.training.luffy import luffy_stage
    from slmr.training.relift import ReliftParams, relift_stage
    from tests.curriculum.common import problems

    pool = problems(6, level=3)
    (tmp_path / "pool").mkdir()
    write_rows(tmp_path / "pool" / PROBLEMS, pool)
    traces = [{"problem_id": p["id"], "prompt": p["prompt"], "prefix": "", "completion": f"#### {p['gold']}",
               "source": "raw"} for p in pool]  # fmt: skip
    write_rows(tmp_path / "pool" / "traces.parquet", traces)
    common: dict[str, Any] = {"steps": 2, "group_size": 4, "prompts_per_step": 3, "max_tokens": 24}
    for stage, params in ((luffy_stage, LuffyParams(**common)), (bread_stage, BreadParams(**common)),
                          (relift_stage, ReliftParams(**common, buffer=1))):  # fmt: skip
        context = StageContext(
            tmp_path / stage.__name__, {"model": [model_path("lab-llama")], "problems": [tmp_path / "pool"],
                                        "traces": [tmp_path / "pool"]}, 0, EngineSettings(device="cpu"),
            lambda *_: None,
        )  # fmt: skip
        context.folder.mkdir()
        stage(context, params)
        curve = read_rows(context.folder / "curve.parquet")
        assert len(curve) == 2 and all(0 <= row["logprob_gap"] < 1e-4 for row in curve)
        assert (context.folder / "model" / "model.safetensors").is_file()
        assert context.cost.train_tokens and context.cost.rollout_tokens
        if stage is relift_stage:
            assert context.stats["sft_updates"] and context.stats["sft_tokens"] < context.cost.train_tokens
        if stage is luffy_stage:
            assert sum(context.stats["groups"].values()) == 6 and context.stats["problems_with_trace"] == 6
