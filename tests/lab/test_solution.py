"""The solver is right, by an evaluation that shares nothing with it; so is every trace it writes."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest

from slmr import lab
from slmr.lab.items import LEVELS
from slmr.lab.skills import SKILLS
from tests.lab import reader

TASKS = list(lab.GENERATORS)
MERGE_SHARES = (0.0, 0.3, 0.7, 1.0)


def draw(task: str, n: int, seed: int = 11) -> list[lab.LabItem]:
    return lab.take(lab.generator(task), "teacher", n, seed)


def sentences(trace: str, closing: str) -> list[str]:
    """The statements of a trace, without the words around them and without the closing line."""
    assert trace.endswith(closing)
    body = trace.removesuffix(closing).strip()
    parts = re.split(r"\.(?:\s|$)", body)
    return [re.sub(r"^(?:After .* we get|We see that) ", "", part) for part in parts if part]


def all_traces(item: lab.LabItem) -> dict[str, str]:
    raw = {f"raw {share}": item.raw(share) for share in MERGE_SHARES}
    return {"plain": item.solution.plain(), "worked": item.worked(), **raw}


def check_equation(equation: str, item: lab.LabItem) -> Fraction:
    """All sides of the equation are equal, exactly; returns their value."""
    values = {reader.evaluate(side) for side in equation.split(" = ")}
    assert " = " in equation and len(values) == 1, f"{item.id}: {equation}"
    return values.pop()


def check_statement(statement: str, item: lab.LabItem) -> None:
    """What a logic trace says is in the problem, or follows from it."""
    known, rules = reader.distances(item.problem), reader.rules_of(item.problem)
    if match := re.fullmatch(r"(\w+) is given", statement):
        assert match[1] == reader.given(item.problem), item.id
    elif match := re.fullmatch(r"(\w+) is the end", statement):
        assert match[1] in known and match[1] not in {a for a, _ in rules}, item.id
    else:
        first, then = statement.split(" so ")
        assert (first, then) in rules and first in known, f"{item.id}: {statement}"


@pytest.mark.parametrize("task", TASKS)
def test_the_gold_is_what_the_text_says(task: str) -> None:
    items = draw(task, 800)
    assert {item.difficulty for item in items} == set(LEVELS)
    for item in items:
        expected = item.gold if item.kind == "choice" else reader.evaluate(item.gold)
        assert reader.answer(task, item.problem) == expected, item.problem


@pytest.mark.parametrize("task", [t for t in TASKS if t != "lab_logiqa"])
def test_every_equation_holds_and_the_last_gives_the_answer(task: str) -> None:
    for item in draw(task, 300):
        for style, trace in all_traces(item).items():
            equations = sentences(trace, item.solution.closing)
            values = [check_equation(equation, item) for equation in equations]
            assert values and values[-1] == reader.evaluate(item.gold), f"{item.id}, {style}: {trace}"


def test_every_logic_statement_follows_from_the_problem() -> None:
    for item in draw("lab_logiqa", 300):
        for trace in all_traces(item).values():
            statements = sentences(trace, item.solution.closing)
            assert statements
            for statement in statements:
                check_statement(statement, item)


@pytest.mark.parametrize("task", [t for t in TASKS if t != "lab_logiqa"])
def test_a_worked_step_uses_only_numbers_that_are_known_by_then(task: str) -> None:
    """Those of the text, of the skill's own words, and of steps before."""
    hidden = {s.name: set(re.findall(r"(?<!@)\b\d+", " ".join(s.equations))) for s in SKILLS}
    for item in draw(task, 300):
        known = set(re.findall(r"\d+", item.problem)).union(*(hidden[name] for name in item.skills))
        for equation in sentences(item.solution.plain(), item.solution.closing):
            left, _, result = equation.rpartition(" = ")
            assert set(re.findall(r"\d+", left)) <= known, f"{item.id}: {equation}"
            known |= set(re.findall(r"\d+", result))


@pytest.mark.parametrize("task", TASKS)
def test_merging_folds_what_is_inside_a_skill_and_nothing_else(task: str) -> None:
    for item in draw(task, 100):
        counts = [len(sentences(item.raw(share), item.solution.closing)) for share in (0.0, 1.0)]
        assert item.raw(0.0) == item.worked()
        inside = sum(step.inside for step in item.solution.steps)
        assert counts == [len(item.solution.steps), len(item.solution.steps) - inside], item.id
        if task != "lab_logiqa":
            assert counts[1] == len(item.skills), item.id


def test_a_merge_share_is_the_share_of_the_steps_inside_a_skill_that_are_folded() -> None:
    items = draw("lab_gsm8k", 600)
    inside = sum(step.inside for item in items for step in item.solution.steps)
    folded = sum(len(i.solution.steps) - len(sentences(i.raw(0.6), i.solution.closing)) for i in items)
    assert abs(folded / inside - 0.6) < 0.06


@pytest.mark.parametrize("task", TASKS)
def test_every_trace_passes_the_strict_checker(task: str) -> None:
    from slmr.verify import verify

    for item in draw(task, 60):
        for style, trace in all_traces(item).items():
            verdict = verify(trace, item.gold, item.kind)
            assert verdict.status == "correct" and verdict.strict, f"{item.id}, {style}: {verdict}"


@pytest.mark.parametrize(
    ("task", "problem"),
    [
        ("lab_gsm8k", "Ann has 3 cups. Ann eats 2 cups. How many cups does Ann have now?"),
        ("lab_logiqa", "If wet then cold. It is wet. Is it cold?\nA. yes\nB. no\nC. maybe\nD. given"),
        ("lab_math", "Guess 3."),
    ],
)
def test_the_reader_refuses_what_it_does_not_know(task: str, problem: str) -> None:
    with pytest.raises(ValueError):
        reader.answer(task, problem)
