"""What the stages of a plan are said to cost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from slmr.config import load_profile
from slmr.engines.models import Model
from slmr.pipeline.estimate import ASSUMED, KNOWN, ModelShape, StageEstimate, estimate, shape_of
from slmr.pipeline.estimate.hardware import Call
from slmr.pipeline.estimate.measure import Speed
from slmr.pipeline.estimate.plan import Flow, _call, seconds_here
from slmr.pipeline.planner import Planner
from slmr.pipeline.recipe import load_recipe
from tests.pipeline.estimate.test_hardware import machine

QWEN, LLAMA = (shape for name in KNOWN if (shape := shape_of(name)))


def estimated(method: str, shape: ModelShape = QWEN, **changes: Any) -> dict[str, StageEstimate]:
    """Of a method in the paper profile, with the data's own solutions, by the label of the stage."""
    profile = load_profile("paper")
    stages = {name: {**values, **changes.get(name, {})} for name, values in profile.stages.items()}
    for name in ("teacher", "bridge", "critique", "full_critique"):
        stages[name] |= {"teacher": "dataset"}
    profile = profile.model_copy(update={"stages": stages, "tuned": {}})
    planner = Planner(Model("student", "folder", "student", "student"), profile, 0)
    nodes = planner.plan(load_recipe(method)).stages()
    return {e.node.label: e for e in estimate(nodes, {"student": shape}, [machine(), machine(8)])}


def test_tokens_follow_from_rows_epochs_and_completions() -> None:
    found = estimated("sft")
    rows = found["raw"].flow.rows if "raw" in found else 7223
    assert rows == 7223
    length = ASSUMED.prompt_tokens + ASSUMED.trace_tokens
    assert found["sft"].flow.trained == pytest.approx(7223 * 3 * length)
    assert found["sft"].flops == pytest.approx(6 * QWEN.parameters * 7223 * 3 * length)
    rl = estimated("grpo", grpo={"steps": 10})["grpo"].flow
    assert rl.generated == pytest.approx(10 * 64 * 8 * ASSUMED.fill * 400)
    assert rl.trained == pytest.approx(rl.generated + 10 * 64 * 8 * ASSUMED.prompt_tokens)


@pytest.mark.parametrize("method", ["rft", "cft", "hpt", "opsd", "sdpo", "gspo", "cispo", "dft"])
def test_every_stage_of_a_baseline_is_known(method: str) -> None:
    assert all(e.flow.known and e.flow.rows >= 0 for e in estimated(method).values())


def test_no_more_completions_are_kept_than_a_probe_draws() -> None:
    found = estimated("rft")
    assert found["sft"].flow.trained < 9 * found["sampler"].flow.trained  # the raw traces, and eight completions


@pytest.mark.parametrize("method", ["opsd", "sdpo"])
def test_who_teaches_himself_reads_more_than_he_learns_from(method: str) -> None:
    flow = estimated(method)[method].flow
    assert flow.generated > 0 and flow.taught == 0 and flow.scored > flow.trained > flow.generated


def test_a_larger_model_takes_longer_and_more_memory_and_eight_gpus_less() -> None:
    small, large = estimated("stagewise"), estimated("stagewise", LLAMA)
    for label, stage in small.items():
        assert stage.flow.known, label
        if stage.flops:
            assert large[label].hours[0] > 0 and large[label].flops > stage.flops
        if stage.flow.passes[0]:
            assert stage.hours[1] < stage.hours[0] and stage.gib[1] < stage.gib[0]
            assert large[label].gib[0] > stage.gib[0]


def test_the_seconds_of_a_stage_are_those_of_its_tokens() -> None:
    flow = Flow(trained=100, taught=40, scored=10, calls=[(2.0, Call(8, 30, 5, 80, alike=4))])
    speed = Speed(generated=1.0, read=0.1, trained=10.0, threads=1)
    # Twice 8 completions of 5 tokens behind 2 different prompts of 30.
    assert seconds_here(flow, speed) == pytest.approx(2 * 8 * 5 + 0.1 * (10 + 2 * 2 * 30) + 10.0 * 100)
    flow.passes = (8, 80, 80)  # it trains, so what is taught is a model's distribution
    assert seconds_here(flow, speed) == pytest.approx(80 + 0.1 * (130 + 40) + 1000)


def test_known_lengths_of_completions_replace_the_assumed_share() -> None:
    known = replace(ASSUMED, completion_tokens=30.0)
    assert _call(4, 100, known).mean == 30 and _call(4, 20, known).mean == 20
    assert _call(4, 100, ASSUMED).mean == ASSUMED.fill * 100
