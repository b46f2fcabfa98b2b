r"""The accuracy of each locator of the first wrong step, on failures with a known first error.

    OMP_NUM_THREADS=1 python -m studies.locators --gsm8k gsm8k/train.jsonl

Prints Markdown. A case is a failed attempt and the index of its first wrong step. The truth never comes from the code
that is measured; "step" means a step of `split_steps`.

Real failures: lab-llama's completions of lab_gsm8k problems, one each at temperature 1, that are wrong and state an
equation. The truth comes from the values of the generator's own solution: the first step with a false sum, or whose
result is not among the remaining results of the solution; if all steps are right, the step after the last. Failures are
grouped by their first error: a false sum, or a true one that the solution does not need, which no arithmetic can find.

Constructed failures: solutions of four lab tasks with one step changed, and the following steps adapted.

`always step 1` and `2` are baselines that look at nothing. `rollout` is compared with two other rules on the same
samples: `first beginning without`, the first beginning from which no continuation is right, and `after the last with`,
the step after the longest beginning from which one is right.

A second table shows what critique makes of the real failures with each locator and the oracle as the teacher: the kept
diagnoses, how many of them name the true step, and the repairs and new traces that verify.

With GSM8K's training file: its own solutions, where every named step is a false alarm, and the same solutions with the
result of one equation falsified.
"""

from __future__ import annotations

import argparse
import json
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from slmr import lab
from slmr.config import EngineSettings
from slmr.curriculum.critique import criticise
from slmr.curriculum.locators import (
    ArithmeticLocator,
    RolloutLocator,
    TeacherLocator,
    first_drop,
    named_step,
)
from slmr.curriculum.teachers.oracle import OracleTeacher
from slmr.engines import Prompt, Sampling
from slmr.engines.transformers import TransformersEngine
from slmr.lab import LabItem, model_path
from slmr.lab.solution import Solution, Step
from slmr.tasks import strict_form
from slmr.tasks.registry import load_task
from slmr.verify import verify
from slmr.verify.trace_steps import split_steps

_SUM = re.compile(r"(\d+) ([-+*/]) (\d+) = (\d+)")
_PAIR = re.compile(r"(?P<left>-?\d+) (?P<sign>[-+*/]) (?P<right>-?\d+)|\\frac\{(?P<top>-?\d+)\}\{(?P<bottom>-?\d+)\}")
_MARK = re.compile(r"<<[^<>]*=(?P<result>[^<>=]*)>>(?P=result)")
_SIGNS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
TASKS = ("lab_gsm8k", "lab_mawps", "lab_svamp", "lab_math")


class Case(NamedTuple):
    """A failed attempt at a problem, and the index of its first wrong step."""

    problem: dict[str, Any]
    attempt: str
    truth: int


Named = list[int | None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=1800, help="lab_gsm8k problems that are tried")
    parser.add_argument("--constructed", type=int, default=40, help="of each kind and task, where so many fit")
    parser.add_argument("--seed", type=int, default=1, help="of the problems and of the samples")
    parser.add_argument("-n", type=int, default=8, help="continuations of each beginning")
    parser.add_argument("--gsm8k", type=Path, help="GSM8K's train.jsonl")
    args = parser.parse_args()
    engine = TransformersEngine(model_path("lab-llama"), EngineSettings(device="cpu", batch_size=256))
    rollout = RolloutLocator(engine, args.n, 0.5, Sampling(1.0, 80, args.seed))
    print("| failures | cases | locator | exact | within one step | unanswered | wrongly named |")
    print("|---|---:|---|---:|---:|---:|---:|")
    lines: list[str] = []
    for name, cases in (real_failures(engine, args) | construct(args)).items():
        for locator, named in answers(cases, rollout).items():
            print(line(name, locator, cases, named), flush=True)
            if name == "real, all" and locator in ("arithmetic", "rollout", "teacher (oracle)"):
                lines.append(recycle(locator, cases, named))
    print(f"\nRollouts: {rollout.cost.rollout_tokens} tokens.\n")
    print("| locator | failures | diagnoses kept | that name the true step | repairs | fresh traces |")
    print("|---|---:|---:|---:|---:|---:|\n" + "\n".join(lines))
    if args.gsm8k:
        print("\n" + human_solutions(args.gsm8k, args.seed))


