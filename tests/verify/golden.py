"""The golden file: verdicts as they were when a checker's version was last raised.

python -m tests.verify.golden      # writes them anew, after CHECKER_VERSIONS has been raised
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from slmr.verify import CHECKER_VERSIONS, verify
from tests.verify import test_math_forms, test_verdicts

FILE = Path(__file__).with_name("golden.jsonl")


def cases() -> list[tuple[str, str, str]]:
    """(kind, completion, gold) of the forms that the other tests list."""
    found = [*test_verdicts.LENIENT, *test_verdicts.NOT_PAID, *test_verdicts.AGREES_AFTERWARDS]
    pairs = [*test_math_forms.SAME, *test_math_forms.OTHER, *test_verdicts.SAME]
    return found + [("math", f"\\boxed{{{answer}}}", gold) for answer, gold in pairs]


def row(kind: Any, completion: str, gold: str) -> dict[str, Any]:
    verdict = verify(completion, gold, kind)
    return {
        "kind": kind,
        "version": CHECKER_VERSIONS[kind],
        "completion": completion,
        "gold": gold,
        "status": verdict.status,
        "strict": verdict.strict,
        "extracted": verdict.extracted,
    }


def main() -> None:
    lines = [json.dumps(row(*case), ensure_ascii=False) for case in cases()]
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines)} verdicts in {FILE.name}")


if __name__ == "__main__":
    main()
