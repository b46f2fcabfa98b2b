"""A checker that lies: at its rate, the same each time, and never about what it has not decided."""

from __future__ import annotations

import pytest

from slmr.rewards.noise import Noise, NoiseParams
from slmr.verify import Verdict, verify_batch

N = 4000


def said(noise: Noise, ends: str) -> list[Verdict]:
    texts = [f"try {i}. {ends}" for i in range(N)]
    return noise.flip(verify_batch(texts, ["7"] * N, "numeric"), texts, ["7"] * N)


@pytest.mark.parametrize("rate", [0.02, 0.2])
def test_it_lies_at_its_rates_apart(rate: float) -> None:
    accepts, rejects = Noise(3, false_accept=rate), Noise(3, false_reject=rate)
    spread = 4 * (rate * (1 - rate) / N) ** 0.5
    wrong, right = said(accepts, "#### 8"), said(rejects, "#### 7")
    assert sum(v.strict for v in wrong) / N == pytest.approx(rate, abs=spread)
    assert sum(not v.strict for v in right) / N == pytest.approx(rate, abs=spread)
    assert all(v.strict == v.lenient == (v.status == "correct") for v in [*wrong, *right])
    assert all(v.strict for v in said(accepts, "#### 7")) and not any(v.strict for v in said(rejects, "#### 8"))


def test_a_lie_is_of_the_seed_and_the_completion_alone() -> None:
    noise, texts = Noise(1, 0.5, 0.5), [f"#### {i}" for i in range(200)]
    verdicts = verify_batch(texts, ["7"] * 200, "numeric")
    together = noise.flip(verdicts, texts, ["7"] * 200)
    one_by_one = [noise.flip([v], [t], ["7"])[0] for v, t in zip(verdicts, texts, strict=True)]
    assert together == one_by_one
    assert together != Noise(2, 0.5, 0.5).flip(verdicts, texts, ["7"] * 200)


def test_what_is_undecided_stays_so() -> None:
    verdicts = verify_batch(["#### 7"], ["seven"], "numeric")
    assert Noise(0, 1.0, 1.0).flip(verdicts, ["#### 7"], ["seven"]) == verdicts


def test_an_honest_checker_is_no_part_of_a_key() -> None:
    assert NoiseParams().identity() == {}
    assert NoiseParams(false_accept=0.1).identity() == {"false_accept": 0.1}


def test_no_noise_is_the_default() -> None:
    verdicts = verify_batch(["#### 7", "#### 8"], ["7", "7"], "numeric")
    for noise in (Noise(), NoiseParams().noise(0)):
        assert noise.flip(verdicts, ["#### 7", "#### 8"], ["7", "7"]) == verdicts
