"""Templates of cases: rows of (kind, completion, gold) with placeholders, which a random draw fills in.

`<n>` and `<m>` are two different numbers, `<n-1>` and `<n+1>` the neighbours of the first; `<L>` and `<M>` are two
different letters, `<l>` is the first in lower case.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random

from slmr.verify import Kind

CaseText = tuple[Kind, str, str]


def rows_of(kind: Kind, gold: str, *texts: str) -> tuple[CaseText, ...]:
    """One row per completion."""
    return tuple((kind, text, gold) for text in texts)


def box_rows(gold: str, *answers: str) -> tuple[CaseText, ...]:
    """One row per answer, which stands in a box."""
    return rows_of("math", gold, *(f"So it is $\\boxed{{{answer}}}$." for answer in answers))


def pair_rows(*pairs: tuple[str, str]) -> tuple[CaseText, ...]:
    """One row per pair of an answer, which stands in a box, and gold."""
    return tuple(row for answer, gold in pairs for row in box_rows(gold, answer))


def fill_templates(table: Mapping[str, tuple[CaseText, ...]], seed: int) -> Iterator[tuple[str, Kind, str, str]]:
    """(family, kind, completion, gold): each row with three random draws of its placeholders."""
    rng = Random(seed)
    for family, rows in table.items():
        for kind, text, gold in rows:
            for _ in range(3):
                n, m = rng.sample(range(21, 99), 2)
                right, wrong = rng.sample("BCDE", 2)
                values = {
                    "<n>": f"{n}",
                    "<m>": f"{m}",
                    "<n-1>": f"{n - 1}",
                    "<n+1>": f"{n + 1}",
                    "<L>": right,
                    "<M>": wrong,
                    "<l>": right.lower(),
                }
                yield family, kind, _fill(text, values), _fill(gold, values)


def _fill(text: str, values: dict[str, str]) -> str:
    for mark, value in values.items():
        text = text.replace(mark, value)
    return text
