"""Wrong golds: an item's own answer, in every form of the generator, against the gold of another item.

    python -m tests.verify.wrong_golds DATA 200000 --seed 20261129

DATA has the files of GSM8K, MATH-500 and LogiQA in the layout that `SLMR_DATA` wants. That two golds differ is decided
without the checkers: numbers as decimals, letters as letters, formulas by their values where math-verify reads them
(symbols at fixed points); pairs that it cannot tell apart, that differ by a factor of 100 (per cent) or of pi / 180
(degrees) only, or that hold the same values in other brackets are left out. Prints what was accepted, one pair a line.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from itertools import islice
from pathlib import Path
from random import Random
from typing import NamedTuple, cast

from slmr.rewards.cases.endings import WORKED, forms
from slmr.verify import Kind, verify

# What a gold is, without the checkers: its values, in order of size.
Key = tuple[complex, ...]
_POINTS = (0.7390851332, 1.3247179572, 0.5671432904, 1.9021605831, 0.2784645427)
_FACTORS = (1.0, 100.0, math.pi / 180)


class Pair(NamedTuple):
    kind: Kind
    dataset: str
    form: str
    completion: str
    gold: str


def golds(data: Path) -> dict[str, tuple[Kind, list[tuple[str, Key]]]]:
    """The golds of each dataset with their keys."""
    rows = [json.loads(line) for line in (data / "gsm8k" / "test.jsonl").read_text("utf-8").splitlines()]
    numbers = [row["answer"].rsplit("####", 1)[1].strip().replace(",", "") for row in rows]
    math500 = [json.loads(line) for line in (data / "math500" / "test.jsonl").read_text("utf-8").splitlines()]
    formulas = [(row["answer"], key) for row in math500 if (key := key_of(row["answer"]))]
    letters = [
        line.strip().upper()
        for line in (data / "logiqa" / "Test.txt").read_text("utf-8").splitlines()
        if line.strip() in ("a", "b", "c", "d")
    ]
    return {
        "gsm8k": ("numeric", [(n, (complex(Decimal(n)),)) for n in numbers]),
        "math500": ("math", formulas),
        "logiqa": ("choice", [(letter, (complex(ord(letter)),)) for letter in letters]),
    }


def key_of(gold: str) -> Key | None:
    """What a formula is, by math-verify and sympy; None where they do not read all of it."""
    import sympy
    from math_verify import parse

    read = parse(f"\\boxed{{{gold}}}", parsing_timeout=None)  # pyright: ignore[reportArgumentType]
    if not read or isinstance(read[0], str):
        return None
    things = list(read[0].args) if isinstance(read[0], sympy.Tuple | sympy.FiniteSet) else [read[0]]
    if not all(isinstance(thing, sympy.Expr) for thing in things):
        return None
    return tuple(sorted(map(_value, things), key=abs))


def _value(thing: object) -> complex:
    import sympy

    expression = cast("sympy.Expr", sympy.sympify(thing))
    symbols = sorted(expression.free_symbols, key=str)
    value = cast("sympy.Expr", expression.subs(dict(zip(symbols, _POINTS, strict=False))))
    return complex(value.evalf(20))


def differ(left: Key, right: Key) -> bool:
    """Whether two golds are surely different answers."""
    if len(left) != len(right):
        return True
    return not any(
        all(_close(a, b * factor) or _close(a * factor, b) for a, b in zip(left, right, strict=True))
        for factor in _FACTORS
    )


def _close(a: complex, b: complex) -> bool:
    return abs(a - b) <= 1e-6 * max(1.0, abs(a), abs(b))


def pairs(data: Path, seed: int) -> Iterator[Pair]:
    """Completions with the gold of another item, without end: dataset, form and items are drawn anew each time."""
    rng = Random(seed)
    known = golds(data)
    templates = {kind: list(forms(kind)) for kind, _ in known.values()}
    while True:
        dataset = rng.choice(list(known))
        kind, items = known[dataset]
        _, form, delimited = rng.choice(templates[kind])
        (answer, key), (other, other_key) = rng.choice(items), rng.choice(items)
        if answer == "A" and form == "{}.":
            continue  # also an article
        if differ(key, other_key):
            written = f"${answer}$" if kind == "math" and not delimited else answer
            yield Pair(kind, dataset, form, WORKED[kind] + form.format(written), other)


def accepted(batch: list[Pair]) -> list[Pair]:
    return [pair for pair in batch if verify(pair.completion, pair.gold, pair.kind).lenient]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder with gsm8k/, math500/ and logiqa/")
    parser.add_argument("count", type=int, help="pairs to try")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    arguments = parser.parse_args()
    drawn = pairs(arguments.data, arguments.seed)
    batches = iter(lambda: list(islice(drawn, 2_000)), [])
    counts, wrong = Counter(), []
    with ProcessPoolExecutor(arguments.jobs) as pool:
        while (left := arguments.count - counts.total()) > 0:
            group = [next(batches)[: max(0, left - 2_000 * i)] for i in range(arguments.jobs)]
            counts.update(pair.dataset for batch in group for pair in batch)
            for found in pool.map(accepted, group):
                wrong += found
                for pair in found:
                    print(f"accepted: {pair.completion!r} for {pair.gold!r}", flush=True)
            print(f"{counts.total()} of {arguments.count}", file=sys.stderr, flush=True)
    print(f"{counts.total()} wrong golds ({dict(counts)}), {len(wrong)} accepted")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
