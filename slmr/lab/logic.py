"""lab_logiqa: what follows from a fact and rules, with the same four options in every problem.

Students with a million parameters do not learn to look up a letter by an option's text, so the options are fixed.
"""

from __future__ import annotations

from random import Random

from slmr.lab.items import Draft
from slmr.lab.solution import Solution, Step
from slmr.lab.words import STATES

OPTIONS = "A. given\nB. follows in one step\nC. follows in more steps\nD. does not follow"
FORMS = ("given", "one step", "more steps", "none")


def draw_logiqa(rng: Random, level: int, _: bool) -> Draft:
    """A chain of two rules from the given fact, and one unrelated rule; from level 2 on in random order.

    No level has longer chains: students with a million parameters could not follow a third rule and only guessed.
    """
    form = rng.randrange(4)
    states = rng.sample(STATES, 5)
    path, unrelated = states[:3], states[3:]
    rules = [f"If {a} then {b}." for a, b in (*zip(path, path[1:], strict=False), tuple(unrelated))]
    if level >= 2:
        rng.shuffle(rules)
    question = (*path, unrelated[1])[form]
    end = path.index(question) if question in path else 2
    steps = [f"{a} so {b}" for a, b in zip(path[:end], path[1 : end + 1], strict=True)]
    if form == 0:
        steps = [f"{question} is given"]
    elif form == 3:
        steps.append(f"{path[-1]} is the end")
    problem = " ".join([*rules, f"It is {path[0]}.", f"Is it {question}?"]) + "\n" + OPTIONS
    key = " ".join([*sorted(rules), f"It is {path[0]}.", f"Is it {question}?"])
    solution = Solution(tuple(Step("", "", text) for text in steps), f"Answer: {'ABCD'[form]}")
    return Draft(problem, "ABCD"[form], solution, key, (FORMS[form],), None)
