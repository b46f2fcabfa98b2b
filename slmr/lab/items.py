"""Lab items: how they are drawn, and how splits are kept disjoint.

The random state of an item is a hash of (task, split, seed, index), so no two splits or seeds share a stream
(`seed + index` would share them). A hash of each problem's content assigns it to one split, so that no problem
occurs in two splits even if a level has few problems.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Literal, get_args

from slmr.errors import RequestError, WorkError, check_known
from slmr.lab.skills import ProblemExposure, exposure_of
from slmr.lab.solution import Solution
from slmr.verify import Kind
from slmr.verify.trace_steps import departure, split_steps

Split = Literal["test", "validation", "train", "pretrain", "teacher"]
LEVELS = (1, 2, 3, 4, 5)

# Each split owns the problems whose hash, as a fraction, lies below its bound and above the previous one.
_SPLIT_ENDS = {"test": 0.15, "validation": 0.25, "train": 0.45, "pretrain": 0.9, "teacher": 1.0}


@dataclass(frozen=True, slots=True)
class Draft:
    """What a generator draws.

    `key` is the problem's content, the same for problems that differ only in order; `misread` is the solution that
    misreads its half-seen skills, None if it has none.
    """

    problem: str
    gold: str
    solution: Solution
    key: str
    skills: tuple[str, ...]
    misread: Solution | None


@dataclass(frozen=True, slots=True)
class LabItem:
    """One problem of the lab edition. `index` is its position in the split's stream; `skills` are in order of use."""

    task: str
    split: Split
    seed: int
    index: int
    difficulty: int
    problem: str
    gold: str
    kind: Kind
    solution: Solution
    skills: tuple[str, ...]
    misread: Solution | None

    @property
    def exposure(self) -> ProblemExposure | None:
        """How far it is from what the students have seen; None if it uses no skill."""
        return exposure_of(self.skills)

    @property
    def id(self) -> str:
        return f"{self.task}/{self.split}/{self.seed}/{self.index}"

    def worked(self) -> str:
        """The fully worked trace."""
        return self.solution.teacher()

    def raw(self, merge_share: float, word_share: float = 0.0) -> str:
        """The raw teacher trace, drawn with the item's own random state."""
        rng = item_rng(self.task, self.split, self.seed, self.index, "raw")
        return self.solution.raw(rng, merge_share, word_share)


@dataclass(frozen=True, slots=True)
class Generator:
    """A procedural task.

    `draw(rng, level, two_unseen)` draws a problem; only those of the test split may have two unseen skills.
    `level_weights` are the shares of the levels in every split except `pretrain`, which has `pretrain_weights`: no
    student has seen levels 4 and 5 of a task with skills.
    """

    name: str
    kind: Kind
    draw: Callable[[Random, int, bool], Draft]
    level_weights: tuple[float, ...]
    pretrain_weights: tuple[float, ...]
    version: str


def item_rng(*parts: object) -> Random:
    """A random state that depends only on `parts`."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return Random(int.from_bytes(digest[:16], "big"))


def split_of(task: str, key: str) -> Split:
    """The one split that owns the problem with this content."""
    digest = hashlib.sha256(f"{task}\x1f{key}".encode()).digest()
    share = int.from_bytes(digest[:8], "big") / 2**64
    return next(split for split in get_args(Split) if share < _SPLIT_ENDS[split])


def draw_item(generator: Generator, split: Split, seed: int, index: int) -> tuple[LabItem, str]:
    """The item at one position of a split's stream, and its content key.

    Raises:
        WorkError: the level drawn has no problem that belongs to the split.
    """
    rng = item_rng(generator.name, split, seed, index)
    weights = generator.pretrain_weights if split == "pretrain" else generator.level_weights
    level = rng.choices(LEVELS, weights)[0]
    for _ in range(10_000):
        draft = generator.draw(rng, level, split == "test")
        if split_of(generator.name, draft.key) == split:
            item = LabItem(
                generator.name,
                split,
                seed,
                index,
                level,
                draft.problem,
                draft.gold,
                generator.kind,
                draft.solution,
                draft.skills,
                draft.misread,
            )
            return item, draft.key
    raise WorkError(f"{generator.name}: no level-{level} problem belongs to the {split} split")


def stream(generator: Generator, split: Split, seed: int = 0) -> Iterator[LabItem]:
    """Endless distinct items of a split; duplicates within the stream are skipped.

    Raises:
        RequestError: there is no such split.
        WorkError: 20,000 consecutive draws were duplicates: the split has no more problems.
    """
    check_known("split", split, get_args(Split))
    seen: set[str] = set()
    index = last_new = 0
    while index - last_new < 20_000:
        item, key = draw_item(generator, split, seed, index)
        index += 1
        if key not in seen:
            seen.add(key)
            last_new = index
            yield item
    raise WorkError(f"{generator.name}/{split} holds only {len(seen)} distinct problems")


def take(generator: Generator, split: Split, n: int, seed: int = 0) -> list[LabItem]:
    """The first `n` distinct items of a split.

    Raises:
        RequestError: `n` is below 1, or there is no such split.
        WorkError: the split has fewer.
    """
    if n < 1:
        raise RequestError(f"the number of items must be at least 1, not {n}")
    items = stream(generator, split, seed)
    return [next(items) for _ in range(n)]


def sound(item: LabItem, completion: str, right: bool) -> bool:
    """Whether a right completion has steps, all of whose equations hold and belong to the solution.

    Steps may be merged; for lab_logiqa each must be a statement of the solution, in its order. A bare answer is not
    sound.
    """
    steps = split_steps(completion)
    return right and bool(steps) and departure(steps, item.solution.plain_steps())[0] == len(steps)
