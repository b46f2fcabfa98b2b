"""What a plan needs from outside: an error if it is to be executed, a list if it is only displayed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from slmr.config import Params
from slmr.errors import RequestError
from slmr.pipeline import identities
from slmr.pipeline.identities import Identities, IdentitiesOnHand
from slmr.tasks import Task


class Taught(Params):
    """Parameters with a teacher that does not answer."""

    teacher_url: str
    other: int = 0

    def identified(self) -> Params:
        raise RequestError(f"{self.teacher_url}: no answer")


class NoData:
    @property
    def digest(self) -> str:
        raise RequestError("task x: no data here")


def test_what_is_missing_is_an_error_or_listed() -> None:
    strict, lenient, task = Identities(), IdentitiesOnHand(), cast(Task, NoData())
    with pytest.raises(RequestError, match="no data here"):
        strict.task_digest(task)
    with pytest.raises(RequestError, match="no answer"):
        strict.params(Taught(teacher_url="a"))
    assert lenient.task_digest(task) == "" and lenient.missing == ["task x: no data here"]


def test_a_silent_teacher_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    on_hand, asked = IdentitiesOnHand(), []

    def identified(params: Any) -> Params:
        asked.append(params.teacher_url)
        raise RequestError(f"{params.teacher_url}: no answer")

    monkeypatch.setattr(Taught, "identified", identified)
    for url, other in (("a", 0), ("a", 1), ("b", 0)):
        params = Taught(teacher_url=url, other=other)
        assert on_hand.params(params) is params
    assert asked == ["a", "b"] and on_hand.missing == ["a: no answer", "b: no answer"]


def test_a_student_on_the_hub_is_not_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    monkeypatch.setattr(identities, "is_on_hand", lambda name: False)
    monkeypatch.setattr(identities, "check_on_hub", checked.append)
    on_hand = IdentitiesOnHand()
    student = on_hand.student("some/model", ["some/model"], lambda _: None)
    assert (student.name, student.location, checked) == ("some/model", "some/model", [])
    assert on_hand.missing[0].startswith("student some/model: its files are not here")
    on_hand.student("other/model", ["some/model"], lambda _: None)
    assert checked == ["other/model"]


def test_a_bench_needs_a_students_files(monkeypatch: pytest.MonkeyPatch) -> None:
    for each in (Identities(), IdentitiesOnHand()):
        with pytest.raises(RequestError, match="for a server use `slmr eval`"):
            each.student("http://127.0.0.1:8000/v1", [], lambda _: None)
    assert isinstance(Identities().student("lab-llama", [], lambda _: None).location, Path)
