"""Plans: what is shared, what a key depends on, how rounds refer to each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slmr.artifacts import Store
from slmr.config import EngineSettings, Profile, TrainingSettings, load_profile, profile_names
from slmr.curriculum.factors import FACTORIAL
from slmr.engines.models import Model
from slmr.errors import RequestError
from slmr.io import merged
from slmr.pipeline.identities import IdentitiesOnHand
from slmr.pipeline.planner import Planner, StudentNode, spent_on
from slmr.pipeline.recipe import Recipe, load_recipe, recipe_files, select_methods
from slmr.training.supervised import updates
from tests.pipeline.test_runner import made, node

STUDENT = Model("student", "folder", Path(), "student-key")


def lab(**changes: Any) -> Profile:
    """The lab's profile with other fields."""
    return load_profile("lab").model_copy(update=changes)


def planner(seed: int = 0, **stages: dict[str, Any]) -> Planner:
    values = {name: {**values, **stages.get(name, {})} for name, values in lab().stages.items()}
    return Planner(STUDENT, lab(stages=values, tuned={}), seed)


def keys(method: str, **arguments: Any) -> dict[str, str]:
    node = planner(**arguments).plan(load_recipe(method))
    return {child.label: child.key for child in node.ancestors()}


def test_every_shipped_recipe_plans_under_every_profile() -> None:
    for name in profile_names():
        profile = load_profile(name)
        # A teacher on a server is not there, and is asked once.
        planner = Planner(STUDENT, profile, 0, IdentitiesOnHand())
        for method in set(recipe_files()) - set(profile.leave_out):
            planner.plan(load_recipe(method))


def test_methods_share_equal_stages() -> None:
    assert keys("sft")["sft"] == keys("sft_grpo")["sft"]
    assert keys("rft")["sampler"] == keys("sft")["sft"]
    assert keys("no_bridge")["probe (round 1)"] == keys("stagewise")["probe (round 1)"]


def test_a_key_follows_seed_parameters_and_inputs() -> None:
    plain = keys("sft_grpo")
    reseeded = keys("sft_grpo", seed=1)
    assert all(plain[label] != reseeded[label] for label in ("pool", "raw", "sft", "grpo"))
    changed = keys("sft_grpo", teacher={"merge_share": 0.9})
    assert plain["pool"] == changed["pool"]
    assert all(plain[label] != changed[label] for label in ("raw", "sft", "grpo"))


def test_a_rate_that_is_not_finite_is_refused() -> None:
    with pytest.raises(RequestError, match="learning_rate = Infinity: it should be a finite number"):
        keys("sft", sft={"learning_rate": float("inf")})


def test_where_rollouts_come_from_is_in_the_keys_of_what_rolls_out_alone() -> None:
    def keys_with(**engine: Any) -> dict[str, str]:
        final = Planner(STUDENT, lab(engine=EngineSettings(**engine)), 0).plan(load_recipe("sft_grpo"))
        return {node.label: node.key for node in final.ancestors()}

    plain = keys_with()
    assert keys_with(rollouts="trainer") == plain  # what the default is
    server = keys_with(rollouts="http://a:8000/v1")
    assert server == keys_with(rollouts="http://b:8000/v1")
    assert {label for label in plain if plain[label] != server[label]} == {"grpo"}
    vllm, sampled_by_trainer = keys_with(name="vllm"), keys_with(name="vllm", rollouts="trainer")
    assert {label for label in vllm if vllm[label] != sampled_by_trainer[label]} == {"grpo"}


def test_the_default_engine_is_in_keys_as_it_was_before_rollouts_had_a_source() -> None:
    settings = EngineSettings()
    known = {"name", "batch_size", "device", "dtype", "compile", "trust_remote_code", "served_name"}
    assert settings.identity(rolls_out=True).keys() == known == settings.identity(rolls_out=False).keys()


def test_rounds_refer_to_the_round_before() -> None:
    final = planner().plan(load_recipe("stagewise"))
    assert final.label == "grpo (round 2)"
    by_label = {node.label: node for node in final.ancestors()}
    assert [n.label for n in by_label["sft (round 1)"].inputs["model"]] == ["student"]
    assert [n.label for n in by_label["sft (round 2)"].inputs["model"]] == ["grpo (round 1)"]
    traces = [n.label for n in by_label["sft (round 2)"].inputs["traces"]]
    assert traces == ["medium (round 2)", "bridge (round 2)", "rehearsal (round 2)", "critique (round 1)"]
    assert len(by_label["sft (round 1)"].inputs["traces"]) == 3
    assert "critique (round 2)" not in by_label


def test_a_stage_cannot_use_a_later_one() -> None:
    recipe = Recipe.model_validate(
        {
            "name": "m",
            "kind": "sft",
            "summary": "s",
            "result": "sft",
            "stages": {
                "sft": {"stage": "sft", "model": "student", "traces": "raw"},
                "raw": {"stage": "pool"},
            },
        }
    )
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


