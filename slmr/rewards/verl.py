"""The reward for verl: its `custom_reward_function`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from slmr.rewards.grader import Grader
from slmr.rewards.payment import Form, measures

_OPTIONS = ("kind", "form", "lenient_weight")


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: dict[str, Any] | None = None,
    kind: str | None = None,
    form: Form = "strict",
    lenient_weight: float = 0.0,
    **_: object,
) -> dict[str, float]:
    """verl's `custom_reward_function`. `data_source` is a task's name or an answer kind.

    Other data sources need `kind`, which names a kind or a task. `kind`, `form` and `lenient_weight` (as for
    `slmr.rewards.reward`) can be set for all rows in verl's `reward_kwargs`, and for one row in its `extra_info`.

    Returns: `score`, the reward, 0.0 for an abstention; `acc` (strict), `lenient`, `abstained`, `no_answer` as
        numbers, for verl's metrics.

    Raises:
        RequestError: the answer kind is unknown, or the form or weight is invalid.
    """
    options = {"kind": kind, "form": form, "lenient_weight": lenient_weight}
    row = extra_info or {}
    options |= {name: row[name] for name in _OPTIONS if row.get(name) is not None}
    grader = _grader(options.pop("kind") or data_source, **options)
    (verdict,) = grader.judge([solution_str], [ground_truth])
    values = measures(verdict)
    return {"score": grader.payment.reward(verdict) or 0.0, "acc": values.pop("strict"), **values}


@lru_cache(maxsize=256)
def _grader(task_or_kind: str, form: Form, lenient_weight: float) -> Grader:
    """One grader per setting, so that it counts all of their gold answers."""
    return Grader(task_or_kind, "ground_truth", form, lenient_weight)
