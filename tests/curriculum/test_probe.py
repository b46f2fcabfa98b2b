"""The probe: what stops early stays in its class, what is drawn is what a full probe draws, a kill costs little."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.cli.probe import probe_table, rollouts_line
from slmr.curriculum import probe as probing
from slmr.curriculum.consolidate import outcome_of
from slmr.curriculum.partition import GROUP_ORDER, GroupBounds, group_of
from slmr.curriculum.probe import ProbeParams, Tally, probe_stage
from slmr.curriculum.schema import PROBLEMS, ROLLOUTS, Row, tally
from slmr.curriculum.sequential import (
    Classes,
    Counts,
    Prior,
    StoppingRule,
    Target,
    chance_of_change,
    fit_prior,
)
from slmr.engines import Completion, Prompt, Sampling
from slmr.errors import RequestError
from slmr.io import read_json, read_rows
from slmr.pipeline.probing import ProbeRequest, probe_model
from slmr.stage import StageContext
from tests.curriculum.common import context, folder, problems

DIFFICULTY, MIXED = Classes("difficulty", 0.25, 0.75), Classes("mixed", 0.25, 0.75)


# --- the stopping rule -------------------------------------------------------------------------------


@given(st.integers(0, 40), st.integers(0, 40), st.floats(0, 1), st.floats(0, 1))
def test_classes_are_the_partitions_groups_and_the_consolidation_sets_outcomes(
    right: int, wrong: int, medium_from: float, simple_from: float
) -> None:
    counts = Counts(np.array([right]), np.array([right + wrong]))
    bounds = GroupBounds(medium_from=medium_from, simple_from=simple_from)
    (group,) = Classes("difficulty", medium_from, simple_from).of(counts)
    assert GROUP_ORDER[group] == group_of(right / max(right + wrong, 1), bounds)
    if right + wrong:
        assert ("all wrong", "mixed", "all right")[MIXED.of(counts)[0]] == outcome_of(right, right + wrong)


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 8), st.sampled_from((DIFFICULTY, MIXED)))
def test_the_chance_is_that_of_drawing_on(right: int, wrong: int, left: int, classes: Classes) -> None:
    """Against the same sum by Pólya's urn: one completion after another, each as likely as the counts say."""
    prior = Prior(0.7, 1.9)

    def changed(more_right: int, more_wrong: int) -> float:
        r, n = right + more_right, right + wrong + more_right + more_wrong
        if more_right + more_wrong == left:
            now, then = (
                classes.of(Counts(np.array([a]), np.array([b]))) for a, b in ((right, right + wrong), (r, n))
            )
            return float(now[0] != then[0])
        p = (prior.a + r) / (prior.a + prior.b + n)
        return p * changed(more_right + 1, more_wrong) + (1 - p) * changed(more_right, more_wrong + 1)

    counts = Counts(np.array([right]), np.array([right + wrong]))
    assert chance_of_change(counts, left, prior, classes)[0] == pytest.approx(changed(0, 0), abs=1e-12)


@given(st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=16), st.integers(0, 16),
       st.sampled_from((DIFFICULTY, MIXED)))  # fmt: skip
def test_without_an_error_only_what_cannot_change_stops(
    verdicts: list[bool | None], seen: int, classes: Classes
) -> None:
    """Also where completions (None) get no verdict."""
    rule, drawn = StoppingRule(classes, len(verdicts), 0.0), min(seen, len(verdicts))
    head, whole = (Counts(*map(np.array, zip(_counts(v), strict=True))) for v in (verdicts[:drawn], verdicts))
    chance = rule.chance_of_change(head.right, head.judged, [0], drawn)
    if rule.stops(chance, drawn)[0]:
        assert classes.of(head)[0] == classes.of(whole)[0]


def _counts(verdicts: Sequence[bool | None]) -> tuple[int, int]:
    judged = [v for v in verdicts if v is not None]
    return sum(judged), len(judged)


@pytest.mark.parametrize("shape", [(0.4, 0.9), (2.0, 5.0), (1.0, 1.0)])
def test_the_fit_finds_the_law_of_the_rates(shape: tuple[float, float]) -> None:
    rng = np.random.default_rng(0)
    right = rng.binomial(8, rng.beta(*shape, 20_000))
    prior = fit_prior(Counts(right, np.full(20_000, 8)))
    assert (prior.a, prior.b) == pytest.approx(shape, rel=0.06)


