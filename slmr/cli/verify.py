"""`slmr verify`: one verdict a line of cases."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmr.errors import RequestError, unknown
from slmr.io import disk_faults
from slmr.tasks.registry import load_task
from slmr.verify import verify

if TYPE_CHECKING:
    pass
from typing import Annotated

import typer


def verify_file(cases: Path, out: Path) -> dict[str, int]:
    """Verdicts of a JSONL of cases; returns how many got each status.

    Raises:
        RequestError: a line is not a case; the message names it.
    """
    counts: Counter[str] = Counter()
    try:
        lines = cases.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise RequestError(f"cannot read {cases}: {error.strerror}") from None
    with disk_faults(out), out.open("w", encoding="utf-8") as target:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            case = _case(line, f"{cases}:{number}")
            kind = case.get("kind") or load_task(case["task"]).kind
            verdict = verify(case["completion"], case["gold"], kind)
            counts[verdict.status] += 1
            fields = ("status", "strict", "lenient", "extracted", "reason", "elapsed_ms")
            target.write(json.dumps({"id": case["id"]} | {f: getattr(verdict, f) for f in fields}) + "\n")
    return dict(counts)


def _case(line: str, where: str) -> dict[str, Any]:
    try:
        case = json.loads(line)
    except json.JSONDecodeError as error:
        raise RequestError(f"{where}: not JSON: {error}") from None
    missing = [key for key in ("id", "completion", "gold") if key not in case]
    if not (case.get("kind") or case.get("task")):
        missing.append("kind or task")
    if missing:
        raise RequestError(f"{where}: lacks {', '.join(missing)}")
    if case.get("kind") not in (None, "numeric", "math", "choice"):
        raise RequestError(f"{where}: {unknown('kind', case['kind'], ['numeric', 'math', 'choice'])}")
    return case


def verify_command(
    cases: Annotated[Path, typer.Option("--in", help="JSONL: id, kind or task, completion, gold.")],
    out: Annotated[
        Path, typer.Option(help="JSONL: id, status, strict, lenient, extracted, reason, elapsed_ms.")
    ],
) -> None:
    """Check answers: one verdict a line."""
    from slmr.cli.verify import verify_file

    counts = verify_file(cases, out)
    print(", ".join(f"{status}: {count}" for status, count in counts.items()))
