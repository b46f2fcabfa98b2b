"""The symbolic worker: a process of its own, so that it can be killed. Reads and writes JSON lines.

A request is `{"gold": ..., "answer": ..., "deadline_s": ..., "wall_s": ...}`, a reply `{"equal": bool}` or
`{"error": text}`. The process ends when its input closes and when its parent is gone. SIGPROF ends it when a
check has computed for `deadline_s` seconds, so that a busy machine makes no right answer late; an alarm a little
after `wall_s`, even where it computes inside C code and no parent is left to kill it.
PR_SET_PDEATHSIG would not do: it fires when the parent's *thread* ends, and pools are used from threads.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import threading
import time
from typing import Any

_MEMORY = 4 << 30
_GRACE_S = 2.0


def _leave_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.25)
    os._exit(0)


def _limit_memory() -> None:
    """No more memory than `_MEMORY`, nor than a hard limit that the host has set."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = _MEMORY if hard == resource.RLIM_INFINITY else min(_MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _far_apart(gold: Any, answer: Any) -> bool:
    """Whether two numbers differ in their first 30 digits; math-verify compares fewer (Math-Verify#14)."""
    import sympy

    if not (isinstance(gold, sympy.Expr) and isinstance(answer, sympy.Expr)):
        return False
    if not (gold.is_number and answer.is_number) or gold == answer:
        return False
    sizes = [abs(sympy.N(value.doit(), 40)) for value in (gold, answer, gold - answer)]
    if not all(isinstance(size, sympy.Number) and size.is_finite for size in sizes):
        return False
    return bool(sizes[2] > max(sizes[:2]) * sympy.Float("1e-30"))


def _same_logarithms(gold: Any, answer: Any) -> bool:
    """Whether two formulas are equal once logarithms of products are sums of logarithms.

    Letters stand for positive numbers, where nothing else is sure to be meant: `ln(x^2)` is no `2 ln x`.
    """
    import sympy

    if not all(isinstance(value, sympy.Expr) and value.has(sympy.log) for value in (gold, answer)):
        return False
    powers = [power for log in (gold - answer).atoms(sympy.log) for power in log.atoms(sympy.Pow)]
    if any(power.exp.is_even and not power.base.is_number for power in powers):
        return False
    return sympy.expand(sympy.expand_log(gold - answer, force=True)) == 0


def _compare(gold_text: str, answer_text: str) -> dict[str, Any]:
    from math_verify import parse, verify

    # Their timeouts use signals; here the parent kills this process instead.
    gold, answer = (
        parse(f"\\boxed{{{text}}}", parsing_timeout=None)  # pyright: ignore[reportArgumentType]  None is documented
        for text in (gold_text, answer_text)
    )
    if not gold:
        return {"error": "gold cannot be parsed"}
    if not answer:
        return {"equal": False}
    if not verify(gold, answer, timeout_seconds=None):
        return {"equal": _same_logarithms(gold[0], answer[0])}
    return {"equal": not _far_apart(gold[0], answer[0])}


def main() -> None:
    _limit_memory()
    threading.Thread(target=_leave_with_parent, args=(os.getppid(),), daemon=True).start()
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    sys.stdout = sys.stderr  # what libraries print must not mix with the replies
    _compare("x^2 + 1", "1 + x^2")  # what only a first check imports, which no deadline counts
    print(json.dumps({"ready": True}), file=replies, flush=True)
    for ends in (signal.SIGPROF, signal.SIGALRM):  # whatever the parent made of them
        signal.signal(ends, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGPROF, signal.SIGALRM))
    for line in sys.stdin:
        request = json.loads(line)
        signal.setitimer(signal.ITIMER_PROF, request["deadline_s"])
        signal.setitimer(signal.ITIMER_REAL, request["wall_s"] + _GRACE_S)
        try:
            reply = _compare(request["gold"], request["answer"])
        except Exception as error:  # whatever sympy raises is an abstention with its name, never a verdict
            reply = {"error": f"{type(error).__name__}: {error}"[:300]}
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(json.dumps(reply), file=replies, flush=True)


if __name__ == "__main__":
    main()
