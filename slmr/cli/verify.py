"""`slmr verify`: one verdict a line of cases."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from slmr.errors import RequestError
from slmr.io import disk_faults
from slmr.tasks.cases import read_cases

EXAMPLES = ("slmr verify --in cases.jsonl --out verdicts.jsonl",)


_FIELDS = ("status", "strict", "lenient", "extracted", "reason", "elapsed_ms")


def verify_command(
    cases: Annotated[Path, typer.Option("--in", help="JSONL: kind or task, completion, gold, and an id if you like.")],
    out: Annotated[Path, typer.Option(help=f"JSONL: id, {', '.join(_FIELDS)}.")],
) -> None:
    """Check answers: one verdict per line."""
    counts = verify_file(cases, out)
    print(", ".join(f"{status}: {count}" for status, count in counts.items()))


def verify_file(cases: Path, out: Path) -> dict[str, int]:
    """Writes the verdicts on a JSONL of cases, in order; returns how many got each status.

    Raises:
        RequestError: a line is no case, there is none, or `out` is the file of the cases; nothing is written then.
    """
    counts: Counter[str] = Counter()
    requests = read_cases(cases)
    if not requests:
        raise RequestError(f"{cases} holds no case: a line is a JSON object with kind, completion and gold")
    if out.is_file() and out.samefile(cases):
        raise RequestError(f"--out {out} is the file of the cases, and would be written over: name another")
    with disk_faults(out), out.open("w", encoding="utf-8") as target:  # it may be a pipe: nothing to replace
        for case in requests:
            verdict = case.verdict()
            counts[verdict.status] += 1
            target.write(json.dumps({"id": case.id} | {f: getattr(verdict, f) for f in _FIELDS}) + "\n")
    return dict(counts)
