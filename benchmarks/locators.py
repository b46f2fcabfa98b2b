"""How often each locator names the true first wrong step, on failures of lab-llama whose truth is known.

    python benchmarks/locators.py

Real failures: completions at temperature 1 of lab_gsm8k problems that are wrong and state at least one equation.
Truth comes from the generator's own solution, by an own reading of `a op b = c` that shares no code with the
locators: the first step whose sum is wrong, or whose result is none of the solution's that are still to come; the
step after the last where all are right. Constructed failures: worked solutions with one sum falsified, truth by
construction. Prints Markdown.
"""

from __future__ import annotations

import argparse
import operator
import re
from random import Random
from typing import Any

from slmr import lab
from slmr.engines import Prompt, Sampling
from slmr.engines.transformers import TransformersEngine
from slmr.lab import student_path
from slmr.stage import EngineSettings
from slmr.stagewise.locators import ArithmeticLocator, Locator, RolloutLocator, TeacherLocator
from slmr.stagewise.teachers.oracle import OracleTeacher
from slmr.tasks import load_task
from slmr.verify import verify

_SUM = re.compile(r"(\d+) ([-+*/]) (\d+) = (\d+)")
_SIGNS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--problems", type=int, default=1200)
    parser.add_argument("-n", type=int, default=16, help="continuations of the rollout locator")
    parser.add_argument("--least", type=int, nargs="*", default=[1, 3], help="its thresholds")
    a = parser.parse_args()
    engine = TransformersEngine(student_path("lab-llama"), EngineSettings(device="cpu", batch_size=256))
    locators: dict[str, Locator] = {
        "arithmetic": ArithmeticLocator(),
        "teacher": TeacherLocator(OracleTeacher(0, 0)),
    }
    for least in a.least:
        locators[f"rollout, n = {a.n}, least {least}"] = RolloutLocator(
            engine, a.n, least, Sampling(1.0, 80, 0)
        )
    print(
        "| failures | locator | cases | exact | within one step | unanswered |\n|---|---|---:|---:|---:|---:|"
    )
    for name, cases in (
        real_failures(engine, a.problems) | {"constructed": constructed(a.problems // 6)}
    ).items():
        for title, locator in locators.items():
            print(line(name, title, cases, locator))


def real_failures(engine: TransformersEngine, count: int) -> dict[str, list[tuple[dict, str, int]]]:
    """Wrong completions with an equation, by the kind of their first error."""
    task, found = load_task("lab_gsm8k"), {"false sum": [], "true sum, wrong plan": []}
    items = lab.take(lab.generator("lab_gsm8k"), "train", count)
    done = engine.generate([Prompt(task.prompt(i.problem)) for i in items], Sampling(1.0, 80, 1))
    for item, completion in zip(items, done, strict=True):
        text = completion.text
        if _SUM.search(text) and not verify(text, item.gold, "numeric").lenient:
            truth, false = first_error(text, item.solution)
            row = {"id": item.id, "prompt": task.prompt(item.problem), "gold": item.gold, "kind": "numeric"}
            found["false sum" if false else "true sum, wrong plan"].append((row, text, truth))
    return {"real, all": [case for cases in found.values() for case in cases],
            **{f"real, {name} first": cases for name, cases in found.items()}}  # fmt: skip


def first_error(text: str, solution: Any) -> tuple[int, bool]:
    """The index of the first wrong step, and whether its sum is false."""
    due = [step.result for step in solution.steps]
    steps = [part for part in text.split("####")[0].split(". ") if part.strip()]
    for index, step in enumerate(steps):
        sums = _SUM.findall(step)
        if any(_SIGNS[sign](int(a), int(b)) != int(c) for a, sign, b, c in sums):
            return index, True
        if not sums or sums[-1][3] not in due:
            return index, False
        due = due[due.index(sums[-1][3]) + 1 :]
    return len(steps), False


def constructed(count: int) -> list[tuple[dict, str, int]]:
    """Worked solutions in which one sum is falsified; what follows goes on from the false result."""
    cases, task = [], load_task("lab_gsm8k")
    for item in lab.take(lab.generator("lab_gsm8k"), "train", count):
        rng, steps = Random(item.id), item.solution.plain_steps()
        at = rng.randrange(len(steps))
        value = int(item.solution.steps[at].result)
        wrong = max(0, value + rng.choice([-3, -1, 1, 2, 5]))
        if wrong == value:
            continue
        said = [*steps[:at], re.sub(r"= \d+\.$", f"= {wrong}.", steps[at])]
        for step in steps[at + 1 :]:
            left, sign, right, result = _SUM.search(step).groups()  # type: ignore[union-attr]
            if int(left) == value:
                left, value = str(wrong), int(result)
                wrong = int(_SIGNS[sign](int(left), int(right)))
            said.append(f"{left} {sign} {right} = {int(_SIGNS[sign](int(left), int(right)))}.")
        row = {"id": item.id, "prompt": task.prompt(item.problem), "gold": item.gold, "kind": "numeric"}
        cases.append((row, " ".join([*said, f"#### {wrong}"]), at))
    return cases


def line(name: str, title: str, cases: list[tuple[dict, str, int]], locator: Locator) -> str:
    """A row of the table."""
    found = locator.locate([row for row, _, _ in cases], [text for _, text, _ in cases])
    gaps = [
        None if w is None else abs(w.index - truth) for w, (_, _, truth) in zip(found, cases, strict=True)
    ]
    share = lambda ok: f"{100 * sum(ok(gap) for gap in gaps) / max(1, len(gaps)):.1f} %"  # noqa: E731
    exact, close = share(lambda g: g == 0), share(lambda g: g is not None and g <= 1)
    return f"| {name} | {title} | {len(cases)} | {exact} | {close} | {share(lambda g: g is None)} |"


if __name__ == "__main__":
    main()
