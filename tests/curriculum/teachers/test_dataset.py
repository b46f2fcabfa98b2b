"""The data's own solutions as the teacher."""

from __future__ import annotations

import pytest

from slmr.curriculum.teachers.dataset import DatasetTeacher
from slmr.errors import RequestError
from slmr.verify import verify
from tests.curriculum.common import MARKED, problems


def test_the_datasets_solution_without_marks_in_the_strict_form() -> None:
    (raw,) = DatasetTeacher().raw_traces([MARKED])
    assert raw == "Ann has 3+4=7 pens.\nTwice that is 14 pens.\nSo 14-1=13 are left.\n#### 13"
    assert verify(raw, "13", "numeric").strict


def test_marks_that_the_text_does_not_state_become_steps() -> None:
    (steps,) = DatasetTeacher().worked_steps([MARKED])
    assert steps == ["Ann has 3+4=7 pens.", "7 * 2 = 14. Twice that is 14 pens.", "So 14-1=13 are left."]


@pytest.mark.parametrize(
    ("attempt", "wrong", "rest"),
    [
        ("3 + 4 = 7. 7 * 2 = 15. #### 15", 1, "7 * 2 = 14."),
        ("4 + 3 = 7.\n2 * 7 = 14.\n14 + 1 = 15.\n#### 15", 2, "So 14-1=13"),
        ("3 + 4 = 7. 7 * 2 = 14. 14 - 1 = 13. #### 12", 3, "#### 13"),
        ("5 + 5 = 10. #### 10", 0, "Ann has"),
    ],
)
def test_an_attempt_is_judged_by_its_values(attempt: str, wrong: int, rest: str) -> None:
    from slmr.verify.trace_steps import beginning

    teacher = DatasetTeacher()
    assert teacher.first_wrong([MARKED], [attempt]) == [wrong]
    start = beginning(attempt, wrong)
    (text,) = teacher.continuations([MARKED], [start])
    assert text and text.startswith(rest) and verify(start + text, "13", "numeric").strict


def test_a_pool_without_solutions_is_refused() -> None:
    with pytest.raises(RequestError, match="lab_gsm8k has none; take another teacher"):
        DatasetTeacher().raw_traces(problems(2))


def test_a_solution_with_another_answer_is_never_closed_with_the_gold_one() -> None:
    wrong, teacher = MARKED | {"gold": "99"}, DatasetTeacher()
    texts = [*teacher.raw_traces([wrong]), *teacher.continuations([wrong], ["3 + 4 = 7."])]
    texts += [teacher.rewrites([wrong], [""])[0]["filled in"]]
    assert all(text and text.endswith("#### 13") and not verify(text, "99", "numeric").strict for text in texts)
    (unclosed,) = teacher.raw_traces([MARKED | {"solution": "14 - 1 = 13."}])
    assert unclosed == "14 - 1 = 13.\n#### 13"
