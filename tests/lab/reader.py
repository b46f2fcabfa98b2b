r"""A second opinion on the lab's problems: reads the problem's text and works the answer out itself.

It shares nothing with the generators but the English they write: its own table of sentences, exact
fractions, orderings by trying them all, implications by forward chaining. A sentence that it does
not know is an error, and so is a question about something that the text has not told.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from fractions import Fraction
from itertools import permutations
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


def _math(problem: str) -> Fraction:
    if match := re.fullmatch(r"Compute (.+)\.", problem):
        return evaluate(match[1])
    match = re.fullmatch(r"Solve (.+) = (.+) for x\.", problem)
    if not match:
        raise ValueError(f"not a problem that the reader knows: {problem}")

    def difference(x: int) -> Fraction:
        return evaluate(match[1], Fraction(x)) - evaluate(match[2], Fraction(x))

    # Both sides are linear: the zero of the line through two points of their difference.
    at_zero, at_one = difference(0), difference(1)
    return at_zero / (at_zero - at_one)


# --- stories ------------------------------------------------------------------------------------


class _World:
    """What the sentences read so far have said. `topic` is what "these" and "that" refer to."""

    def __init__(self) -> None:
        self.counts: Counts = {}
        self.topic: tuple[str, str] | None = None

    def put(self, owner: str, thing: str, number: Fraction) -> None:
        self.counts[owner, thing] = number
        self.topic = owner, thing

    def change(self, owner: str, thing: str, by: Callable[[Fraction], Fraction]) -> None:
        if (owner, thing) in self.counts:  # else nobody knows how many there were before
            self.counts[owner, thing] = by(self.counts[owner, thing])

    def only_owner(self, thing: str) -> str:
        (owner,) = {o for o, t in self.counts if t == thing}
        return owner

    def topic_change(self, by: Callable[[Fraction], Fraction]) -> None:
        assert self.topic
        self.change(*self.topic, by)


def _has(w: _World, who: str, n: str, what: str) -> None:
    w.put(who, what, Fraction(n))


def _gains(w: _World, who: str, n: str, what: str) -> None:
    w.change(who, what, lambda had: had + int(n))


def _loses(w: _World, who: str, n: str, what: str) -> None:
    w.change(who, what, lambda had: had - int(n))


def _gets_packs(w: _World, who: str, packs: str, each: str, what: str) -> None:
    w.change(who, what, lambda had: had + int(packs) * int(each))


def _gives_to(w: _World, who: str, n: str, what: str, to: str) -> None:
    _loses(w, who, n, what)
    _gains(w, to, n, what)


def _fewer(w: _World, who: str, n: str, what: str, than: str) -> None:
    w.put(who, what, w.counts[than, what] - int(n))


def _keeps_part(w: _World, who: str, what: str, parts: str) -> None:
    w.change(who, what, lambda had: had / int(parts))


def _times(w: _World, who: str, n: str, what: str) -> None:
    w.change(who, what, lambda had: had * int(n))


def _grows(w: _World, what: str, n: str) -> None:
    _times(w, w.only_owner(what), n, what)


def _each_holds(w: _World, container: str, n: str, what: str) -> None:
    place = w.only_owner(container)
    w.put(place, what, w.counts[place, container] * int(n))


def _put_into(w: _World, n: str, what: str, containers: str) -> None:
    w.put("each", what, Fraction(int(n), int(containers)))


def _brought(w: _World, n: str, what: str, place: str) -> None:
    _gains(w, place, n, what)


def _taken(w: _World, n: str, what: str) -> None:
    _loses(w, w.only_owner(what), n, what)


def _at_place(w: _World, n: str, what: str, place: str) -> None:
    _has(w, place, n, what)


_W, _N = r"([A-Za-z]+)", r"(\d+)"
_CONTAINER = r"(?:bags|boxes|packs|jars)"

_SENTENCES: list[tuple[str, Callable[..., None]]] = [
    (rf"{_W} has {_N} {_W}\.", _has),
    (rf"{_W} (?:buys|finds|gets) {_N} (?:more )?{_W}\.", _gains),
    (rf"{_W} gets {_N} {_W} more\.", _gains),
    (rf"A friend gives {_W} {_N} {_W}\.", _gains),
    (rf"{_W} (?:gives away|loses|lost|sells) {_N} {_W}\.", _loses),
    (rf"Then {_W} gets {_N} times as many {_W}\.", _times),
    (rf"The number of {_W} grows to {_N} times what it was\.", _grows),
    (rf"{_W} splits the {_W} into {_N} equal parts and keeps one part\.", _keeps_part),
    (
        rf"{_W} shares the {_W} equally with friends, so that each of {_N} people has the same number\.",
        _keeps_part,
    ),
    (rf"{_W} buys {_N} {_CONTAINER} with {_N} {_W} each\.", _gets_packs),
    (rf"{_W} gives {_N} {_W} to {_W}\.", _gives_to),
    (rf"{_W} has {_N} fewer {_W} than {_W}\.", _fewer),
    (rf"{_W} wants \d+ {_W}\.", lambda w, *_: None),
    (
        rf"{_W} has {_N} boxes with {_N} {_W} in each box\.",
        lambda w, who, c, n, what: w.put(who, what, Fraction(int(c) * int(n))),
    ),
    (rf"There (?:are|were) {_N} {_W} at the {_W}\.", _at_place),
    (rf"Then {_N} {_W} are brought to the {_W}\.", _brought),
    (rf"{_N} {_W} were taken away\.", _taken),
    (rf"Each of the {_W} holds {_N} {_W}\.", _each_holds),
    (rf"{_N} {_W} are put into {_N} {_CONTAINER} with the same number in each\.",
     lambda w, n, what, c: _put_into(w, n, what, c)),
    (rf"Of these, {_N} are broken\.", lambda w, n: w.topic_change(lambda had: had - int(n))),
    (rf"Another {_N} come later\.", lambda w, n: w.topic_change(lambda had: had + int(n))),
]  # fmt: skip

_QUESTIONS: list[tuple[str, Callable[..., Fraction]]] = [
    (
        rf"How many {_W} does {_W} (?:still )?have(?: now| in all| in the boxes)?\?",
        lambda w, what, who: w.counts[who, what],
    ),
    (rf"How many {_W} are (?:left )?at the {_W}(?: now)?\?", lambda w, what, place: w.counts[place, what]),
    (rf"How many {_W} are there in all\?", lambda w, what: w.counts[w.only_owner(what), what]),
    (rf"How many {_W} are in each one\?", lambda w, what: w.counts["each", what]),
    (r"How many (?:is that now|of these are good)\?", lambda w: w.counts[w.topic]),
]


def _story(problem: str) -> Fraction:
    *sentences, question = re.split(r"(?<=[.?]) ", problem)
    world = _World()
    for sentence in sentences:
        read, groups = _match(_SENTENCES, sentence)
        read(world, *groups)
    ask, groups = _match(_QUESTIONS, question)
    return ask(world, *groups)


def _match(
    table: list[tuple[str, Callable[..., T]]], sentence: str
) -> tuple[Callable[..., T], tuple[str, ...]]:
    found = [(then, m.groups()) for form, then in table if (m := re.fullmatch(form, sentence))]
    if len(found) != 1:
        raise ValueError(f"{len(found)} readings of: {sentence}")
    return found[0]


# --- logic --------------------------------------------------------------------------------------


def orders(text: str) -> list[tuple[str, ...]]:
    """Every line of the named people that agrees with all the comparisons."""
    pairs = re.findall(r"(\w+) is \w+er than (\w+)\.", text)
    people = sorted({person for pair in pairs for person in pair})
    return [line for line in permutations(people) if all(line.index(a) < line.index(b) for a, b in pairs)]


def implied(text: str) -> set[str]:
    """Every statement that follows from the rules and the facts, the facts among them."""
    rules = rules_of(text)
    known = set(re.findall(r"Now (.+?)\.", text))
    while new := {then for given, then in rules if given in known} - known:
        known |= new
    return known


def rules_of(text: str) -> set[tuple[str, str]]:
    return set(re.findall(r"If (.+?), then (.+?)\.", text))


def _logic(problem: str) -> str:
    text, *lines = problem.split("\n")
    options = dict(re.fullmatch(r"([A-D])\. (.+)", line).groups() for line in lines)  # type: ignore[union-attr]
    true = _who(text) if "Who is" in text else implied(text)
    right = [letter for letter, said in options.items() if said in true]
    if sorted(options) != ["A", "B", "C", "D"] or len(set(options.values())) != 4 or len(right) != 1:
        raise ValueError(f"not four options of which one is right: {problem}")
    return right[0]


def _who(text: str) -> set[str]:
    """The people who may stand at the place that is asked for: one, if the problem is sound."""
    comparative = {*re.findall(r"is (\w+)er than", text)}
    match = re.search(r"Who is (?:the|number (\d+) from the|(last), counted from the) (\w+)est\?", text)
    if not match or comparative != {match[3]}:
        raise ValueError(f"the question does not fit the comparisons: {text}")
    place = -1 if match[2] else int(match[1] or 1) - 1
    return {line[place] for line in orders(text)}
