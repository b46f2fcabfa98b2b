"""Detects failed training runs, and says what to do. The bounds are ours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from slmr.errors import WorkError

_COLLAPSED_NATS = 1e-3  # entropy below which a policy always gives the same answer
_COLLAPSED_STEPS = 5
_TRUNCATED_STEPS = 3
LOOKS_BACK = max(_COLLAPSED_STEPS, _TRUNCATED_STEPS)


def check(rows: Sequence[Mapping[str, float]]) -> None:
    """Checks a curve, or at least its last `LOOKS_BACK` rows; rows lack values that were not measured.

    It depends only on the rows, so a run resumed from a checkpoint stops at the same step. A run without any
    reward is not a failure: the first right completion may come late.

    Raises:
        WorkError: the loss or gradient is not finite, the policy has collapsed to one answer, or all
            completions are truncated; the message says what to try.
    """
    last = rows[-1]
    step = f"step {last['step']:.0f}"
    for name in ("loss", "grad_norm"):
        if not math.isfinite(last.get(name, 0.0)):
            raise WorkError(
                f"training diverged: {name} is {last[name]} at {step}; lower the learning rate or lengthen the warm-up"
            )
    if len(rows) >= _COLLAPSED_STEPS and all(map(_has_collapsed, rows[-_COLLAPSED_STEPS:])):
        raise WorkError(
            f"the policy has collapsed: entropy below {_COLLAPSED_NATS} nats and no group with variance for"
            f" {_COLLAPSED_STEPS} steps up to {step}; lower the learning rate, raise the temperature, or set beta"
            " above 0"
        )
    if len(rows) >= _TRUNCATED_STEPS and all(row.get("truncated") == 1 for row in rows[-_TRUNCATED_STEPS:]):
        raise WorkError(
            f"every completion was cut off for {_TRUNCATED_STEPS} steps up to {step};"
            " raise max_tokens, or teach the form by SFT first"
        )


def _has_collapsed(row: Mapping[str, float]) -> bool:
    return row.get("entropy", 1.0) < _COLLAPSED_NATS and row.get("zero_variance") == 1
