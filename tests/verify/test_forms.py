"""Hundreds of ways to write an answer, right and wrong ones, as `forms.txt` lists them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slmr.verify import verify

FILE = Path(__file__).with_name("forms.txt")


def forms() -> Iterator[tuple[Any, str, str, bool]]:
    """Kind, completion, gold, whether it must be accepted."""
    kind = gold = sign = ""
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## ") and len(line.split()) == 4 and line[-1] in "+-":
            _, kind, gold, sign = line.split()
        elif kind == "box":
            answer, of = line.rsplit(" | ", 1)
            yield "math", f"So the result is $\\boxed{{{answer}}}$.", of, sign == "+"
        elif kind:
            yield kind, line.replace("⏎", "\n"), gold, sign == "+"


@pytest.mark.parametrize("kind", ["numeric", "math", "choice"])
@pytest.mark.parametrize("accepted", [True, False])
def test_forms_are_read(kind, accepted):
    rows = [row for row in forms() if row[0] == kind and row[3] == accepted]
    assert len(rows) > 50
    assert [row for row in rows if verify(row[1], row[2], kind).lenient != accepted] == []
