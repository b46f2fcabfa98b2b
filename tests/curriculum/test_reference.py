"""A ready-made model as a method's result."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.curriculum.reference import ReferenceParams, reference_stage
from slmr.errors import RequestError
from slmr.lab import model_path
from tests.curriculum.common import context


def test_the_model_is_copied_whole(tmp_path: Path) -> None:
    made = context(tmp_path / "out")
    reference_stage(made, ReferenceParams(model="lab-qwen"))
    files = {file.name: file.read_bytes() for file in (made.folder / "model").iterdir()}
    assert files == {file.name: file.read_bytes() for file in model_path("lab-qwen").iterdir()}


def test_a_plan_knows_it_by_its_content() -> None:
    params = ReferenceParams(model="lab-qwen").identified()
    assert params.key and params.key != ReferenceParams(model="lab-llama").identified().key
    with pytest.raises(RequestError, match="did you mean 'lab-qwen'"):
        ReferenceParams(model="lab-qwem").identified()
