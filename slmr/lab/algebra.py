r"""lab_math: equations, fractions and powers, with the answer in `\boxed{}` LaTeX."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from slmr.lab.items import Draft
from slmr.lab.solution import Solution, Step


def latex(value: Fraction | int) -> str:
    r"""A number as LaTeX: `-3`, `\frac{2}{5}`, `-\frac{2}{5}`."""
    value = Fraction(value)
    if value.denominator == 1:
        return str(value.numerator)
    sign = "-" if value < 0 else ""
    return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"


def _draft(problem: str, answer: Fraction | int, steps: list[Step], key: str = "") -> Draft:
    gold = latex(answer)
    return Draft(problem, gold, Solution(tuple(steps), rf"\boxed{{{gold}}}"), key or problem)


def _one_step(rng: Random) -> Draft:
    if rng.random() < 0.5:
        a, x = rng.randint(2, 9), rng.randint(2, 9)
        steps = [Step(f"dividing by {a}", f"{a * x} / {a}", str(x), "x = ")]
        return _draft(f"Solve {a}x = {a * x} for x.", x, steps)
    a, x = rng.randint(2, 20), rng.randint(2, 20)
    steps = [Step(f"taking {a} away", f"{x + a} - {a}", str(x), "x = ")]
    return _draft(f"Solve x + {a} = {x + a} for x.", x, steps)


def _two_steps(rng: Random) -> Draft:
    a, b, x = rng.randint(2, 6), rng.randint(1, 12), rng.randint(2, 9)
    total = a * x + b
    steps = [
        Step(f"taking {b} away", f"{total} - {b}", str(a * x), f"{a}x = "),
        Step(f"dividing by {a}", f"@0 / {a}", str(x), "x = "),
    ]
    return _draft(f"Solve {a}x + {b} = {total} for x.", x, steps)


def _fraction_sum(rng: Random) -> Draft:
    b, d = rng.randint(2, 9), rng.randint(2, 9)
    a, c = rng.randint(1, b - 1), rng.randint(1, d - 1)
    total = Fraction(a, b) + Fraction(c, d)
    top = a * d + c * b
    steps = [
        Step("crossing the first", f"{a} * {d}", str(a * d)),
        Step("crossing the second", f"{c} * {b}", str(c * b)),
        Step("adding the tops", "@0 + @1", str(top)),
        Step("multiplying the bottoms", f"{b} * {d}", str(b * d)),
        Step("making it simple", rf"\frac{{{top}}}{{{b * d}}}", latex(total)),
    ]
    key = "sum of " + " and ".join(sorted([f"{a}/{b}", f"{c}/{d}"]))
    return _draft(rf"Compute \frac{{{a}}}{{{b}}} + \frac{{{c}}}{{{d}}}.", total, steps, key)


def _powers(rng: Random) -> Draft:
    a, b, c = rng.randint(2, 6), rng.randint(2, 5), rng.randint(1, 12)
    n = 3 if a <= 3 and rng.random() < 0.5 else 2
    steps = [Step("squaring", f"{a} * {a}", str(a * a))]
    if n == 3:
        steps.append(Step("cubing", f"@0 * {a}", str(a**3)))
    steps.append(Step(f"multiplying {b} by {c}", f"{b} * {c}", str(b * c)))
    sign = rng.choice("+-")
    value = a**n + b * c if sign == "+" else a**n - b * c
    word = "adding" if sign == "+" else "taking away"
    steps.append(Step(word, f"@{len(steps) - 2} {sign} @{len(steps) - 1}", str(value)))
    return _draft(f"Compute {a}^{n} {sign} {b} * {c}.", value, steps)


def _both_sides(rng: Random) -> Draft:
    c = rng.randint(1, 5)
    a = c + rng.randint(2, 6)
    b, right = rng.randint(1, 15), rng.randint(16, 40)
    x = Fraction(right - b, a - c)
    steps = [
        Step("collecting x", f"{a} - {c}", str(a - c)),
        Step("collecting numbers", f"{right} - {b}", str(right - b)),
        Step("dividing", r"\frac{@1}{@0}", latex(x), "x = "),
    ]
    return _draft(f"Solve {a}x + {b} = {c}x + {right} for x.", x, steps)


def draw_math(rng: Random, level: int) -> Draft:
    """Level 1 one-step equations, 2 two-step ones, 3 powers, 4 sums of fractions, 5 x on both sides."""
    return (_one_step, _two_steps, _powers, _fraction_sum, _both_sides)[level - 1](rng)
