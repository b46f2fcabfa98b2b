"""The paper's three claims as a factorial experiment: a recipe for each combination of two levels of three factors.

The recipes are in `factorial/`; the results read their names from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product


@dataclass(frozen=True, slots=True)
class Factor:
    """A factor, and the names of its two levels in a recipe's name: without and with the paper's idea."""

    name: str
    without: str
    with_: str


FACTORS = (
    Factor("bridge", "raw", "bridged"),  # the traces of hard problems
    Factor("selection", "all", "selected"),  # the problems of SFT
    Factor("consolidation", "pool", "consolidated"),  # the problems of RL
)
FACTORIAL = tuple("_".join(levels) for levels in product(*((f.without, f.with_) for f in FACTORS)))