def labels(method: str) -> list[str]:
    return [node.label for node in planner().plan(load_recipe(method)).ancestors()]


ABLATIONS = sorted(p.stem for p in (Path(recipe_files()["stagewise"]).parent / "ablations").glob("*.yaml"))


@pytest.mark.parametrize("method", ABLATIONS)
def test_an_ablation_plans_another_model_and_says_what_it_is(method: str) -> None:
    recipe = load_recipe(method)
    assert recipe.name == method and recipe.summary != load_recipe("stagewise").summary
    assert planner().plan(recipe).key != planner().plan(load_recipe("stagewise")).key


def test_what_an_ablation_leaves_out() -> None:
    full = load_recipe("stagewise")
    assert not [label for label in labels("no_critique") if label.startswith("critique")]
    assert not [label for label in labels("no_partition") if label.split()[0] in ("probe", "partition", "bridge")]
    assert load_recipe("no_diag").stages["critique"].with_["diag"] == 0
    assert load_recipe("no_diag").stages["sft"] == full.stages["sft"]
    assert load_recipe("one_round").rounds == 1 and load_recipe("three_rounds").rounds == 3
    assert "grpo (round 3)" in labels("three_rounds") and "grpo" in labels("one_round")
    assert load_recipe("k16").stages["reprobe"].with_["k"] == 16
    assert load_recipe("sft_worked").stages["raw"].with_["worked"] is True


def of_kind(method: str, label: str) -> Any:
    """The parameters of a stage of a method under the lab's profile."""
    return next(n.params for n in planner().plan(load_recipe(method)).stages() if n.label == label)


def test_sft_has_all_of_its_epochs_in_every_round() -> None:
    for method, rounds in (("stagewise", 2), ("three_rounds", 3)):
        assert [of_kind(method, f"sft (round {n + 1})").share for n in range(rounds)] == [1.0] * rounds
    assert of_kind("one_round", "sft").share == 1.0
    assert of_kind("stagewise", "probe (round 1)").adaptive == "difficulty"
    assert of_kind("stagewise", "reprobe (round 1)").adaptive == "mixed"


def spent(method: str, profile: str = "lab") -> tuple[int, int]:
    """The SFT updates and the RL steps that a method is planned with, over its rounds."""
    made = Planner(STUDENT, load_profile(profile), 0).plan(load_recipe(method))
    sft, rl = [n for n in made.stages() if n.kind == "sft"], [n for n in made.stages() if n.kind == "grpo"]
    sizes = [pool.params.size for n in sft for pool in n.inputs["epochs_of"]]  # type: ignore[attr-defined]
    assert len(sizes) == len(sft) > 0
    steps = (updates(size, n.params, n.params.share) for size, n in zip(sizes, sft, strict=True))  # type: ignore[arg-type]
    return sum(steps), sum(n.params.steps_taken for n in rl)  # type: ignore[attr-defined]


ROUNDS = {r.name for r in select_methods("rounds") if "rounds" in r.groups}


@pytest.mark.parametrize("method", sorted({*FACTORIAL, *ROUNDS}))
def test_the_experiments_spend_as_many_updates_and_steps_in_every_recipe(method: str) -> None:
    rounding = 0 if method in FACTORIAL else 1  # two halves of an odd number
    assert spent(method) == (pytest.approx(225, abs=rounding), 40)  # 9 epochs of 800 rows in batches of 32
    assert spent(method, "lab-third") == (pytest.approx(75, abs=rounding), 40)


def test_the_cell_of_the_method_has_what_stagewise_has_in_its_first_round() -> None:
    cell, first = (
        {n.label.removesuffix(" (round 1)"): n for n in planner().plan(load_recipe(m)).stages()}
        for m in ("bridged_selected_consolidated", "stagewise")
    )
    for label in ("pool", "probe", "partition", "medium", "bridge"):
        assert cell[label].key == first[label].key
    assert [n.label for n in cell["sft"].inputs["traces"]] == ["medium", "bridge"]
    assert [n.label for n in cell["grpo"].inputs["problems"]] == ["consolidate"]


def test_what_is_recycled_into_the_second_of_two_rounds() -> None:
    def recycled(method: str) -> list[str]:
        (second,) = [n for n in planner().plan(load_recipe(method)).stages() if n.label == "sft (round 2)"]
        return [n.label for n in second.inputs["traces"] if n.label.startswith(("critique", "more", "rehearsal"))]

    def shares(method: str) -> tuple[float, float, float]:
        params = of_kind(method, "critique (round 1)")
        return params.new, params.repair, params.diag

    assert recycled("two_rounds") == recycled("two_rounds_random") == recycled("two_rounds_shortest") == []
    assert recycled("two_rounds_new") == ["critique (round 1)"] and shares("two_rounds_new") == (1, 0, 0)
    assert shares("two_rounds_new_repair") == (1, 1, 0)
    assert shares("two_rounds_new_repair_diag") == (1, 1, 0.5)  # as by default
    assert recycled("two_rounds_more") == recycled("two_rounds_more_worked") == ["more (round 1)"]
    assert shares("two_rounds_more_worked") == shares("two_rounds_new")  # what it draws as many as
    assert recycled("two_rounds_rehearsal") == ["rehearsal (round 2)"]


