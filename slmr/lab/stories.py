"""lab_gsm8k, lab_mawps, lab_svamp: word problems with a whole number as the answer."""

from __future__ import annotations

from random import Random

from slmr.lab.items import Draft
from slmr.lab.solution import Solution, Step, apply, chain
from slmr.lab.words import CONTAINERS, NAMES, OBJECTS, PLACES

_MOST = 60  # no value in a story is larger: a student of a million parameters can learn its sums

# Sentence, teacher's reason; {n} operand, {who} name, {what} object.
_GAIN = (
    ("{who} buys {n} more {what}.", "buying {n} more {what}"),
    ("{who} finds {n} {what}.", "finding {n} {what}"),
    ("A friend gives {who} {n} {what}.", "getting {n} {what} from a friend"),
)
_LOSS = (
    ("{who} gives away {n} {what}.", "giving away {n} {what}"),
    ("{who} loses {n} {what}.", "losing {n} {what}"),
    ("{who} sells {n} {what}.", "selling {n} {what}"),
)
_TIMES = (
    ("Then {who} gets {n} times as many {what}.", "taking {n} times as many"),
    ("The number of {what} grows to {n} times what it was.", "growing to {n} times the number"),
)
_SHARE = (
    ("{who} splits the {what} into {n} equal parts and keeps one part.", "keeping one of {n} equal parts"),
    ("{who} shares the {what} equally with friends, so that each of {n} people has the same number.",
     "sharing among {n} people"),
)  # fmt: skip
_FORMS = {"+": _GAIN, "-": _LOSS, "*": _TIMES, "/": _SHARE}


