"""Plans: what is shared, what a key depends on, how rounds refer to each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slmr.errors import RequestError
from slmr.profiles import load_profile, profile_names
from slmr.recipes import Planner, Recipe, load_recipe, recipe_files, select_methods
from slmr.stage import EngineSettings


def planner(seed: int = 0, **stages: dict[str, Any]) -> Planner:
    profile = load_profile("lab")
    defaults = {name: {**values, **stages.get(name, {})} for name, values in profile.stages.items()}
    return Planner(Path(), "student-key", defaults, EngineSettings(), seed)


def keys(method: str, **arguments: Any) -> dict[str, str]:
    node = planner(**arguments).plan(load_recipe(method))
    return {child.label: child.key for child in node.ancestors()}


def test_every_shipped_recipe_plans_under_every_profile() -> None:
    for name in profile_names():
        profile = load_profile(name)
        for method in recipe_files():
            Planner(Path(), "s", profile.stages, profile.engine, 0).plan(load_recipe(method))


def test_methods_share_equal_stages() -> None:
    assert keys("sft")["sft"] == keys("sft_grpo")["sft"]
    assert keys("rft")["probe"] == keys("stagewise")["probe (round 1)"]


def test_a_key_follows_seed_parameters_and_inputs() -> None:
    plain = keys("sft_grpo")
    reseeded = keys("sft_grpo", seed=1)
    assert plain["pool"] == reseeded["pool"] and plain["raw"] == reseeded["raw"]
    assert plain["sft"] != reseeded["sft"] and plain["grpo"] != reseeded["grpo"]
    changed = keys("sft_grpo", teacher={"merge_share": 0.9})
    assert plain["pool"] == changed["pool"]
    assert all(plain[label] != changed[label] for label in ("raw", "sft", "grpo"))


def test_rounds_refer_to_the_round_before() -> None:
    final = planner().plan(load_recipe("stagewise"))
    assert final.label == "grpo (round 2)"
    by_label = {node.label: node for node in final.ancestors()}
    assert [n.label for n in by_label["sft (round 1)"].inputs["model"]] == ["student"]
    assert [n.label for n in by_label["sft (round 2)"].inputs["model"]] == ["grpo (round 1)"]
    traces = [n.label for n in by_label["sft (round 2)"].inputs["traces"]]
    assert traces == ["medium (round 2)", "bridge (round 2)", "critique (round 1)"]
    assert len(by_label["sft (round 1)"].inputs["traces"]) == 2
    assert "critique (round 2)" not in by_label


def test_base_is_always_there_and_first() -> None:
    assert [r.name for r in select_methods("grpo,sft")] == ["base", "sft", "grpo"]
    assert {r.name for r in select_methods("all")} >= {"base", "sft", "rft", "grpo", "sft_grpo", "stagewise"}


def test_a_stage_cannot_use_a_later_one() -> None:
    recipe = Recipe.model_validate(
        {"name": "m", "kind": "sft", "summary": "s", "result": "sft",
         "stages": {"sft": {"stage": "sft", "model": "student", "traces": "raw"}, "raw": {"stage": "pool"}}}
    )  # fmt: skip
    with pytest.raises(RequestError, match="unknown earlier stage 'raw'"):
        planner().plan(recipe)


def test_an_input_that_is_missing_is_named() -> None:
    recipe = Recipe.model_validate(
        {
            "name": "m",
            "kind": "sft",
            "summary": "s",
            "result": "sft",
            "stages": {"sft": {"stage": "sft", "model": "student"}},
        }
    )
    with pytest.raises(RequestError, match="input 'traces' takes many, 0 given"):
        planner().plan(recipe)
