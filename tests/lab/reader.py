r"""A second opinion on the lab's problems: reads the problem's text and works the answer out itself.

It shares nothing with the generators but the English they write: its own table of sentences, exact
fractions, implications by forward chaining. A sentence that it does
not know is an error, and so is a question about something that the text has not told.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from fractions import Fraction
from typing import TypeVar

T = TypeVar("T")
Counts = dict[tuple[str, str], Fraction]
"""(owner or place, thing) → how many."""

_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def answer(task: str, problem: str) -> Fraction | str:
    """The answer to a problem: a number, or the letter of the one option that is right."""
    if task == "lab_math":
        return _math(problem)
    if task == "lab_logiqa":
        return _logic(problem)
    return _story(problem)


# --- numbers ------------------------------------------------------------------------------------


def evaluate(text: str, x: Fraction | None = None) -> Fraction:
    r"""The exact value of an expression with + - * / ^, brackets, `\frac{}{}` and, where given, x."""
    previous = ""
    while previous != text:
        previous, text = text, re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", text)
    text = re.sub(r"(\d)x", r"\1*x", text).replace("^", "**")
    return _value(ast.parse(text.strip(), mode="eval").body, x)


def _value(node: ast.expr, x: Fraction | None) -> Fraction:
    match node:
        case ast.Constant(value=int(number)):
            return Fraction(number)
        case ast.Name(id="x") if x is not None:
            return x
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_value(inner, x)
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int(exponent))):
            return _value(left, x) ** exponent
        case ast.BinOp(left=left, op=op, right=right):
            return _OPERATORS[type(op)](_value(left, x), _value(right, x))
    raise ValueError(f"not arithmetic: {ast.unparse(node)}")


# Words of formulas and what they mean, x what stands before and a, b the numbers in them.
_FORMULAS: list[tuple[str, Callable[..., Fraction]]] = [
    (r"and half again", lambda x: x * 3 / 2),
    (r"minus twice (\d+)", lambda x, a: x - 2 * a),
    (r"and (\d+) from both", lambda x, a: x + 2 * a),
    (r"spoil (\d+)", lambda x, a: x - a),
    (r"fold (\d+)", lambda x, a: x * a),
    (r"one in (\d+)", lambda x, a: x / a),
    (r"less a third and (\d+) more", lambda x, a: x * 2 / 3 - a),
    (r"plus (\d+) dozen", lambda x, a: x + 12 * a),
    (r"less (\d+) daily for a week", lambda x, a: x - 7 * a),
    (r"plus (\d+) for every fourth", lambda x, a: x + x / 4 * a),
]


def _math(problem: str) -> Fraction:
    match = re.fullmatch(r"Compute (.+)\.", problem)
    if not match:
        raise ValueError(f"not a problem that the reader knows: {problem}")
    return _formula(match[1])


def _formula(text: str) -> Fraction:
    """The value of a formula: a number or a formula in brackets, and what is done to it."""
    if text.startswith("("):
        inner, rest = text[1 : text.index(")")], text[text.index(")") + 1 :]
        x = _formula(inner)
    else:
        number, _, rest = text.partition(" ")
        x, rest = Fraction(number), " " + rest
    found = [then(x, *map(int, m.groups())) for form, then in _FORMULAS if (m := re.fullmatch(form, rest.strip()))]
    return found[0] if found else evaluate(f"{x}{rest}")


# --- stories ------------------------------------------------------------------------------------


class _World:
    """What the sentences read so far have said."""

    def __init__(self) -> None:
        self.counts: Counts = {}

    def put(self, owner: str, thing: str, number: Fraction) -> None:
        assert (owner, thing) not in self.counts, "told twice"
        self.counts[owner, thing] = number

    def change(self, owner: str, thing: str, by: Callable[[Fraction], Fraction]) -> None:
        self.counts[owner, thing] = by(self.counts[owner, thing])

    def only_owner(self, thing: str) -> str:
        (owner,) = {o for o, t in self.counts if t == thing}
        return owner


def _has(w: _World, who: str, n: str, what: str) -> None:
    w.put(who, what, Fraction(n))


def _gains(w: _World, who: str, n: str, what: str) -> None:
    w.change(who, what, lambda had: had + int(n))


def _loses(w: _World, who: str, n: str, what: str) -> None:
    w.change(who, what, lambda had: had - int(n))


def _gets_packs(w: _World, who: str, packs: str, each: str, what: str) -> None:
    w.change(who, what, lambda had: had + int(packs) * int(each))


def _times(w: _World, n: str, what: str) -> None:
    w.change(w.only_owner(what), what, lambda had: had * int(n))


def _keeps_part(w: _World, what: str, parts: str) -> None:
    w.change(w.only_owner(what), what, lambda had: had / int(parts))


def _some_more(w: _World, n: str, what: str) -> None:
    _gains(w, w.only_owner(what), n, what)


def _some_less(w: _World, n: str, what: str) -> None:
    _loses(w, w.only_owner(what), n, what)


def _by(w: _World, what: str, factor: Fraction) -> None:
    w.change(w.only_owner(what), what, lambda had: had * factor)


def _times_more(factor: int) -> Callable[..., None]:
    return lambda w, n, what: _some_more(w, str(int(n) * factor), what)


def _times_less(factor: int) -> Callable[..., None]:
    return lambda w, n, what: _some_less(w, str(int(n) * factor), what)


def _third_and(w: _World, what: str, n: str) -> None:
    w.change(w.only_owner(what), what, lambda had: had - had / 3 - int(n))


def _fourth(w: _World, what: str, n: str) -> None:
    """For each four of them n more."""
    w.change(w.only_owner(what), what, lambda had: had + had / 4 * int(n))


_W, _N = r"([A-Za-z]+)", r"(\d+)"
_ANY = r"[A-Za-z]+"

_SENTENCES: list[tuple[str, Callable[..., None]]] = [
    (rf"{_W} has {_N} {_W}\.", _has),
    (rf"There are {_N} {_W} at the {_W}\.", lambda w, n, what, place: _has(w, place, n, what)),
    # more
    (rf"{_W} buys {_N} more {_W}\.", _gains),
    (rf"A friend gives {_W} {_N} {_W}\.", _gains),
    (rf"Then {_N} {_W} are brought to the {_ANY}\.", _some_more),
    (rf"Another {_N} {_W} come later\.", _some_more),
    (rf"{_W} (?:buys|finds) {_N} (?:bags with|boxes of) {_N} {_W}(?: each)?\.", _gets_packs),
    (
        rf"Then {_N} (?:bags with|boxes of) {_N} {_W} (?:each are brought|are put there)\.",
        lambda w, n, m, what: _some_more(w, str(int(n) * int(m)), what),
    ),
    # less
    (rf"{_W} (?:gives away|sells) {_N} {_W}\.", _loses),
    (rf"{_N} {_W} are taken away\.", _some_less),
    (rf"(?:Then )?{_N} of the {_W} (?:are used up|spoil)\.", _some_less),
    (rf"{_N} {_W} spoil there\.", _some_less),
    (
        rf"{_W} uses {_N} {_W} on each of {_N} days\.",
        lambda w, who, n, what, m: _loses(w, who, str(int(n) * int(m)), what),
    ),
    (
        rf"On {_N} days {_W} eats {_N} {_W} each day\.",
        lambda w, m, who, n, what: _loses(w, who, str(int(n) * int(m)), what),
    ),
    (
        rf"{_N} {_W} are used on each of {_N} days\.",
        lambda w, n, what, m: _some_less(w, str(int(n) * int(m)), what),
    ),
    (
        rf"On {_N} days {_N} {_W} are sold each day\.",
        lambda w, m, n, what: _some_less(w, str(int(n) * int(m)), what),
    ),
    (rf"{_ANY} (?:wants|lost) {_N} {_W}\.", lambda w, n, what: None),
    # times and parts
    (rf"Then {_ANY} gets {_N} times as many {_W}\.", _times),
    (rf"The number of {_W} grows to {_N} times what it was\.", lambda w, what, n: _times(w, n, what)),
    (rf"The {_W} become {_N} times as many\.", lambda w, what, n: _times(w, n, what)),
    (rf"{_ANY} splits the {_W} into {_N} equal parts and keeps one part\.", _keeps_part),
    (rf"{_ANY} shares the {_W} so that each of {_N} people has the same number\.", _keeps_part),
    (
        rf"The {_W} are (?:put|split) into {_N} equal (?:heaps, and one heap|parts, and one part) stays\.",
        _keeps_part,
    ),
    # half-seen
    (rf"{_ANY} gets half as many {_W} again\.", lambda w, what: _by(w, what, Fraction(3, 2))),
    (rf"Half as many {_W} again are brought\.", lambda w, what: _by(w, what, Fraction(3, 2))),
    (rf"{_ANY} gives back twice the {_N} {_W} of last year\.", _times_less(2)),
    (rf"Twice the {_N} {_W} of last year are given back\.", _times_less(2)),
    (rf"Both parents give {_ANY} {_N} {_W}\.", _times_more(2)),
    (rf"Both owners bring {_N} {_W}\.", _times_more(2)),
    # unseen
    (rf"The {_W} multiply {_N}-fold\.", lambda w, what, n: _times(w, n, what)),
    (rf"Rain makes the {_W} {_N}-fold\.", lambda w, what, n: _times(w, n, what)),
    (rf"(?:A fire|Rain) leaves one in {_N} of the {_W}\.", lambda w, n, what: _keeps_part(w, what, n)),
    (rf"(?:A|There a|{_ANY} loses a) third of the {_W} and {_N} more(?: break| are stolen)?\.", _third_and),
    (rf"{_ANY} picks up {_N} dozen {_W}\.", _times_more(12)),
    (rf"{_N} dozen {_W} are added\.", _times_more(12)),
    (rf"A cart unloads {_N} dozen {_W}\.", _times_more(12)),
    (rf"For a week {_N} {_W} vanish daily\.", _times_less(7)),
    (rf"(?:{_ANY} drops|Thieves carry off) {_N} {_W} daily for a week\.", _times_less(7)),
    (rf"Every fourth of the {_W} (?:earns|brings) {_N} new ones\.", _fourth),
    (rf"For every fourth of the {_W} {_N} new ones appear\.", _fourth),
]

_QUESTIONS: list[tuple[str, Callable[..., Fraction]]] = [
    (rf"How many {_W} does {_W} have now\?", lambda w, what, who: w.counts[who, what]),
    (rf"How many {_W} are at the {_W} now\?", lambda w, what, place: w.counts[place, what]),
]


def _story(problem: str) -> Fraction:
    *sentences, question = re.split(r"(?<=[.?]) ", problem)
    world = _World()
    for sentence in sentences:
        read, groups = _match(_SENTENCES, sentence)
        read(world, *groups)
    ask, groups = _match(_QUESTIONS, question)
    return ask(world, *groups)


def _match(table: list[tuple[str, Callable[..., T]]], sentence: str) -> tuple[Callable[..., T], tuple[str, ...]]:
    found = [(then, m.groups()) for form, then in table if (m := re.fullmatch(form, sentence))]
    if len(found) != 1:
        raise ValueError(f"{len(found)} readings of: {sentence}")
    return found[0]


# --- logic --------------------------------------------------------------------------------------

OPTIONS = {"A": "given", "B": "follows in one step", "C": "follows in more steps", "D": "does not follow"}


def rules_of(text: str) -> set[tuple[str, str]]:
    return set(re.findall(r"If (\w+) then (\w+)\.", text))


def given(text: str) -> str:
    (state,) = re.findall(r"It is (\w+)\.", text)
    return state


def distances(text: str) -> dict[str, int]:
    """Every state that follows → the number of steps to it; the given one in none."""
    known = {given(text): 0}
    while new := {b: known[a] + 1 for a, b in rules_of(text) if a in known and b not in known}:
        known |= new
    return known


def _logic(problem: str) -> str:
    text, *lines = problem.split("\n")
    if dict(line.split(". ", 1) for line in lines) != OPTIONS:
        raise ValueError(f"not the four options: {problem}")
    (asked,) = re.findall(r"Is it (\w+)\?", text)
    steps = distances(text).get(asked)
    return "D" if steps is None else "ABC"[min(steps, 2)]