def _operand(rng: Random, operator: str, value: int) -> int | None:
    """A fitting operand, or None if the operation does not fit the value."""
    if operator == "+":
        return rng.randint(2, 12) if value <= _MOST - 12 else None
    if operator == "-":
        return rng.randint(2, min(12, value - 2)) if value > 5 else None
    if operator == "*":
        return rng.randint(2, 4) if value <= _MOST // 4 else None
    divisors = [d for d in range(2, 5) if value % d == 0 and value // d > 1]
    return rng.choice(divisors) if divisors else None


def _operation(rng: Random, value: int) -> tuple[str, int]:
    while True:
        operator = rng.choices("+-*/", (3, 3, 2, 2))[0]
        operand = _operand(rng, operator, value)
        if operand is not None:
            return operator, operand


def draw_gsm8k(rng: Random, level: int) -> Draft:
    """A running total with as many steps as the level says; packs count as two steps."""
    who, what = rng.choice(NAMES), rng.choice(OBJECTS)
    value = start = rng.randint(3, 20)
    sentences = [f"{who} has {start} {what}."]
    steps: list[Step] = []
    while len(steps) < level:
        left = f"@{len(steps) - 1}" if steps else str(start)
        if level - len(steps) >= 2 and value <= _MOST - 30 and rng.random() < 0.25:
            packs, each, container = rng.randint(2, 5), rng.randint(2, 6), rng.choice(CONTAINERS)
            sentences.append(f"{who} buys {packs} {container} with {each} {what} each.")
            steps.append(
                Step(f"counting {packs} {container} of {each}", f"{packs} * {each}", str(packs * each))
            )
            value += packs * each
            right = f"@{len(steps) - 1}"
            steps.append(Step(f"adding the {container}", f"{left} + {right}", str(value)))
            continue
        operator, operand = _operation(rng, value)
        sentence, reason = rng.choice(_FORMS[operator])
        sentences.append(sentence.format(who=who, what=what, n=operand))
        value = apply(operator, value, operand)
        steps.append(Step(reason.format(what=what, n=operand), f"{left} {operator} {operand}", str(value)))
    sentences.append(f"How many {what} does {who} have now?")
    return _draft(sentences, steps)


def _draft(sentences: list[str], steps: list[Step]) -> Draft:
    problem, gold = " ".join(sentences), steps[-1].result
    return Draft(problem, gold, Solution(tuple(steps), f"#### {gold}"), problem)


def _mawps_single(rng: Random, most: int) -> tuple[list[str], list[Step], str]:
    """One step about a place or about equal groups: sentences, steps, and the question."""
    what, place, container = rng.choice(OBJECTS), rng.choice(PLACES), rng.choice(CONTAINERS)
    form = rng.randrange(4)
    if form == 0:
        a, b = rng.randint(2, most), rng.randint(2, most)
        sentences = [f"There are {a} {what} at the {place}.", f"Then {b} {what} are brought to the {place}."]
        steps = chain(a, [(f"bringing {b} {what}", "+", b)])
        return sentences, steps, f"How many {what} are at the {place} now?"
    if form == 1:
        a = rng.randint(6, most)
        b = rng.randint(2, a - 2)
        sentences = [f"There were {a} {what} at the {place}.", f"{b} {what} were taken away."]
        steps = chain(a, [(f"taking away {b} {what}", "-", b)])
        return sentences, steps, f"How many {what} are left at the {place}?"
    a, b = rng.randint(2, 6), rng.randint(2, most // 2)
    if form == 2:
        sentences = [
            f"There are {a} {container} at the {place}.",
            f"Each of the {container} holds {b} {what}.",
        ]
        steps = chain(a, [(f"filling {container} with {b} each", "*", b)])
        return sentences, steps, f"How many {what} are there in all?"
    sentences = [f"{a * b} {what} are put into {a} {container} with the same number in each."]
    steps = chain(a * b, [(f"dividing among {a} {container}", "/", a)])
    return sentences, steps, f"How many {what} are in each one?"


def draw_mawps(rng: Random, level: int) -> Draft:
    """Levels 1 to 3 take one step with growing numbers, levels 4 and 5 take two."""
    most = (10, 15, 20, 15, 20)[level - 1]
    sentences, steps, question = _mawps_single(rng, most)
    if level >= 4:
        value = int(steps[0].result)
        operator = "-" if value > 5 and rng.random() < 0.5 else "+"
        n = rng.randint(2, min(most, value - 2)) if operator == "-" else rng.randint(2, most)
        sentences.append(f"Of these, {n} are broken." if operator == "-" else f"Another {n} come later.")
        reason = f"leaving out {n} broken" if operator == "-" else f"adding {n} later"
        steps.append(Step(reason, f"@0 {operator} {n}", str(apply(operator, value, n))))
        question = "How many is that now?" if operator == "+" else "How many of these are good?"
    return _draft([*sentences, question], steps)


def draw_svamp(rng: Random, level: int) -> Draft:
    """Two owners or two kinds of things; level - 1 sentences do not matter for the question."""
    first, second = rng.sample(NAMES, 2)
    what, other, third = rng.sample(OBJECTS, 3)
    a, b, c = rng.randint(6, 20), rng.randint(2, 20), rng.randint(2, 5)
    n = rng.randint(2, min(12, a - 2))
    facts = [f"{first} has {a} {what}."]
    distractors = [
        f"{first} has {b} {other}.",
        f"{second} has {rng.randint(2, 20)} {what}.",
        f"{second} lost {rng.randint(2, 20)} {other}.",
        f"{second} wants {rng.randint(2, 20)} {third}.",
    ]
    form = rng.randrange(4)
    if form == 0:
        facts.append(f"{first} gives {n} {what} to {second}.")
        steps = chain(a, [(f"giving away {n} {what}", "-", n)])
        question = f"How many {what} does {first} still have?"
    elif form == 1:
        facts.append(f"{second} has {n} fewer {what} than {first}.")
        steps = chain(a, [(f"taking {n} fewer", "-", n)])
        question = f"How many {what} does {second} have?"
        distractors[1] = f"{second} has {rng.randint(2, 20)} {third}."
    elif form == 2:
        facts.append(f"{first} gets {n} {what} more.")
        steps = chain(a, [(f"getting {n} {what} more", "+", n)])
        question = f"How many {what} does {first} have in all?"
    else:
        a = rng.randint(2, 9)
        facts = [f"{first} has {c} boxes with {a} {what} in each box."]
        steps = chain(c, [(f"counting {c} boxes", "*", a)])
        question = f"How many {what} does {first} have in the boxes?"
    for sentence in rng.sample(distractors, level - 1):
        facts.insert(rng.randint(1, len(facts)), sentence)
    return _draft([*facts, question], steps)
