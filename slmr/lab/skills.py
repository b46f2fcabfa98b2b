"""The skills of the lab: named operations in words, and how often the students have seen them.

`x` is the number so far, `n` and `m` are numbers of the text, `@i` is the result of the skill's own equation i.
An unseen compound skill gives its multiplier or divisor only in words ("a third", "dozen"), beside a number in digits:
a model that has not learnt the skill uses the digits and cannot get the answer by luck.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, cast, get_args

Exposure = Literal["known", "half-seen", "unseen one-step", "unseen compound"]
UNSEEN: tuple[Exposure, Exposure] = ("unseen one-step", "unseen compound")
ProblemExposure = Literal[Exposure, "composed"]  # composed: an unseen skill together with another one
EXPOSURES: tuple[ProblemExposure, ...] = (*get_args(Exposure), "composed")


@dataclass(frozen=True, slots=True)
class Skill:
    """One operation in words.

    Attributes:
        exposure: how often the students saw it in pretraining. *known*: often. *half-seen*: rarely, and in about
            half of the texts misread as in `misreading`. *unseen*: never.
        equations: what it computes, in order; the last gives the new `x`.
        story, place, formula: its wordings in stories, about places, and in formulas.
        n, m: the ranges of its numbers, including both ends; None if the wording has no such number.
        misreading: the equations of a simpler, wrong reading.
    """

    name: str
    exposure: Exposure
    equations: tuple[str, ...]
    story: tuple[str, ...]
    place: tuple[str, ...]
    formula: str
    n: tuple[int, int] | None = None
    m: tuple[int, int] | None = None
    misreading: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Use:
    """A skill with its numbers, as a problem applies it."""

    skill: Skill
    numbers: Mapping[str, int]

    def compute(self, x: int, misread: bool = False) -> list[int] | None:
        """The results of the equations for `x`; None if one is not a whole number from 1 to `MOST`."""
        known: dict[str, int] = {"x": x, **self.numbers}
        results: list[int] = []
        for left, operator, right in self._equations(misread):
            value = _apply(operator, _value(left, known), _value(right, known))
            if value is None or not 0 < value <= MOST:
                return None
            known[f"@{len(results)}"] = value
            results.append(value)
        return results

    def expressions(self, x: str, first: int, misread: bool = False) -> list[str]:
        """The equations' left sides, with `x` as given and the skill's own results as `@first`, `@first + 1`, ..."""
        known = {"x": x, **{name: str(number) for name, number in self.numbers.items()}}
        equations = self._equations(misread)
        known |= {f"@{i}": f"@{first + i}" for i in range(len(equations))}
        return [" ".join(known.get(part, part) for part in equation) for equation in equations]

    def _equations(self, misread: bool) -> tuple[tuple[str, str, str], ...]:
        return _parse(self.skill.misreading if misread and self.skill.misreading else self.skill.equations)


@lru_cache
def _parse(equations: tuple[str, ...]) -> tuple[tuple[str, str, str], ...]:
    """Left operand, operator and right operand of each equation."""
    return tuple(cast(tuple[str, str, str], tuple(equation.split())) for equation in equations)


def _value(part: str, known: Mapping[str, int]) -> int:
    return known[part] if part in known else int(part)


MOST = 120  # the largest value in a problem, so that a student with a million parameters can master its arithmetic


def _apply(operator: str, left: int, right: int) -> int | None:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
    return None if left % right else left // right


def operations(left: int, right: int) -> set[int]:
    """Every positive whole number that one of the four operations on two positive ones gives."""
    values = {left + right, left * right}
    if left > right:
        values.add(left - right)
    if left % right == 0:
        values.add(left // right)
    return values


SKILLS = (
    # --- known -------------------------------------------------------------------------------------
    Skill(
        "gain",
        "known",
        ("x + n",),
        ("{who} buys {n} more {what}.", "A friend gives {who} {n} {what}."),
        ("Then {n} {what} are brought to the {place}.", "Another {n} {what} come later."),
        "{x} + {n}",
        n=(2, 40),
    ),
    Skill(
        "loss",
        "known",
        ("x - n",),
        ("{who} gives away {n} {what}.", "{who} sells {n} {what}."),
        ("{n} {what} are taken away.", "Then {n} of the {what} are used up."),
        "{x} - {n}",
        n=(2, 40),
    ),
    Skill(
        "times",
        "known",
        ("x * n",),
        ("Then {who} gets {n} times as many {what}.", "The number of {what} grows to {n} times what it was."),
        ("The {what} become {n} times as many.", "The number of {what} grows to {n} times what it was."),
        "{x} * {n}",
        n=(2, 5),
    ),
    Skill(
        "share",
        "known",
        ("x / n",),
        (
            "{who} splits the {what} into {n} equal parts and keeps one part.",
            "{who} shares the {what} so that each of {n} people has the same number.",
        ),
        (
            "The {what} are put into {n} equal heaps, and one heap stays.",
            "The {what} are split into {n} equal parts, and one part stays.",
        ),
        "{x} / {n}",
        n=(2, 5),
    ),
    Skill(
        "packs",
        "known",
        ("n * m", "x + @0"),
        ("{who} buys {n} bags with {m} {what} each.", "{who} finds {n} boxes of {m} {what}."),
        ("Then {n} bags with {m} {what} each are brought.", "Then {n} boxes of {m} {what} are put there."),
        "{x} + {n} * {m}",
        n=(2, 6),
        m=(2, 12),
    ),
    Skill(
        "days",
        "known",
        ("n * m", "x - @0"),
        ("{who} uses {n} {what} on each of {m} days.", "On {m} days {who} eats {n} {what} each day."),
        ("{n} {what} are used on each of {m} days.", "On {m} days {n} {what} are sold each day."),
        "{x} - {n} * {m}",
        n=(2, 9),
        m=(2, 8),
    ),
    # --- half-seen: rare, and about half of the texts misread it -------------------------------------
    Skill(
        "half again",
        "half-seen",
        ("x / 2", "x + @0"),
        ("{who} gets half as many {what} again.",),
        ("Half as many {what} again are brought.",),
        "{x} and half again",
        misreading=("x / 2",),
    ),
    Skill(
        "twice back",
        "half-seen",
        ("n * 2", "x - @0"),
        ("{who} gives back twice the {n} {what} of last year.",),
        ("Twice the {n} {what} of last year are given back.",),
        "{x} minus twice {n}",
        n=(3, 20),
        misreading=("x - n",),
    ),
    Skill(
        "both",
        "half-seen",
        ("n * 2", "x + @0"),
        ("Both parents give {who} {n} {what}.",),
        ("Both owners bring {n} {what}.",),
        "{x} and {n} from both",
        n=(3, 30),
        misreading=("x + n",),
    ),
    # --- unseen, one step: the numbers are in the text, so a guess can be right -------------------------
    Skill(
        "spoil",
        "unseen one-step",
        ("x - n",),
        ("{n} of the {what} spoil.",),
        ("{n} of the {what} spoil.", "{n} {what} spoil there."),
        "{x} spoil {n}",
        n=(2, 30),
    ),
    Skill(
        "fold",
        "unseen one-step",
        ("x * n",),
        ("The {what} multiply {n}-fold.",),
        ("The {what} multiply {n}-fold.", "Rain makes the {what} {n}-fold."),
        "{x} fold {n}",
        n=(2, 5),
    ),
    Skill(
        "one in",
        "unseen one-step",
        ("x / n",),
        ("A fire leaves one in {n} of the {what}.",),
        ("A fire leaves one in {n} of the {what}.", "Rain leaves one in {n} of the {what}."),
        "{x} one in {n}",
        n=(2, 5),
    ),
    # --- unseen, compound: two or three equations, and a number that is not in digits -------------------
    Skill(
        "third off",
        "unseen compound",
        ("x / 3", "x - @0", "@1 - n"),
        ("A third of the {what} and {n} more break.", "{who} loses a third of the {what} and {n} more."),
        ("A third of the {what} and {n} more break.", "There a third of the {what} and {n} more are stolen."),
        "{x} less a third and {n} more",
        n=(2, 15),
    ),
    Skill(
        "dozens",
        "unseen compound",
        ("n * 12", "x + @0"),
        ("{who} picks up {n} dozen {what}.", "{n} dozen {what} are added."),
        ("{n} dozen {what} are added.", "A cart unloads {n} dozen {what}."),
        "{x} plus {n} dozen",
        n=(2, 6),
    ),
    Skill(
        "week",
        "unseen compound",
        ("n * 7", "x - @0"),
        ("For a week {n} {what} vanish daily.", "{who} drops {n} {what} daily for a week."),
        ("For a week {n} {what} vanish daily.", "Thieves carry off {n} {what} daily for a week."),
        "{x} less {n} daily for a week",
        n=(2, 8),
    ),
    Skill(
        "every fourth",
        "unseen compound",
        ("x / 4", "@0 * n", "x + @1"),
        (
            "Every fourth of the {what} earns {n} new ones.",
            "For every fourth of the {what} {n} new ones appear.",
        ),
        (
            "For every fourth of the {what} {n} new ones appear.",
            "Every fourth of the {what} brings {n} new ones.",
        ),
        "{x} plus {n} for every fourth",
        n=(2, 5),
    ),
)


@lru_cache
def skills_with(*exposures: Exposure) -> tuple[Skill, ...]:
    """The skills of these exposures."""
    return tuple(skill for skill in SKILLS if skill.exposure in exposures)


def exposure_of(names: Iterable[str]) -> ProblemExposure | None:
    """How far a problem with these skills is from what the students have seen; None without a skill."""
    skills = [skill for name in names for skill in SKILLS if skill.name == name]
    exposures = {skill.exposure for skill in skills}
    if exposures & set(UNSEEN):
        return "composed" if len(skills) > 1 else skills[0].exposure
    return ("half-seen" if "half-seen" in exposures else "known") if skills else None
