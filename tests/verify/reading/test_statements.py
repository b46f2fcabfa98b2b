"""The words that announce an answer."""

from __future__ import annotations

import pytest

from slmr.verify.reading.statements import announces_result, corrected_statement, statements


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer is 5. So it is.", "5"),
        ("Final answer: **7**", "7"),
        ("result = 3; and so on", "3"),
        ("The answer is 4.5 km", "4.5 km"),
        ("The answer is", None),
        ("no statement", None),
        ("Die Antwort lautet 6.", "6"),
        ("The answer is 1.\nThe answer is therefore 2", "2"),
        ("**Answer:**\n\n8", "8"),
        ("答案是9。", "9"),
        ("La réponse est 3.", "3"),
        ("정답은 8입니다.", "8"),
        ("答えは8です。", "8"),
        ("<final_answer>8</final_answer>", "8"),
        ("Final Answer → 8", "8"),
        ("[ANSWER]8[/ANSWER]", "8"),
        ("ANSWER 8", "8"),
        ("Wynik: 8", "8"),
        ("정답은 C입니다", "C"),
        ("The answer is 5. The value is 6.", "5"),
        ("The wrong answer is 5.", None),
        ("The answer is not 5 but 6.", "6"),
    ],
)
def test_what_follows_the_answer_is(text: str, answer: str | None) -> None:
    found = next(statements(text), None)
    assert (found and found.text) == answer


def test_what_the_words_behind_an_answer_put_in_its_place() -> None:
    for turn in ("Wait", "No", "Actually", "On second thought"):
        found = corrected_statement(f"\n{turn}, the answer is 8.")
        assert found and found.text == "8"
    assert corrected_statement("\nThe answer is 8.") is None and corrected_statement("\nWait, let me check.") is None


def test_a_total_is_weaker_than_the_answer() -> None:
    assert announces_result("total is 5", 0) and not announces_result("answer is 5", 0)
