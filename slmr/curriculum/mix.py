"""Mix Distillation (2502.12143): a problem's trace is the strong teacher's or an easier one, in a fixed ratio."""

from __future__ import annotations

from pathlib import Path
from random import Random

from pydantic import Field

from slmr.config import Params
from slmr.curriculum.schema import TRACES, Row
from slmr.io import read_rows, write_rows
from slmr.stage import StageContext, stage


class MixParams(Params):
    """`strong_share` of the problems get the strong teacher's trace; 0.2 is the paper's ratio."""

    strong_share: float = Field(default=0.2, ge=0, le=1)


@stage("mix", MixParams, {"strong": "one", "easy": "one"}, random=True)
def mix_stage(context: StageContext, params: MixParams) -> None:
    """Writes one trace a problem; where one side has none, the other's."""
    strong, easy = (_by_problem(context.input(name) / TRACES) for name in ("strong", "easy"))
    names = list(dict.fromkeys([*strong, *easy]))
    first = set(Random(context.seed).sample(names, round(params.strong_share * len(names))))
    sides = [(strong, easy) if name in first else (easy, strong) for name in names]
    rows = [wanted.get(name) or other[name] for name, (wanted, other) in zip(names, sides, strict=True)]
    write_rows(context.folder / TRACES, rows)
    taken = sum(row is strong.get(row["problem_id"]) for row in rows)
    context.stats |= {"traces": len(rows), "strong": taken, "easy": len(rows) - taken}


def _by_problem(file: Path) -> dict[str, Row]:
    return {row["problem_id"]: row for row in read_rows(file)}
