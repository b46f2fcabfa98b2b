"""Mutations of the golden cases: whatever comes in, a verdict goes out.

python -m tests.verify.fuzz 200000      # how many; prints what was slow
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from random import Random

from slmr.verify import Verdict, verify
from tests.verify.golden import cases

PIECES = (
    "\\frac{",
    "}{",
    "}",
    "{",
    "\\boxed{",
    "^",
    "_",
    "\\sqrt[",
    "(",
    ")",
    "[",
    "]",
    "|",
    "\\left",
    "\\int_0^",
    "dx",
    "\\sum_{k=1}^",
    "\\prod_{k=1}^{9}",
    "\\lim_{x \\to ",
    "1e999",
    "10^{10^",
    "!",
    "\\pm",
    "\\cup",
    ",",
    ";",
    "=",
    "<",
    "\\infty",
    "sin ",
    "\\log_",
    "%",
    "±",
    "½",
    "三",
    "<think>",
    "</think>",
    "####",
    "Answer: ",
    "or ",
    "\\\\",
    "\x00",
    "\\begin{pmatrix}",
    "\\end{pmatrix}",
    "&",
    "\u202e",
    "\\binom{",
    "\\choose",
    "\\mod ",
    "gcd(",
    "\\lfloor",
    "$",
    "\\operatorname{",
    "no wait",
    " not ",
    "9" * 300,
    "(x+y)^{20}",
    "\\overline{",
)


def mutated(text: str, rng: Random) -> str:
    """The text after a few insertions, deletions and repetitions; sometimes pieces alone."""
    letters = list(text) if rng.random() < 0.8 else rng.choices(PIECES, k=rng.randint(1, 30))
    for _ in range(rng.randint(0, 6)):
        at, what = rng.randint(0, len(letters)), rng.random()
        if what < 0.4:
            letters[at:at] = [rng.choice(PIECES)]
        elif what < 0.6:
            del letters[at : at + rng.randint(1, 5)]
        elif what < 0.8:
            letters[at:at] = letters[max(0, at - rng.randint(1, 20)) : at] * rng.randint(1, 4)
        else:
            letters[at:at] = [chr(rng.choice([rng.randint(32, 126), rng.randint(0x80, 0x3000)]))]
    return "".join(letters)


def fuzz(count: int, seed: int) -> list[tuple[float, str, str, Verdict]]:
    """(seconds, completion, gold, verdict) of each mutated case. A fault of the checker is raised as it comes."""
    rng, corpus, found = Random(seed), cases(), []
    for _ in range(count):
        kind, completion, gold = rng.choice(corpus)
        text = mutated(completion, rng)
        start = time.perf_counter()
        verdict = verify(text, gold, kind)  # type: ignore[arg-type]
        found.append((time.perf_counter() - start, text, gold, verdict))
    return found


def main() -> None:
    found = fuzz(int(sys.argv[1]), seed=0)
    print(dict(Counter(verdict.status for *_, verdict in found)))
    for seconds, text, gold, verdict in sorted(found, key=lambda row: -row[0])[:10]:
        print(f"{seconds:.2f} s  {verdict.status}  {text[:80]!r}  {gold[:40]!r}")


if __name__ == "__main__":
    main()
