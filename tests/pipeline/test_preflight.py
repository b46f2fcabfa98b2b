"""What a preflight says is right in expectation, though its probe stops early."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from slmr.config import load_profile
from slmr.curriculum.schema import Rollout
from slmr.engines.models import Model
from slmr.lab import model_path
from slmr.pipeline.estimate import ASSUMED
from slmr.pipeline.identities import IdentitiesOnHand
from slmr.pipeline.planner import Planner
from slmr.pipeline.preflight import RunCost, Signal, _cost, signal_of
from slmr.stats import bounded_mean, minimum_detectable_difference, paired_difference

K, WAVE = 8, 2


def a_rollout(problem: int, k: int, strict: bool, lenient: bool, length: bool) -> Rollout:
    return {
        "problem_id": str(problem),
        "k_index": k,
        "completion": "x",
        "finish_reason": "length" if length else "stop",
        "tokens": 10,
        "status": "correct" if lenient else "wrong",
        "strict": strict,
    }


def probed(rates: np.ndarray, rng: np.random.Generator) -> list[list[Rollout]]:
    """As the adaptive probe samples: wave by wave, a problem with a right and a wrong one no further."""
    groups = []
    for i, rate in enumerate(rates):
        drawn = rng.random((K, 3)) < (rate, 0.1, 0.2)
        rows = [a_rollout(i, k, bool(s), bool(s or other), bool(cut)) for k, (s, other, cut) in enumerate(drawn)]
        stop = next((n for n in range(WAVE, K, WAVE) if len({row["strict"] for row in rows[:n]}) > 1), K)
        groups.append(rows[:stop])
    return groups


def read(groups: list[list[Rollout]]) -> Signal:
    return signal_of(groups, K, 8, bounded_mean([0.5]))


def test_early_stopping_biases_no_rate() -> None:
    rng = np.random.default_rng(0)
    rates = rng.beta(0.6, 0.9, 6000)
    signal = read(probed(rates, rng))
    assert signal.first_k == WAVE and signal.completions < 6000 * K
    assert signal.pass_1.mean == pytest.approx(rates.mean(), abs=0.02)
    assert signal.pass_k.mean == pytest.approx((1 - (1 - rates) ** K).mean(), abs=0.02)
    assert signal.cut_off.mean == pytest.approx(0.2, abs=0.02)
    assert signal.format_loss.mean == pytest.approx(0.1 * (1 - rates.mean()), abs=0.02)
    assert signal.lenient.mean == pytest.approx(signal.pass_1.mean + signal.format_loss.mean)
    # The mean over all completions would be off: what was sampled on is one-sided.
    every = np.mean([row["strict"] for group in probed(rates, rng) for row in group])
    assert abs(every - rates.mean()) > 0.01


@pytest.mark.parametrize("correlated", [False, True])
def test_the_smallest_gain_is_found_four_times_in_five(correlated: bool) -> None:
    """Two evaluations of the same items whose scores correlate as was said, with a true gain of that size."""
    rng, items, k = np.random.default_rng(1), 400, 4
    base = rng.beta(2, 2, 4000)
    signal = read(probed(base, rng))
    # Equal rates: what correlates is what k completions leave of them.
    spread = base.var() + (base * (1 - base)).mean() / k
    correlation = base.var() / spread if correlated else 0.0
    gain = signal.smallest_gain(items, k, correlation)
    found = 0
    for _ in range(400):
        before = rng.beta(2, 2, items)
        after = before if correlated else rng.beta(2, 2, items)
        shifted = np.clip(after + gain, 0, 1)
        a, b = (rng.binomial(k, rate)[:, None] / k for rate in (shifted, before))
        found += paired_difference(a, b).p < 0.05
    assert found / 400 == pytest.approx(0.8, abs=0.1)


def test_more_items_and_completions_show_less() -> None:
    signal = read(probed(np.random.default_rng(2).beta(1, 1, 300), np.random.default_rng(3)))
    assert signal.smallest_gain(400, 1, 0.5) == pytest.approx(signal.smallest_gain(100, 1, 0.5) / 2)
    assert signal.smallest_gain(100, 4, 0.5) < signal.smallest_gain(100, 1, 0.5)
    assert signal.smallest_gain(100, 1, 0.75) == pytest.approx(signal.smallest_gain(100, 1, 0) / 2)
    half = [[a_rollout(i, k, k == 0, k == 0, False) for k in range(2)] for i in range(50)]
    assert read(half).smallest_gain(100, 1, 0) == pytest.approx(
        minimum_detectable_difference(math.sqrt(0.5 / 100)), rel=0.02
    )


def test_what_a_run_costs_where_it_is_not_trained_on_this_cpu() -> None:
    """On a GPU by assumed speeds; of a server's model, whose size nobody knows, the tokens alone."""
    profile = load_profile("paper")

    def cost(student: Path | str) -> RunCost:
        planner = Planner(Model("m", "folder", student, "key"), profile, 0, IdentitiesOnHand())
        return _cost("grpo", planner, profile, None, ASSUMED)

    here, served = cost(model_path("lab-llama")), cost("http://localhost:8000/v1")
    assert here.where == "on an H100, assumed" and here.seconds and here.seconds > 0
    assert served.seconds is None and served.tokens == here.tokens > 0
