"""Recipes: what their YAML says, what extends what, which methods a word stands for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from slmr.config import load_profile
from slmr.curriculum.factors import FACTORIAL, FACTORS
from slmr.errors import RequestError
from slmr.io import merged
from slmr.pipeline.planner import Planner
from slmr.pipeline.recipe import (
    Recipe,
    load_recipe,
    recipe_files,
    select_methods,
    stages,
)
from studies.tune import absolute, changed, spaces
from tests.pipeline.test_planner import STUDENT


def test_base_is_always_there_and_first() -> None:
    assert [r.name for r in select_methods("grpo,sft")] == ["base", "sft", "grpo"]
    assert {r.name for r in select_methods("all")} >= {"base", "sft", "rft", "grpo", "sft_grpo", "stagewise"}


RECIPES = Path(recipe_files()["stagewise"]).parent
ABLATIONS = sorted(p.stem for p in (RECIPES / "ablations").glob("*.yaml"))


@pytest.mark.parametrize("names", ["", ",", " , "])
def test_a_list_without_a_name_is_refused(names: str) -> None:
    with pytest.raises(RequestError, match="names no method"):
        select_methods(names)


def test_the_ablations_are_asked_for_by_one_word_and_no_part_of_all() -> None:
    names = [r.name for r in select_methods("stagewise,ablations")]
    assert names[:2] == ["base", "stagewise"] and sorted(names[2:]) == ABLATIONS
    assert not set(ABLATIONS) & {r.name for r in select_methods("all")}
    assert {load_recipe(name).kind for name in ABLATIONS} == {"ablation", "control"}


ROUNDS = ["bridged_selected_consolidated", *(file.stem for file in (RECIPES / "rounds").glob("*.yaml"))]


@pytest.mark.parametrize(("word", "names"), [("factorial", FACTORIAL), ("rounds", ROUNDS)])
def test_an_experiment_is_asked_for_by_one_word_and_no_part_of_others(word: str, names: Sequence[str]) -> None:
    assert {r.name for r in select_methods(word)} == {"base", *names}
    assert not set(names) & {r.name for r in select_methods("all,ablations,starter")}
    assert names[-1] not in {r.name for r in select_methods(word, (), {names[-1]: "why"})}
    summaries = {load_recipe(name).summary for name in names}
    assert len(summaries) == len(names)


def test_a_group_is_no_part_of_what_is_inherited(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("extends: two_rounds\nname: mine\nkind: ablation\nsummary: s\n")
    assert load_recipe("two_rounds").groups == ("rounds",) and load_recipe("mine", [tmp_path]).groups == ()
    assert "mine" in {r.name for r in select_methods("ablations", [tmp_path])}
    assert {r.name for r in select_methods("starter")} == {"base", "sft", "grpo", "sft_grpo", "stagewise"}


def leaves(values: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """What stands where in a recipe."""
    if not isinstance(values, dict):
        return {path: values}
    return {k: v for name, value in values.items() for k, v in leaves(value, (*path, name)).items()}


def test_the_eight_differ_in_the_three_factors_alone() -> None:
    """Each factor is one line of the recipe, the same line and the same two values whatever the others are."""
    lines = [("bridge", "with_", "rewrites"), ("medium", "with_", "groups"), ("grpo", "problems")]
    cells = {name: leaves(load_recipe(name).model_dump()["stages"]) for name in FACTORIAL}
    values: dict[str, set[str]] = {}
    for name, cell in cells.items():
        for level, line in zip(name.split("_"), lines, strict=True):
            values.setdefault(level, set()).add(str(cell.pop(line, None)))
    assert all(cell == cells[FACTORIAL[0]] for cell in cells.values())
    assert set(values) == {level for f in FACTORS for level in (f.without, f.with_)}
    assert {len(found) for found in values.values()} == {1}
    assert all(values[f.without] != values[f.with_] for f in FACTORS)


def test_overrides_merge_by_key_and_null_removes() -> None:
    base = {"a": {"b": 1, "c": [1, 2]}, "d": 4}
    assert merged(base, {"a": {"c": [3], "b": None}, "e": 5}) == {"a": {"c": [3]}, "d": 4, "e": 5}
    assert base == {"a": {"b": 1, "c": [1, 2]}, "d": 4}


def written(folder: Path, **recipes: str) -> Path:
    for name, text in recipes.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def test_a_users_recipe_extends_a_shipped_one(tmp_path: Path) -> None:
    text = "extends: stagewise\nname: mine\nkind: stagewise\nsummary: s\nrounds: 1\n"
    recipe = load_recipe("mine", [written(tmp_path, mine=text)])
    assert recipe.rounds == 1 and recipe.stages == load_recipe("stagewise").stages


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("extends: stagewize\nname: mine\n", "unknown method 'stagewize'.*stagewise"),
        ("extends: mine\nname: mine\n", "'mine' extends itself"),
        ("extends: yours\nname: mine\n", "extends itself"),
        ("extends: stagewise\nname: mine\nround: 1\n", "unknown key 'round'"),
        ("- sft\n", "a recipe is a mapping"),
        ("extends: [sft, grpo]\nname: mine\n", "extends = .* the name of one method"),
        ("extends: stagewise\nname: mine\nrounds: 1000000000\n", "rounds = 1000000000"),
        (
            "extends: sft\nname: mine\nstages: {sft: {model: 5}}\n",
            "input model = 5: it should be the name of a stage",
        ),
        ("extends: sft\nname: mine\nstages: {sft: {traces: {a: b}}}\n", "input traces"),
        ("extends: sft\nname: mine\nstages: {sft: {traces: [raw, 3]}}\n", "input traces"),
    ],
)
def test_a_faulty_extension_is_named(tmp_path: Path, text: str, fault: str) -> None:
    folder = written(tmp_path, mine=text, yours="extends: mine\nname: yours\n")
    with pytest.raises(RequestError, match=fault):
        load_recipe("mine", [folder])


def test_methods_that_a_profile_leaves_out() -> None:
    names = [recipe.name for recipe in select_methods("all", (), {"gkd": "why"})]
    assert "gkd" not in names and "grpo" in names
    assert "gkd" in [recipe.name for recipe in select_methods("gkd", (), {"gkd": "why"})]  # asked for by name


def test_starter_is_a_few_methods_that_all_has_too() -> None:
    assert [r.name for r in select_methods("starter")] == ["base", "sft", "grpo", "sft_grpo", "stagewise"]
    assert {r.name for r in select_methods("starter")} < {r.name for r in select_methods("all")}
    assert "grpo" not in [r.name for r in select_methods("starter", (), {"grpo": "why"})]
    assert [r.name for r in select_methods("starter,rft")][:3] == ["base", "rft", "sft"]


TUNED = [r for r in select_methods("all") if any(stages()[s.stage].trains for s in r.stages.values())]


def test_every_method_has_a_declared_space_of_nine_trials() -> None:
    found = spaces()
    assert set(found) == {recipe.name for recipe in TUNED}
    for method, trials in found.items():
        assert len(trials) == 9 == len({str(trial) for trial in trials}), method


@pytest.mark.parametrize("recipe", TUNED, ids=lambda recipe: recipe.name)
def test_a_space_is_of_the_methods_own_settings(recipe: Recipe) -> None:
    """Each setting exists; it reaches a plan; and it is none that makes a baseline what it is."""
    profile = load_profile("lab")
    planner = Planner(STUDENT, profile, 0)
    keys = {planner.plan(recipe).key}
    for trial in spaces()[recipe.name]:
        own = {key: value for key, value in trial.items() if key != "rounds"}
        for name in own:
            kind, _, key = name.partition(".")
            of_kind = [spec for spec in recipe.stages.values() if spec.stage == kind]
            assert of_kind, name
            ours = "stagewise" in (recipe.name, *recipe.extends)
            assert ours or not any(key in spec.with_ for spec in of_kind), name
        keys.add(planner.plan(changed(recipe, absolute(trial, recipe, profile))).key)
    assert len(keys) >= 9  # one of the trials may be as the recipe is
