"""The probe: what is sampled is what a full probe samples, and a kill costs little."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from slmr.cli.probe import probe_table, rollouts_line
from slmr.curriculum import probe as probing
from slmr.curriculum.consolidate import outcome_of
from slmr.curriculum.partition import GroupBounds, group_of
from slmr.curriculum.probe import ProbeParams, probe_stage
from slmr.curriculum.schema import PROBLEMS, ROLLOUTS, tally
from slmr.curriculum.sequential import (
    Target,
)
from slmr.engines import Completion, Prompt, Sampling
from slmr.errors import RequestError
from slmr.io import read_json, read_rows
from slmr.pipeline.probing import ProbeRequest, probe_model
from slmr.stage import StageContext
from tests.curriculum.common import context, folder, problems


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
    assert not (full.folder / "parts").exists()


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
    expected = made.stats["expected_error"]
    assert 0 < expected <= error if error else expected == 0
    assert changed <= len(whole) * (error + 3 * math.sqrt(error * (1 - error) / len(whole)))


def _classes(rows: Sequence[dict[str, Any]], target: Target) -> dict[str, str]:
    counts = {i: tally([row for row in rows if row["problem_id"] == i]) for i in {r["problem_id"] for r in rows}}
    name = outcome_of if target == "mixed" else lambda right, k: group_of(right / k, GroupBounds())
    return {i: name(right, k) for i, (right, k) in counts.items()}


class CoinEngine:
    """Answers right with a rate of the problem's own; each draw depends on prompt and number alone."""

    parameters, width, unit = 1, 8, 8

    def __init__(self, calls_left: int = 10**9) -> None:
        self._calls_left, self.asked = calls_left, 0

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, on_completion: Callable) -> list[Completion]:
        if not self._calls_left:
            raise Stopped
        self._calls_left -= 1
        self.asked += len(prompts)
        completions = [self._answer(prompt) for prompt in prompts]
        for i, completion in enumerate(completions):
            on_completion(i, completion)
        return completions

    @staticmethod
    def _answer(prompt: Prompt) -> Completion:
        right = Random(f"{prompt.user} {prompt.sample_index}").random() < float(prompt.user)
        return Completion(f"#### {int(right)}", "stop", 3)


@pytest.mark.parametrize("params", [{}, {"adaptive": "mixed"}, {"adaptive": "difficulty", "stop_error": 0.1}])
def test_a_killed_probe_goes_on_and_gives_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, params: dict[str, object]
) -> None:
    coins = folder(tmp_path / "pool", problems=_coins(60))
    monkeypatch.setattr(probing, "_UNIT", 50)
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


def _coins(n: int) -> list[dict[str, Any]]:
    return [{"id": f"p{i}", "prompt": f"{(i % 20) / 19:.5f}{i:05d}", "gold": "1", "kind": "numeric"} for i in range(n)]


def test_the_command_shows_groups_with_their_intervals_and_what_was_spent(tmp_path: Path) -> None:
    probe = probe_model(ProbeRequest("lab-llama", 4, "mixed", limit=12, out=tmp_path))
    rows, place = probe.groups(), probe.rollouts
    assert [row["name"] for row in rows] == ["simple", "medium", "hard"]
    assert sum(row["problems"] for row in rows) == 12
    for row in rows:
        assert row["low"] <= row["share"] == row["problems"] / 12 <= row["high"]
        assert sum(row["histogram"].values()) == sum(rate["problems"] for rate in row["rates"]) == row["problems"]
        assert all(rate["low"] <= rate["rho"] <= rate["high"] for rate in row["rates"])
    assert probe_table(rows, 80).row_count == 3 + sum(len(row["rates"]) for row in rows)
    stats = read_json(place / "stats.json")
    assert stats["rollouts"] == len(read_rows(place / ROLLOUTS)) < stats["asked_at_most"] == 48
    assert f"{stats['rollouts']} of at most 48" in rollouts_line(stats)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (ProbeRequest("lab-llama", adaptive="mixd"), "adaptive"),
        (ProbeRequest("lab-llama", adaptive="mixed", stop_error=0.7), "stop_error = 0.7"),
        (ProbeRequest("lab-llama", stop_error=0.1), "add --adaptive"),
    ],
)
def test_the_command_refuses_what_does_not_fit(request_: ProbeRequest, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        probe_model(request_)


def test_a_lying_checker_changes_verdicts_and_no_completion(tmp_path: Path, pool: Path, full: StageContext) -> None:
    lied = read_rows(probed(tmp_path, pool, false_accept=1.0).folder / ROLLOUTS)
    honest = read_rows(full.folder / ROLLOUTS)
    assert [row["completion"] for row in lied] == [row["completion"] for row in honest]
    assert all(row["strict"] and row["status"] == "correct" for row in lied)
    assert not all(row["strict"] for row in honest)


def test_an_honest_probe_keeps_the_key_that_it_had() -> None:
    assert not {"false_accept", "false_reject"} & set(ProbeParams().identity())