def _two(low: float, high: float) -> Callable[[np.random.Generator, int], np.ndarray]:
    return lambda rng, n: np.where(rng.random(n) < 0.5, low, high)


RATES: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "uniform": lambda rng, n: rng.random(n),
    "middle": lambda rng, n: rng.beta(2, 5, n),
    "ends": lambda rng, n: rng.beta(0.3, 0.5, n),
    "nearly all wrong": lambda rng, n: rng.beta(0.05, 0.3, n),
    # no Beta laws
    "one rate": lambda rng, n: np.full(n, 0.24),
    "two rates": _two(0.02, 0.5),
    "two close rates": _two(0.3, 0.7),
    "wrong or right": _two(0.1, 0.9),
    "three rates": lambda rng, n: rng.choice([0.0, 0.5, 1.0], n),
}  # fmt: skip


@pytest.mark.parametrize(("k", "wave"), [(8, 2), (16, 1)])
@pytest.mark.parametrize("rates", RATES)
def test_the_share_of_changed_classes_is_at_most_the_error(rates: str, k: int, wave: int) -> None:
    """10,000 simulated problems, probed in full and adaptively."""
    rng, n = np.random.default_rng(k), 10_000
    draws = rng.random((n, k)) < RATES[rates](rng, n)[:, None]
    for target, error in (("difficulty", 0.05), ("difficulty", 0.02), ("difficulty", 0.0), ("mixed", 0.0)):
        rule = ProbeParams(k=k, adaptive=target, stop_error=error).rule()  # type: ignore[arg-type]
        assert rule
        right, drawn, expected = _simulate(rule, draws, wave)
        changed = rule.classes.of(Counts(right, drawn)) != rule.classes.of(
            Counts(draws.sum(1), np.full(n, k))
        )
        assert drawn.sum() < n * k
        assert changed.mean() <= error + 3 * math.sqrt(error * (1 - error) / n)
        if rates in ("uniform", "middle", "ends"):  # the law fits, so the promise is kept in detail
            assert changed.mean() == pytest.approx(expected / n, abs=4 * math.sqrt(max(expected, 1)) / n)


def _simulate(rule: StoppingRule, draws: np.ndarray, wave: int) -> tuple[np.ndarray, np.ndarray, float]:
    """How many are right and drawn of each problem, and how many changes of class the rule expects."""
    tally, going_on, changes = Tally([{"id": i} for i in range(len(draws))]), list(range(len(draws))), 0.0
    for start in range(0, rule.k, wave):
        tally.right[going_on] += draws[going_on, start : start + wave].sum(1)
        tally.judged[going_on] += wave
        going_on, expected = tally.unsettled(rule, going_on, start + wave)
        changes += expected
    return tally.right, tally.judged, changes


# --- the stage on the lab student ----------------------------------------------------------------------


class Stopped(Exception):
    """Stands for a kill."""


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("pool"), problems=problems(64))


def probed(place: Path, pool: Path, **params: object) -> StageContext:
    made = context(place, problems=pool)
    probe_stage(made, ProbeParams.model_validate({"max_tokens": 60, **params}))
    return made


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, pool: Path) -> StageContext:
    return probed(tmp_path_factory.mktemp("full"), pool)


def test_a_full_probe_asks_for_everything_once(full: StageContext, pool: Path) -> None:
    rows = read_rows(full.folder / ROLLOUTS)
    ids = [row["id"] for row in read_rows(pool / PROBLEMS)]
    assert [(row["problem_id"], row["k_index"]) for row in rows] == [(i, k) for i in ids for k in range(8)]
    assert (full.stats["rollouts"], full.stats["asked_at_most"], full.stats["saved"]) == (512, 512, 0)
    assert full.cost.rollout_tokens == sum(row["tokens"] for row in rows)
    assert not (full.folder / "chunks").exists()


@pytest.mark.parametrize(("target", "error"), [("difficulty", 0.05), ("mixed", 0.0)])
def test_an_adaptive_probe_gives_the_partition_up_to_its_error(
    tmp_path: Path, pool: Path, full: StageContext, target: Target, error: float
) -> None:
    made = probed(tmp_path, pool, adaptive=target, stop_error=error)
    some, every = read_rows(made.folder / ROLLOUTS), read_rows(full.folder / ROLLOUTS)
    known = {(row["problem_id"], row["k_index"]): row["completion"] for row in every}
    # A row's arithmetic depends a little on what shares its batch, so a rare completion may differ.
    same = sum(known[row["problem_id"], row["k_index"]] == row["completion"] for row in some)
    assert same >= 0.99 * len(some)
    assert len(some) < len(every)
    found, whole = _classes(some, target), _classes(every, target)
    changed = sum(found[i] != whole[i] for i in whole)
    assert changed <= len(whole) * (error + 3 * math.sqrt(error * (1 - error) / len(whole)))