def test_rehearsal_is_off_unless_its_ablation_asks_for_it() -> None:
    assert of_kind("stagewise", "rehearsal (round 1)").share == 0
    on = of_kind("rehearsal", "rehearsal (round 1)")
    assert on.share > 0 and on.groups == ("simple",)


def test_critique_hands_on_what_earlier_rounds_recycled_and_its_control_does_not() -> None:
    stages = {n.label: n for n in planner().plan(load_recipe("three_rounds")).stages()}
    (earlier,) = stages["critique (round 2)"].inputs["earlier"]
    assert earlier.key == stages["critique (round 1)"].key
    assert not stages["critique (round 1)"].inputs["earlier"]
    control = {n.label: n for n in planner().plan(load_recipe("more_of_the_same")).stages()}
    handed = {node.label for node in control["sft (round 2)"].inputs["traces"]}
    assert "more (round 1)" in handed and not any(label.startswith("critique") for label in handed)
    first = {n.label: n for n in planner().plan(load_recipe("stagewise")).stages()}
    assert control["grpo (round 1)"].key == first["grpo (round 1)"].key, "round 1 is the full method's"


@pytest.mark.parametrize("criterion", ["random", "shortest"])
def test_an_ablation_of_bridges_criterion(criterion: str) -> None:
    assert of_kind("stagewise", "bridge (round 1)").criterion == "nll"
    assert of_kind(f"bridge_{criterion}", "bridge (round 1)").criterion == criterion


def test_what_tuning_chose_is_the_methods_own_and_its_childrens() -> None:
    def rate(method: str, label: str, tuned: dict[str, Any]) -> Any:
        final = Planner(STUDENT, lab(tuned=tuned), 0).plan(load_recipe(method))
        node = next(n for n in final.ancestors() if n.label.startswith(label))
        return node.params.learning_rate  # type: ignore[union-attr]

    tuned = {"grpo": {"grpo": {"learning_rate": 1.0}}, "stagewise": {"sft": {"learning_rate": 2.0}}}
    plain = rate("grpo", "grpo", {})
    assert rate("grpo", "grpo", tuned) == 1.0 and rate("dapo", "grpo", tuned) == 1.0  # dapo extends grpo
    assert rate("sft_grpo", "grpo", tuned) == plain and rate("stagewise", "grpo", tuned) == plain
    assert rate("no_bridge", "sft", tuned) == 2.0
    assert rate("dapo", "grpo", {**tuned, "dapo": {"grpo": {"learning_rate": 3.0}}}) == 3.0


def test_a_budget_is_part_of_every_key_but_the_evaluations() -> None:
    def keys_with(budget: int | None) -> dict[str, str]:
        final = Planner(STUDENT, lab(budget=budget), 0).plan(load_recipe("grpo"))
        return {n.label: n.key for n in final.stages()}

    assert keys_with(10) == keys_with(10) and set(keys_with(10).values()).isdisjoint(keys_with(11).values())


def test_dapo_with_its_switches_off_is_grpo() -> None:
    off = merged(
        load_recipe("dapo").model_dump(by_alias=True),
        {"stages": {"grpo": {"with": {"loss": "grpo", "clip_high": 0.2, "resample": 0, "updates": 1}}}},
    )
    assert planner().plan(Recipe.model_validate(off)).key == planner().plan(load_recipe("grpo")).key


def test_stagewise_with_its_parts_off_is_sft_then_grpo() -> None:
    """One round, no Bridge, no partition, no critique: the same stages, so the same artefacts to the last digit."""
    off = merged(
        load_recipe("one_round").model_dump(by_alias=True),
        {
            "stages": {
                "medium": {"partition": None, "with": {"groups": []}},
                "bridge": None,
                "critique": None,
                "sft": {"traces": ["medium"]},
                "grpo": {"problems": "pool"},
            }
        },
    )
    assert planner().plan(Recipe.model_validate(off)).key == planner().plan(load_recipe("sft_grpo")).key


def test_vllm_in_the_training_process_is_refused_where_there_are_several() -> None:
    profile = lab(engine=EngineSettings(name="vllm"), training=TrainingSettings(processes=2))
    planner = Planner(STUDENT, profile, 0)
    assert planner.plan(load_recipe("sft"))
    with pytest.raises(RequestError, match="name a vLLM server"):
        planner.plan(load_recipe("grpo"))


def test_what_several_need_is_counted_once_and_a_student_costs_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    shared = node("shared", StudentNode("s", "student", tmp_path))
    left, right = node("left", shared), node("right", shared)
    for each, tokens in ((shared, 100), (left, 10), (right, 1)):
        made(store, each, tokens)
    assert spent_on(store, [left, right]).tokens == 111
    assert spent_on(store, [left]).tokens == 110
    assert spent_on(store, []).tokens == 0
