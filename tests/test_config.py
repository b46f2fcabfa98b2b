"""Profiles from files: one over another, and what is refused."""

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
    assert quick.evaluate.limit == 200 and lab.evaluate.limit == 500
    assert quick.evaluate.temperature == lab.evaluate.temperature
    assert quick.stages["grpo"]["steps"] < lab.stages["grpo"]["steps"]
    assert quick.stages["grpo"]["group_size"] == lab.stages["grpo"]["group_size"]


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
        ("extends: lab\nengin: {}\n", "did you mean 'engine'"),
        ("extends: lab\nengine: {rollouts: trainers}\n", "neither engine, trainer nor the URL"),
        ("extends: lab\nstages: 3\n", "stages"),
        ("a: [\n", "is not YAML"),
        ("- a\n", "a profile is a mapping"),
    ],
)
def test_what_does_not_fit_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(RequestError, match=message):
        load_profile(str(tmp_path / "mine.yaml"))
