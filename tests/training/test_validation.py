"""What a stage may ask of validation, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slmr.errors import RequestError
from slmr.pipeline.recipe import stages
from slmr.training.sft import SftParams, sft_stage
from tests.training.test_resume import context, inputs


@pytest.mark.parametrize("values", [{"keep": "best"}, {"patience": 1}])
def test_what_needs_validations_says_so(values: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match=r"profile: (keep|patience) = .*needs validate_every"):
        stages()["sft"].parse(values, "profile")


def test_validation_without_held_out_problems_is_refused(tmp_path: Path) -> None:
    given = inputs(tmp_path) | {"validation": []}
    with pytest.raises(RequestError, match=r"no problem is held out.*pool\.validation"):
        sft_stage(context(tmp_path / "out", given), SftParams(validate_every=1))
