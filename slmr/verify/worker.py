"""The symbolic worker: a process of its own, so that it can be killed. Reads and writes JSON lines.

A request is `{"gold": ..., "answer": ...}`, a reply `{"equal": bool}` or `{"error": text}`. The process
ends when its input closes, and when its parent is gone.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time


def _leave_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


def main() -> None:
    threading.Thread(target=_leave_with_parent, args=(os.getppid(),), daemon=True).start()
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    sys.stdout = sys.stderr  # what libraries print must not mix with the replies
    from math_verify import parse, verify

    print(json.dumps({"ready": True}), file=replies, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            gold, answer = (
                # Their timeouts use signals; here the parent kills this process instead.
                parse(f"\\boxed{{{request[key]}}}", parsing_timeout=None)
                for key in ("gold", "answer")
            )
            reply = {"equal": bool(gold and answer and verify(gold, answer, timeout_seconds=None))}
            if not gold:
                reply = {"error": "gold cannot be parsed"}
        except (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError, NotImplementedError) as error:
            reply = {"error": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps(reply), file=replies, flush=True)


if __name__ == "__main__":
    main()
