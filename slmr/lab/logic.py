"""lab_logiqa: orderings and implications with four options."""

from __future__ import annotations

from random import Random

from slmr.lab.items import Draft
from slmr.lab.solution import Solution, Step
from slmr.lab.words import ADJECTIVES, FACTS, NAMES


def _options(rng: Random, right: str, wrong: list[str]) -> tuple[str, str]:
    """The option lines, and the letter of the right one."""
    texts = [right, *wrong]
    rng.shuffle(texts)
    lines = [f"{letter}. {text}" for letter, text in zip("ABCD", texts, strict=True)]
    return "\n".join(lines), "ABCD"[texts.index(right)]


def _draft(facts: list[str], question: str, options: str, letter: str, steps: list[str]) -> Draft:
    problem = " ".join([*facts, question]) + "\n" + options
    key = " ".join([*sorted(facts), question])
    said = tuple(Step("", "", text) for text in steps)
    return Draft(problem, letter, Solution(said, f"Answer: {letter}"), key)


def _ordering(rng: Random, level: int) -> Draft:
    """A line of 4 or more people given by neighbours; who stands at a given place of it?"""
    size = 4 if level <= 3 else 5
    people = rng.sample(NAMES, size)
    more, most = rng.choice(ADJECTIVES)
    facts = [f"{a} is {more} than {b}." for a, b in zip(people, people[1:], strict=False)]
    if level >= 2:
        rng.shuffle(facts)
    place = rng.choice([0, size - 1]) if level <= 2 else rng.randrange(size)
    question = f"Who is the {most}?" if place == 0 else f"Who is number {place + 1} from the {most}?"
    if place == size - 1:
        question = f"Who is last, counted from the {most}?"
    right = people[place]
    wrong = rng.sample([p for p in people if p != right], 3)
    options, letter = _options(rng, right, wrong)
    steps = ["the order is " + " > ".join(people), f"number {place + 1} is {right}"]
    return _draft(facts, question, options, letter, steps)


def _implication(rng: Random, level: int) -> Draft:
    """A chain of rules and one fact; which statement follows?"""
    length = 1 + (level + 1) // 2
    successor = dict(FACTS)
    starts = [s for s in successor if _reach(successor, s, length) is not None]
    start = rng.choice(starts)
    path = _reach(successor, start, length) or []
    rules = [f"If {a}, then {b}." for a, b in zip(path, path[1:], strict=False)]
    unused = [s for pair in FACTS for s in pair if s not in path]
    wrong = rng.sample(sorted(set(unused)), 3)
    if level >= 2:
        source = wrong[0]
        rules.append(f"If {source}, then {wrong[1]}.")
        rng.shuffle(rules)
    options, letter = _options(rng, path[-1], wrong)
    steps = [f"{a} so {b}" for a, b in zip(path, path[1:], strict=False)]
    return _draft([*rules, f"Now {start}."], "Which must be true?", options, letter, steps)


def _reach(successor: dict[str, str], start: str, length: int) -> list[str] | None:
    path = [start]
    while len(path) <= length:
        if path[-1] not in successor:
            return None
        path.append(successor[path[-1]])
    return path


def draw_logiqa(rng: Random, level: int) -> Draft:
    """Half orderings, half implications; more people, more rules and shuffled facts with the level."""
    return _ordering(rng, level) if rng.random() < 0.5 else _implication(rng, level)
