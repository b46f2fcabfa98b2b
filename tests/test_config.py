"""Profiles from files: one over another, and what is refused; and every kind of fault in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.config import load_profile, profile_names
from slmr.errors import RequestError


@pytest.mark.parametrize("name", profile_names())
def test_every_shipped_profile_loads(name: str) -> None:
    assert load_profile(name).name == name


def test_the_quick_profile_is_the_lab_with_less() -> None:
    quick, lab = load_profile("lab-quick"), load_profile("lab")
    assert (quick.students, quick.tasks, quick.tuned) == (lab.students, lab.tasks, lab.tuned)
    assert quick.evaluate.limit < lab.evaluate.limit
    assert quick.evaluate.temperature == lab.evaluate.temperature
    assert quick.stages["grpo"]["steps"] < lab.stages["grpo"]["steps"]
    assert quick.stages["grpo"]["group_size"] == lab.stages["grpo"]["group_size"]


def test_what_one_writes_for_all_methods_wins_over_what_another_profile_tuned_for_single_ones(
    tmp_path: Path,
) -> None:
    (tmp_path / "mine.yaml").write_text("extends: lab\nstages: {sft: {learning_rate: 0.01}}\n")
    profile, lab = load_profile(str(tmp_path / "mine.yaml")), load_profile("lab")
    assert profile.stages["sft"]["learning_rate"] == 0.01
    assert not [method for method, kinds in profile.tuned.items() if "learning_rate" in kinds.get("sft", {})]
    assert {m: kinds.get("grpo") for m, kinds in profile.tuned.items()} == {
        m: kinds.get("grpo") for m, kinds in lab.tuned.items()
    }


def test_what_one_tunes_oneself_stays(tmp_path: Path) -> None:
    own = "{sft: {sft: {learning_rate: 0.02}}}"
    (tmp_path / "mine.yaml").write_text(f"extends: lab\nstages: {{sft: {{learning_rate: 0.01}}}}\ntuned: {own}\n")
    (tmp_path / "child.yaml").write_text("extends: mine.yaml\nbudget: 1000\n")
    for name in ("mine", "child"):
        profile = load_profile(str(tmp_path / f"{name}.yaml"))
        assert profile.tuned["sft"]["sft"] == {"learning_rate": 0.02}
        assert not profile.tuned.get("rft", {}).get("sft")


def test_ones_own_says_only_what_is_different(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("extends: lab\nstages: {sft: {epochs: 1}}\n")
    (tmp_path / "yours.yaml").write_text("extends: mine.yaml\nbudget: 7\n")
    found = load_profile(str(tmp_path / "yours.yaml"))
    assert (found.name, found.budget, found.stages["sft"]["epochs"]) == ("yours", 7, 1)
    assert found.stages["sft"]["learning_rate"] == load_profile("lab").stages["sft"]["learning_rate"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("extends: leb\n", "did you mean 'lab'"),
        ("extends: mine.yaml\n", "extends itself"),
        ("extends: lab\nname: ../../x\n", r'name = "../../x": .*no slash'),
        ("extends: lab\nengin: {}\n", "did you mean 'engine'"),
        (
            "extends: lab\nengine: {rollouts: trainers}\n",
            'engine.rollouts = "trainers": neither engine, trainer',
        ),
        (
            "extends: lab\nengine: {batchsize: 3}\n",
            "engine: unknown key 'batchsize'; did you mean 'batch_size'",
        ),
        (
            "extends: lab\ntraining: {stages: {grpo: {acumulation: 2}}}\n",
            "training.stages.grpo: unknown key 'acumulation'; did you mean 'accumulation'",
        ),
        ("extends: lab\nstages: 3\n", "mine.yaml: stages = 3: it should be a mapping"),
        ("a: [\n", "is not YAML"),
        ("- a\n", "a profile is a mapping"),
    ],
)
def test_what_does_not_fit_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(RequestError, match=message):
        load_profile(str(tmp_path / "mine.yaml"))
