"""Sound answers: right, and for the right reason, judged by equations and statements."""

from __future__ import annotations

from slmr.lab.items import LabItem
from slmr.verify.trace_steps import departure, split_steps


def sound(item: LabItem, completion: str, right: bool) -> bool:
    """Whether a right completion has steps, all of whose equations hold and belong to the solution.

    Steps may be merged; for lab_logiqa each must be a statement of the solution, in its order. A bare answer is not
    sound.
    """
    steps = split_steps(completion)
    return right and bool(steps) and departure(steps, item.solution.plain_steps())[0] == len(steps)
