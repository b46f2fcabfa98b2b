"""The lab edition: five procedural tasks with a solver, and tiny students that half-know them."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import cast, get_args

from slmr.errors import RequestError, check_known
from slmr.lab.algebra import draw_math
from slmr.lab.items import Generator, LabItem, Split, draw_item, stream, take
from slmr.lab.logic import draw_logiqa
from slmr.lab.stories import draw_gsm8k, draw_mawps, draw_svamp

__all__ = [
    "GENERATORS",
    "MODELS",
    "N_TEST",
    "N_VALIDATION",
    "STUDENTS",
    "TEACHER",
    "TEST_SEED",
    "LabItem",
    "Split",
    "generator",
    "item",
    "model_path",
    "split_items",
    "stream",
    "take",
]

# Shares of the levels 1 to 5: one known skill, two known, a half-seen one, an unseen one, an unseen one and another.
_LEVELS = (12.0, 14.0, 30.0, 28.0, 16.0)
# Training on stories does not teach unseen skills in formulas, and it costs about as much accuracy on known skills as
# it gains on half-seen ones. With the shares above the two would cancel, and lab_math could not distinguish methods.
_FORMULAS = (8.0, 8.0, 60.0, 14.0, 10.0)
_SEEN = (36.0, 54.0, 10.0, 0.0, 0.0)
_EVEN = (1.0, 1.0, 1.0, 1.0, 1.0)
GENERATORS = {
    g.name: g
    for g in (
        Generator("lab_gsm8k", "numeric", draw_gsm8k, _LEVELS, _SEEN, "2"),
        Generator("lab_mawps", "numeric", draw_mawps, _LEVELS, _SEEN, "2"),
        Generator("lab_svamp", "numeric", draw_svamp, _LEVELS, _SEEN, "2"),
        Generator("lab_math", "math", draw_math, _FORMULAS, _SEEN, "3"),
        Generator("lab_logiqa", "choice", draw_logiqa, _EVEN, _EVEN, "2"),
    )
}
N_TEST, N_VALIDATION, TEST_SEED = 600, 200, 0  # the held-out sets of a lab task
STUDENTS = ("lab-llama", "lab-qwen")
TEACHER = "lab-teacher"  # a stronger model than the students, for distillation
MODELS = (*STUDENTS, TEACHER)
_ID = re.compile(rf"(?P<task>\w+)/(?P<split>{'|'.join(get_args(Split))})/(?P<seed>\d+)/(?P<index>\d+)")


def generator(name: str) -> Generator:
    """The generator of a lab task.

    Raises:
        RequestError: there is no such task.
    """
    check_known("lab task", name, GENERATORS)
    return GENERATORS[name]


@lru_cache(maxsize=8192)  # called once per completion
def item(item_id: str) -> LabItem | None:
    """The item with this id (`task/split/seed/index`), drawn again; None if it is no lab id."""
    match = _ID.fullmatch(item_id)
    if match is None or match["task"] not in GENERATORS:
        return None
    split = cast(Split, match["split"])
    return draw_item(GENERATORS[match["task"]], split, int(match["seed"]), int(match["index"]))[0]


@lru_cache(maxsize=32)  # drawn for our questions, and again when lm-eval grades the answers
def split_items(name: str, split: Split, n: int | None = None, seed: int = TEST_SEED) -> tuple[LabItem, ...]:
    """The first `n` items of a split of a lab task; without `n` the whole test or validation set.

    Raises:
        RequestError: no such task or split, or `n` is missing for an endless split.
    """
    sizes = {"test": N_TEST, "validation": N_VALIDATION}
    if n is None and split not in sizes:
        raise RequestError(f"the {split} split of {name} is endless: say how many items")
    return tuple(take(generator(name), split, n or sizes[split], seed))


def model_path(name: str) -> Path:
    """The folder of a shipped student or of the teacher: an ordinary transformers model with its tokenizer.

    Raises:
        RequestError: there is no such model.
    """
    check_known("lab model", name, MODELS)
    return Path(__file__).parent / "students" / name
