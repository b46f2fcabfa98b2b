"""Which teacher a stage asks for: a model has to be named."""

from __future__ import annotations

import pytest

from slmr.curriculum.teachers import TeacherSettings
from slmr.errors import RequestError


@pytest.mark.parametrize("name", ["local", "server", "openai"])
def test_a_model_teacher_without_a_model_is_refused(name: str) -> None:
    with pytest.raises(RequestError, match="set teacher_model to"):
        TeacherSettings(teacher=name).identified()  # type: ignore[arg-type]
