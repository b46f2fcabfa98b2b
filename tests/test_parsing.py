"""Faults of what a user wrote: file, key, value and what is expected, in one line."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, ValidationError, field_validator, model_validator

from slmr.config import TrainingSettings
from slmr.errors import RequestError
from slmr.parsing import StrictModel, first_fault, parse


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
        (
            {"name": "a", "inner": {"mode": "fest"}},
            "inner.mode = \"fest\": it should be 'fast' or 'slow'; did you mean 'fast'?",
        ),
        ({"name": "a", "inner": 3}, "inner = 3: it should be a mapping"),
        (
            {"name": "a", "many": [{}, {"size": "x"}]},
            'many.1.size = "x": it should be a valid integer, unable',
        ),
        (
            {"name": "a", "nmae": 1},
            "unknown key 'nmae'; did you mean 'name'? (known: by_name, few, inner, many, name,",
        ),
        ({"name": "a", "with_": 1}, "unknown key 'with_'; did you mean 'with'?"),
        (
            {"name": "a", "inner": {"sise": 1}},
            "inner: unknown key 'sise'; did you mean 'size'? (known: mode, size)",
        ),
        ({"name": "a", "many": [{"sise": 1}]}, "many.0: unknown key 'sise'; did you mean 'size'?"),
        ({"name": "a", "by_name": {"b": {"sise": 1}}}, "by_name.b: unknown key 'sise'; did you mean 'size'?"),
        ({"name": "a", "word": "b" * 101}, f'word = "{"b" * 78}…: a word has at most 100 letters'),
        ({"name": "a", "word": "a"}, "name and word must differ"),
        ({"name": "a", "few": []}, "few = []: it should have at least 1 item, not 0"),
        ([], "it should be a mapping"),
    ],
)
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
