"""Whole solutions: the same verdict however they end, and golds that pass for themselves only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slmr.verify import verify
from slmr.verify.math import equality as mathexpr

DATA = Path(__file__).parents[3] / "shared" / "data"
ENDINGS = ("#### {}", "A: {}", "\\boxed{{{}}}", "The answer is {}.")
OWN = [
    {"answer": "She has 48 / 2 = 24 left.\nIn all 48 + 24 = 72.\n#### 72"},
    {"answer": "The answer is 5 * 3 = 15 for one.\nTwo make 2 * 15 = 30.\n#### 30"},
    {"answer": "He pays $1,000 + $250.50.\n#### 1,250.50"},
]


def rows(name: str) -> list[dict]:
    file = DATA / name
    if not file.exists():
        pytest.skip("the data folder is not here")
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def check_endings(solutions: list[dict]) -> None:
    for row in solutions:
        steps, gold = (part.strip() for part in row["answer"].rsplit("####", 1))
        other = str(int(float(gold.replace(",", ""))) + 1)
        for ending in ENDINGS:
            right = verify(f"{steps}\n{ending.format(gold)}", gold, "numeric")
            assert right.lenient and right.strict == ending.startswith("####"), (row, ending)
            assert verify(f"{steps}\n{ending.format(other)}", gold, "numeric").status == "wrong", (
                row,
                ending,
            )


def test_a_solution_may_end_in_any_of_the_usual_ways():
    check_endings(OWN)


def test_grade_school_solutions_may_end_in_any_of_the_usual_ways():
    check_endings(rows("gsm8k/test.jsonl"))


def test_competition_solutions_and_golds_pass():
    for row in rows("math500/test.jsonl"):
        assert verify(row["solution"], row["answer"], "math").strict
        assert verify(f"\\boxed{{{row['answer']}}}", row["answer"], "math").strict


def test_no_competition_gold_passes_for_another_that_differs_in_value():
    golds = sorted({row["answer"] for row in rows("math500/test.jsonl")})
    same = {(a, b) for i, a in enumerate(golds) for b in golds[i + 1 :] if mathexpr.decide(a, b)}
    # Spellings of one value: units, order of solutions, spaces, separators.
    assert same == {
        ("-2,1", "1,-2"),
        ("10,\\!080", "10080"),
        ("120", "120^\\circ"),
        ("15", "15\\mbox{ cm}^2"),
        ("2 \\sqrt{5}", "2\\sqrt{5}"),
        ("30", "30^\\circ"),
        ("36", "36^\\circ"),
        ("36", "\\$36"),
        ("36^\\circ", "\\$36"),
        ("5", "x=5"),
        ("90", "90^\\circ"),
        ("180^\\circ", "\\pi"),
        ("\\frac14", "\\frac{1}{4}"),
    }
