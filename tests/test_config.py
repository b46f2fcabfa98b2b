"""Profiles from files: one over another, and what is refused; and every kind of fault in words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, ValidationError, field_validator, model_validator

from slmr.config import StrictModel, TrainingSettings, first_fault, load_profile, parse, profile_names
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
    (tmp_path / "mine.yaml").write_text(
        f"extends: lab\nstages: {{sft: {{learning_rate: 0.01}}}}\ntuned: {own}\n"
    )
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


class Inner(StrictModel):
    size: int = Field(default=1, ge=1)
    mode: Literal["fast", "slow"] = "fast"


class Outer(StrictModel):
    name: str
    inner: Inner | None = None
    many: list[Inner] = []
    by_name: dict[str, Inner] = {}
    word: str = ""
    with_: int = Field(default=0, alias="with")
    few: Annotated[list[int], Field(min_length=1)] = [1]

    @field_validator("word")
    @classmethod
    def _is_short(cls, value: str) -> str:
        if len(value) > 100:
            raise ValueError("a word has at most 100 letters")
        return value

    @model_validator(mode="after")
    def _is_no_namesake(self) -> Outer:
        if self.name == self.word:
            raise ValueError("name and word must differ")
        return self


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "name is missing"),
        ({"name": 4}, "name = 4: it should be a valid string"),
        ({"name": "a", "inner": {"size": 0}}, "inner.size = 0: it should be greater than or equal to 1"),
        ({"name": "a", "inner": {"mode": "fest"}},
         "inner.mode = \"fest\": it should be 'fast' or 'slow'; did you mean 'fast'?"),
        ({"name": "a", "inner": 3}, "inner = 3: it should be a mapping"),
        ({"name": "a", "many": [{}, {"size": "x"}]}, 'many.1.size = "x": it should be a valid integer, unable'),
        ({"name": "a", "nmae": 1}, "unknown key 'nmae'; did you mean 'name'? (known: by_name, few, inner, many, name,"),
        ({"name": "a", "with_": 1}, "unknown key 'with_'; did you mean 'with'?"),
        ({"name": "a", "inner": {"sise": 1}}, "inner: unknown key 'sise'; did you mean 'size'? (known: mode, size)"),
        ({"name": "a", "many": [{"sise": 1}]}, "many.0: unknown key 'sise'; did you mean 'size'?"),
        ({"name": "a", "by_name": {"b": {"sise": 1}}}, "by_name.b: unknown key 'sise'; did you mean 'size'?"),
        ({"name": "a", "word": "b" * 101}, f'word = "{"b" * 78}…: a word has at most 100 letters'),
        ({"name": "a", "word": "a"}, "name and word must differ"),
        ({"name": "a", "few": []}, "few = []: it should have at least 1 item, not 0"),
        ([], "it should be a mapping"),
    ],
)  # fmt: skip
def test_a_fault_names_key_value_and_what_is_wanted(content: Any, message: str) -> None:
    with pytest.raises(RequestError) as error:
        parse(Outer, content, "mine.yaml")
    assert str(error.value).startswith(f"mine.yaml: {message}") and "\n" not in str(error.value)


def test_a_fault_of_a_part_as_a_whole_is_told_in_the_validators_words() -> None:
    with pytest.raises(ValidationError) as error:
        TrainingSettings(strategy="fsdp")
    assert first_fault(error.value, TrainingSettings).startswith("strategy fsdp shards a model")
    with pytest.raises(RequestError, match=r"p: many\.0: unknown parameter 'sise'"):
        parse(Outer, {"name": "a", "many": [{"sise": 1}]}, "p", "parameter")