def answers(cases: Sequence[Case], rollout: RolloutLocator) -> dict[str, Named]:
    """Locator → the step that it names in each case."""
    problems, attempts = [c.problem for c in cases], [c.attempt for c in cases]
    locators = {"arithmetic": ArithmeticLocator(), "teacher (oracle)": TeacherLocator(OracleTeacher(0, 0))}
    named: dict[str, Named] = {
        name: [wrong and wrong.index for wrong in locator.locate(problems, attempts)]
        for name, locator in locators.items()
    }
    right = rollout.right(problems, attempts)
    by_samples: dict[str, Named] = {
        "rollout": [first_drop(hits, 0.5) for hits in right],
        "rollout, first beginning without": [([*hits[1:], 0]).index(0) for hits in right],
        "rollout, after the last with": [max((i for i, h in enumerate(hits) if h), default=0) for hits in right],
        "always step 1": [0] * len(cases),
        "always step 2": [1] * len(cases),
    }
    return named | by_samples


def line(name: str, locator: str, cases: Sequence[Case], named: Named) -> str:
    """A row of the table, with shares of all cases."""
    gaps = [None if n is None else abs(n - c.truth) for n, c in zip(named, cases, strict=True)]
    tests: list[Callable[[int | None], bool]] = [
        lambda g: g == 0,
        lambda g: g is not None and g <= 1,
        lambda g: g is None,
        lambda g: g not in (None, 0),
    ]
    shares = [f"{100 * sum(map(test, gaps)) / max(1, len(gaps)):.1f} %" for test in tests]
    return f"| {name} | {len(cases)} | {locator} | {' | '.join(shares)} |"


def recycle(locator: str, cases: Sequence[Case], named: Named) -> str:
    """A row of the table of critique's output for the cases; only repairs and new traces that verify are counted."""
    problems, attempts = [c.problem for c in cases], [c.attempt for c in cases]
    wrong = [None if n is None else named_step(c.attempt, n, "rollout") for n, c in zip(named, cases, strict=True)]
    rows = list(zip(criticise(problems, attempts, wrong, OracleTeacher(0, 0)), cases, strict=True))
    is_true = [row["wrong_step"] == case.truth for row, case in rows if row["diagnosis"]]
    right = lambda text, case: verify(text, case.problem["gold"], case.problem["kind"]).strict  # noqa: E731
    repairs = sum(right(r["repair_prefix"] + r["repair"], case) for r, case in rows if r["repair"])
    fresh = sum(right(r["new"], case) for r, case in rows if r["new"])
    return f"| {locator} | {len(cases)} | {len(is_true)} | {sum(is_true)} | {repairs} | {fresh} |"


# --- real failures -------------------------------------------------------------------------------


def real_failures(engine: TransformersEngine, args: argparse.Namespace) -> dict[str, list[Case]]:
    """Wrong completions with an equation: all, by the kind of their first error, and those with four or more steps."""
    items = lab.take(lab.generator("lab_gsm8k"), "train", args.problems, args.seed)
    prompts = [Prompt(problem_of(item)["prompt"]) for item in items]
    by_kind: dict[str, list[Case]] = {"false sum": [], "true sum, wrong plan": []}
    for item, done in zip(items, engine.generate(prompts, Sampling(1.0, 80, args.seed)), strict=True):
        if _SUM.search(done.text) and not verify(done.text, item.gold, item.kind).lenient:
            truth, false = first_error(done.text, item.solution)
            case = Case(problem_of(item), done.text, truth)
            by_kind["false sum" if false else "true sum, wrong plan"].append(case)
    every = [case for cases in by_kind.values() for case in cases]
    long = [case for case in every if len(split_steps(case.attempt)) >= 4]
    return {
        "real, all": every,
        **{f"real, {kind} first": cases for kind, cases in by_kind.items()},
        "real, four steps or more": long,
    }


