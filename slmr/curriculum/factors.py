"""The three claims of the paper as one experiment: every combination of two levels of three factors, a recipe each.

The recipes are in `factorial/`. What they are named by is read by the plan, which makes them, and by the results.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product


@dataclass(frozen=True, slots=True)
class Factor:
    """What is changed, and the word for it in a recipe's name: without the paper's idea, and with it."""

    name: str
    without: str
    with_: str


FACTORS = (
    Factor("bridge", "raw", "bridged"),  # the traces of hard problems
    Factor("selection", "all", "selected"),  # the problems of SFT
    Factor("consolidation", "pool", "consolidated"),  # the problems of RL
)
FACTORIAL = tuple("_".join(levels) for levels in product(*((f.without, f.with_) for f in FACTORS)))