def _classes(rows: Sequence[Row], target: Target) -> dict[str, str]:
    counts = {
        i: tally([row for row in rows if row["problem_id"] == i]) for i in {r["problem_id"] for r in rows}
    }
    name = outcome_of if target == "mixed" else lambda right, k: group_of(right / k, GroupBounds())
    return {i: name(right, k) for i, (right, k) in counts.items()}


class CoinEngine:
    """Answers right with a rate of the problem's own; each draw depends on prompt and number alone."""

    parameters, width, unit = 1, 8, 8

    def __init__(self, calls_left: int = 10**9) -> None:
        self._calls_left, self.asked = calls_left, 0

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, heard: Callable) -> list[Completion]:
        if not self._calls_left:
            raise Stopped
        self._calls_left -= 1
        self.asked += len(prompts)
        return [self._answer(prompt) for prompt in prompts]

    @staticmethod
    def _answer(prompt: Prompt) -> Completion:
        right = Random(f"{prompt.user} {prompt.draw}").random() < float(prompt.user)
        return Completion(f"#### {int(right)}", "stop", 3)


@pytest.mark.parametrize("params", [{}, {"adaptive": "mixed"}, {"adaptive": "difficulty", "stop_error": 0.1}])
def test_a_killed_probe_goes_on_and_gives_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, params: dict[str, object]
) -> None:
    coins = folder(tmp_path / "pool", problems=_coins(60))
    monkeypatch.setattr(probing, "_CHUNK", 50)
    asked = {}
    for name, kills in (("whole", []), ("killed", [1, 2, 1])):
        engines = [CoinEngine(n) for n in kills] + [CoinEngine()]
        for engine in engines:
            monkeypatch.setattr(probing, "open_engine", partial(lambda e, *_: e, engine))
            made = context(tmp_path / name, problems=coins)
            try:
                probe_stage(made, ProbeParams.model_validate(params))
            except Stopped:
                assert engine is not engines[-1]
        asked[name] = sum(engine.asked for engine in engines), made.stats, made.cost
    assert asked["killed"] == asked["whole"]
    assert read_rows(tmp_path / "killed" / ROLLOUTS) == read_rows(tmp_path / "whole" / ROLLOUTS)


def _coins(n: int) -> list[Row]:
    return [
        {"id": f"p{i}", "prompt": f"{(i % 20) / 19:.5f}{i:05d}", "gold": "1", "kind": "numeric"}
        for i in range(n)
    ]


# --- slmr probe ----------------------------------------------------------------------------------------


def test_the_command_shows_groups_with_their_intervals_and_what_was_spent(tmp_path: Path) -> None:
    rows, place = probe_model(ProbeRequest("lab-llama", 4, 12, "mixed", out=tmp_path))
    assert [row["name"] for row in rows] == ["simple", "medium", "hard"]
    assert sum(row["problems"] for row in rows) == 12
    for row in rows:
        assert row["low"] <= row["share"] == row["problems"] / 12 <= row["high"]
        assert (
            sum(row["histogram"].values())
            == sum(rate["problems"] for rate in row["rates"])
            == row["problems"]
        )
        assert all(rate["low"] <= rate["rho"] <= rate["high"] for rate in row["rates"])
    assert probe_table(rows).row_count == 3 + sum(len(row["rates"]) for row in rows)
    stats = read_json(place / "stats.json")
    assert stats["rollouts"] == len(read_rows(place / ROLLOUTS)) < stats["asked_at_most"] == 48
    assert f"{stats['rollouts']} of at most 48" in rollouts_line(stats)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (ProbeRequest("lab-llama", adaptive="mixd"), "adaptive"),
        (ProbeRequest("lab-llama", adaptive="mixed", stop_error=0.7), "stop_error = 0.7"),
        (ProbeRequest("lab-llama", stop_error=0.1), "give --adaptive"),
    ],
)
def test_the_command_refuses_what_does_not_fit(request_: ProbeRequest, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        probe_model(request_)