def problem_of(item: LabItem) -> dict[str, Any]:
    prompt = load_task(item.task).prompt(item.problem)
    return {"id": item.id, "problem": item.problem, "prompt": prompt, "gold": item.gold, "kind": item.kind}


def first_error(text: str, solution: Solution) -> tuple[int, bool]:
    """The index of the first wrong step, and whether its sum is false."""
    due = [step.result for step in solution.steps]
    steps = [part for part in text.split("####")[0].split(". ") if part.strip()]
    for index, step in enumerate(steps):
        sums = _SUM.findall(step)
        if any(_SIGNS[sign](int(a), int(b)) != int(c) for a, sign, b, c in sums if b != "0" or sign != "/"):
            return index, True
        if not sums or sums[-1][3] not in due:
            return index, False
        due = due[due.index(sums[-1][3]) + 1 :]
    return len(steps), False


# --- constructed failures ------------------------------------------------------------------------


def construct(args: argparse.Namespace) -> dict[str, list[Case]]:
    """Solutions with one step changed, by the kind of the change."""
    kinds: dict[str, Callable[[list[Step], int, Random], str]] = {
        "a wrong result": wrong_result,
        "a wrong operator": wrong_operator,
        "a number misread": misread,
        "a step left out": left_out,
    }
    constructed: dict[str, list[Case]] = {}
    for kind, change in kinds.items():
        cases = constructed[f"constructed, {kind}"] = []
        for task in TASKS:
            items = lab.take(lab.generator(task), "train", 10 * args.constructed, args.seed)
            fit = (case for item in items if (case := failure(item, change)))
            cases += islice(fit, args.constructed)
    return constructed


def failure(item: LabItem, change: Callable[[list[Step], int, Random], str]) -> Case | None:
    """The item's solution with a changed step, drawn by its id; None if the change is impossible or has no effect."""
    rng, steps = Random(item.id), list(item.solution.steps)
    at = rng.randrange(len(steps))
    try:
        text = change(steps, at, rng)
    except (ValueError, ZeroDivisionError):
        return None
    unchanged = " ".join(item.solution.plain_steps()[: at + 1])
    if not text or text.startswith(unchanged):
        return None
    answer = text.rpartition(" = ")[2].rstrip(".")
    attempt = f"{text} {strict_form(answer, item.kind)}"
    return None if answer == item.gold else Case(problem_of(item), attempt, at)


def write_steps(steps: list[Step], results: dict[int, Fraction], skipped: int | None = None) -> str:
    """The steps as text, with results computed in sequence, except for those given in `results`."""
    values: list[Fraction] = []
    sentences = []
    for index, step in enumerate(steps):
        expression = re.sub(r"@(\d+)", lambda match: str(values[int(match[1])]), step.expression)
        values.append(results.get(index, value_of(expression)))
        plain = r"\frac" in step.expression or (values[-1].denominator == 1 and values[-1] >= 0)
        if not plain:
            raise ValueError(f"{expression} is no sum that a student would write")
        if index != skipped:
            sentences.append(f"{expression} = {values[-1]!s}.")
    return " ".join(sentences)


def value_of(expression: str) -> Fraction:
    match = _PAIR.fullmatch(expression)
    if match is None:
        raise ValueError(f"{expression} is no sum of two numbers")
    if match["sign"]:
        return Fraction(_SIGNS[match["sign"]](Fraction(match["left"]), Fraction(match["right"])))
    return Fraction(int(match["top"]), int(match["bottom"]))


