"""Two results that were decoded differently."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slmr.io import write_json
from slmr.results.analysis.compare import compare
from slmr.results.analysis.gate import gate
from tests.results.made_runs import a_run

PARAMETERS = {"k": 1, "temperature": None, "fewshot": 0, "max_tokens": None, "system": ""}
ENGINE = {"name": "transformers", "dtype": "float32", "chat_template_kwargs": {}}


def decoded(folder: Path, parameters: dict[str, Any], engine: dict[str, Any], **rates: float) -> str:
    """The name of a run whose manifest has these settings, and the usual ones otherwise."""
    run = a_run(folder, {"lab_gsm8k": [True, False]}, **rates)
    manifest = {"parameters": PARAMETERS | parameters, "engine": ENGINE | engine}
    write_json(run / "manifests.json", {"k": manifest})
    return str(run)


@pytest.mark.parametrize(
    ("parameters", "engine", "words"),
    [
        ({"max_tokens": 64}, {}, "max tokens the task's own against 64 ("),
        ({"temperature": 0.6}, {}, "temperature 0 against 0.6"),
        ({"k": 4}, {}, "completions per item 1 against 4; temperature 0 against 1"),
        ({"system": "Be brief."}, {}, "system prompt '' against 'Be brief.'"),
        ({"fewshot": 3}, {}, "few-shot examples 0 against 3"),
        ({}, {"dtype": "bfloat16"}, "engine transformers float32 against transformers bfloat16"),
        ({}, {"chat_template_kwargs": {"enable_thinking": False}}, "against {'enable_thinking': False}"),
    ],
)
def test_each_difference_is_named(
    tmp_path: Path, parameters: dict[str, Any], engine: dict[str, Any], words: str
) -> None:
    a, b = decoded(tmp_path / "a", {}, {}), decoded(tmp_path / "b", parameters, engine, truncated_rate=0.5)
    (notice,) = compare(a, b).notices
    assert notice.startswith("decoded differently") and words in notice
    assert notice.endswith("(cut off by the token limit: 0% against 50%)")


def test_the_gate_names_it_too(tmp_path: Path) -> None:
    a, b = decoded(tmp_path / "a", {}, {}), decoded(tmp_path / "b", {"max_tokens": 64}, {})
    assert any("max tokens the task's own against 64" in notice for notice in gate(a, b).notices)


def test_nothing_is_said_of_equal_settings_nor_of_runs_without_a_manifest(tmp_path: Path) -> None:
    a = decoded(tmp_path / "a", {}, {})
    default = decoded(tmp_path / "b", {"temperature": 0.0}, {})  # what it is by default
    unknown = str(a_run(tmp_path / "c", {"lab_gsm8k": [True, False]}))
    assert compare(a, default).notices == compare(a, unknown).notices == []