def results_of(steps: list[Step]) -> list[Fraction]:
    values: list[Fraction] = []
    for step in steps:
        values.append(value_of(re.sub(r"@(\d+)", lambda match: str(values[int(match[1])]), step.expression)))
    return values


def wrong_result(steps: list[Step], at: int, rng: Random) -> str:
    return write_steps(steps, {at: results_of(steps)[at] + rng.choice([-3, -1, 1, 2, 5])})


def wrong_operator(steps: list[Step], at: int, rng: Random) -> str:
    step = steps[at]
    signs = [s for s in _SIGNS if f" {s} " not in step.expression]
    other = re.sub(r" [-+*/] ", f" {rng.choice(signs)} ", step.expression)
    return replace_step(steps, at, other)


def misread(steps: list[Step], at: int, rng: Random) -> str:
    """The solution with one number of the problem misread."""
    numbers = list(re.finditer(r"(?<![@\d])\d+", steps[at].expression))
    if not numbers:
        raise ValueError("the step has no number of its own")
    number = rng.choice(numbers)
    other = str(int(number[0]) + rng.choice([1, 2, 3, 10]))
    return replace_step(
        steps, at, steps[at].expression[: number.start()] + other + steps[at].expression[number.end() :]
    )


def left_out(steps: list[Step], at: int, rng: Random) -> str:
    """The solution without the step; the following steps use its first number instead of its result."""
    left = re.match(r"@?\d+", steps[at].expression)
    if left is None:
        raise ValueError("the step does not begin with a number")
    first = results_of(steps)[int(left[0][1:])] if left[0][0] == "@" else Fraction(left[0])
    return write_steps(steps, {at: first}, skipped=at)


def replace_step(steps: list[Step], at: int, expression: str) -> str:
    """The solution with another expression at a step; raises ValueError if the value stays the same."""
    step = steps[at]
    changed = [*steps[:at], Step(step.reason, expression, "", step.inside), *steps[at + 1 :]]
    if results_of(changed)[at] == results_of(steps)[at]:
        raise ValueError("the same value")
    return write_steps(changed, {})


# --- GSM8K's own solutions -----------------------------------------------------------------------


def human_solutions(file: Path, seed: int) -> str:
    """False alarms of `arithmetic` on GSM8K's solutions, and its accuracy if one stated result is falsified."""
    lines = file.read_text(encoding="utf-8").splitlines()
    solutions = [json.loads(text)["answer"] for text in lines]
    named = ArithmeticLocator().locate([{}] * len(solutions), [_MARK.sub(r"\g<result>", s) for s in solutions])
    alarms = sum(wrong is not None for wrong in named)
    cases = list(falsify(solutions, Random(seed)))
    wrong_steps = ArithmeticLocator().locate([c.problem for c in cases], [c.attempt for c in cases])
    return "\n".join(
        [
            f"`arithmetic` names a step in {alarms} of GSM8K's {len(solutions)} own solutions.\n",
            "| failures | cases | locator | exact | within one step | unanswered | wrongly named |",
            "|---|---:|---|---:|---:|---:|---:|",
            line("GSM8K, one stated result falsified", "arithmetic", cases, [w and w.index for w in wrong_steps]),
        ]
    )


def falsify(solutions: Sequence[str], rng: Random) -> Iterator[Case]:
    """Solutions whose text states a marked equation, with its result changed."""
    for solution in solutions:
        marks = [m for m in _MARK.finditer(solution) if solution[: m.start()].rstrip(" $").endswith("=")]
        whole = [m for m in marks if re.fullmatch(r"\d+", m["result"])]
        if not whole:
            continue
        mark = rng.choice(whole)
        before = _MARK.sub(r"\g<result>", solution[: mark.start()])
        wrong = str(int(mark["result"]) + rng.choice([1, 2, 3, 10, 100]))
        after = _MARK.sub(r"\g<result>", solution[mark.end() :])
        yield Case({}, before + wrong + after, len(split_steps(before + wrong)) - 1)


if __name__ == "__main__":
    main()
