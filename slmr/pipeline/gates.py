"""`slmr lab gates`: checks that the lab can distinguish methods, without looking at the proposed method.

It only uses problems outside the test sets: the training pool of a profile, and validation problems.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from slmr import lab
from slmr.config import DEFAULT_PROFILE, Profile, load_profile
from slmr.curriculum.partition import GroupBounds, group_of
from slmr.curriculum.schema import Group
from slmr.engines import Prompt, Sampling, open_engine
from slmr.engines.models import resolve_model
from slmr.io import disk_faults
from slmr.lab.items import sound
from slmr.lab.skills import SKILLS
from slmr.pipeline.executors import run_stages
from slmr.pipeline.planner import Node, Planner, unique_stages
from slmr.pipeline.recipe import load_recipe
from slmr.pipeline.runner import Execution, SilentWatcher, Watcher
from slmr.pipeline.worker import quiet_libraries
from slmr.results.runs.files import ARTEFACTS
from slmr.stage import model_in
from slmr.stats import Estimate, bounded_mean, paired_difference, pass_at_k
from slmr.tasks import Task
from slmr.tasks.registry import select_tasks

POOL, LOGIC = "lab_gsm8k", "lab_logiqa"
COMPOUND = frozenset(skill.name for skill in SKILLS if skill.exposure == "unseen compound")
Bound = Literal[">=", "<=", "<"]


@dataclass(frozen=True)
class Gate:
    """A condition on an estimate, in percent or points."""

    name: str
    bound: Bound
    threshold: float
    two_sided: bool = False  # a change in either direction counts

    def passes(self, value: float) -> bool:
        value = abs(value) if self.two_sided else value
        return {">=": value >= self.threshold, "<=": value <= self.threshold, "<": value < self.threshold}[self.bound]


GATES = {
    gate.name: gate
    for gate in (
        Gate("simple", ">=", 20),
        Gate("medium", ">=", 20),
        Gate("hard", ">=", 20),
        Gate("medium moves", "<=", 33.3),
        Gate("luck", "<", 5),
        Gate("sound", ">=", 95),
        Gate("worked lifts", ">=", 25),
        Gate("rl lifts", "<=", 5),
        Gate("room", ">=", 10),
        Gate("moved", ">=", 3, two_sided=True),
        Gate("logic", ">=", 45),
    )
}


@dataclass(frozen=True)
class Finding:
    """A gate's estimate, in percent or points, the items behind it, and whether it passes."""

    name: str
    gate: Gate
    estimate: Estimate
    items: int

    @property
    def value(self) -> float:
        return 100 * self.estimate.mean

    @property
    def passed(self) -> bool:
        return self.gate.passes(self.value)

    def row(self) -> dict[str, Any]:
        """The row that `slmr lab gates --json` prints."""
        return {
            "name": self.name,
            "value": self.value,
            "low": 100 * self.estimate.low,
            "high": 100 * self.estimate.high,
            "items": self.items,
            "passes": f"{self.gate.bound} {self.gate.threshold:g}",
            "passed": self.passed,
        }


@dataclass(frozen=True)
class GatesRequest:
    """The options of `slmr lab gates`. `items`: validation problems per task; `limit`: size of the pool."""

    student: str
    profile: str = DEFAULT_PROFILE
    seeds: int = 3
    items: int = 600
    limit: int | None = None
    out: Path = Path("runs")


@dataclass
class Gates:
    """Measures the gates; shared measurements are made once."""

    request: GatesRequest
    watcher: Watcher = field(default_factory=SilentWatcher)

    def findings(self) -> Iterator[Finding]:
        """One finding per gate and task, the cheap ones first."""
        quiet_libraries()
        yield from self._pool()
        yield self._luck()
        yield self._sound()
        yield self._finding("logic", bounded_mean(self._base[LOGIC]), len(self._base[LOGIC]))
        teacher = self._scores(lab.model_path(lab.TEACHER))
        for task in self._trainable:
            yield self._difference("room", task, [teacher[task]])
        worked = self._trained_scores("sft_worked")
        yield self._difference("worked lifts", POOL, [scores[POOL] for scores in worked], self._compound)
        for task in self._trainable:
            yield self._difference("moved", task, [scores[task] for scores in worked])
        grpo = [scores[POOL] for scores in self._trained_scores("grpo", [POOL])]
        yield self._difference("rl lifts", POOL, grpo, self._compound)

    # --- the untrained student ----------------------------------------------------------------------

    def _pool(self) -> Iterator[Finding]:
        """Compares the groups of two probes of the pool, each with K completions per problem."""
        settings = self._profile.stages["pool"]
        size, k = settings["size"], self._profile.stages["probe"]["k"]
        problems = lab.take(lab.generator(POOL), "train", size)
        completions = self._completions(self._student, self._tasks[POOL], problems, 2 * k)
        right = np.array([[bool(verdict) for verdict, _ in group_completions] for group_completions in completions])
        first, second = _groups(right[:, :k]), _groups(right[:, k:])
        for group in ("simple", "medium", "hard"):
            yield self._finding(group, bounded_mean([float(g == group) for g in first]), size)
        moved = [float(b != "medium") for a, b in zip(first, second, strict=True) if a == "medium"]
        yield self._finding("medium moves", bounded_mean(moved or [1.0]), len(moved))

    def _luck(self) -> Finding:
        problems = [item for item, compound in zip(self._items[POOL], self._compound, strict=True) if compound]
        groups = self._completions(self._student, self._tasks[POOL], problems, 64)
        counts = [sum(right for right, _ in group) for group in groups]
        return self._finding("luck", pass_at_k(counts, 64, 64), len(problems))

    def _sound(self) -> Finding:
        shares = []
        for task, groups in self._base_completions.items():
            for item, group in zip(self._items[task], groups, strict=True):
                right = [sound(item, text, True) for is_right, text in group if is_right]
                shares += [float(np.mean(right))] if right else []
        return self._finding("sound", bounded_mean(shares), len(shares))

    # --- comparisons ----------------------------------------------------------------------------------

    def _difference(self, gate: str, task: str, seeds: Sequence[np.ndarray], of: np.ndarray | None = None) -> Finding:
        """The mean of the seeds minus base on a task's items, or on some of them."""
        chosen = np.ones(len(self._base[task]), bool) if of is None else of
        after, before = np.mean(seeds, axis=0)[chosen], self._base[task][chosen]
        name = gate if of is not None else f"{gate} {task}"
        return self._finding(gate, paired_difference(after[:, None], before[:, None]), int(chosen.sum()), name)

    def _finding(self, gate: str, estimate: Estimate, items: int, name: str = "") -> Finding:
        return Finding(name or gate, GATES[gate], estimate, items)

    def _trained_scores(self, method: str, tasks: Sequence[str] | None = None) -> list[dict[str, np.ndarray]]:
        """The scores of the method's models, one per seed, on these tasks or on all."""
        nodes = self._trained_models(method)
        artefacts = self.request.out / "gates" / ARTEFACTS
        execution = Execution(artefacts, tuple(unique_stages(nodes)), self._profile)
        with disk_faults(artefacts.parent):
            run_stages(execution, self.watcher)
        return [self._scores(model_in(Path(node.output(execution.store))), tasks) for node in nodes]

    def _trained_models(self, method: str) -> list[Node]:
        """The nodes of the method's models, one per seed."""
        student = resolve_model(self.request.student)
        planners = (Planner(student, self._profile, seed) for seed in range(self.request.seeds))
        return [planner.plan(load_recipe(method)) for planner in planners]

    # --- sampling ------------------------------------------------------------------------------------

    def _scores(self, model: Path, tasks: Sequence[str] | None = None) -> dict[str, np.ndarray]:
        """Task → mean accuracy of each validation item, [items]."""
        return {
            task: _means(self._completions(model, self._tasks[task], self._items[task], self._profile.evaluate.k))
            for task in tasks or self._items
        }

    def _completions(
        self, model: Path, task: Task, items: Sequence[lab.LabItem], k: int
    ) -> list[list[tuple[bool, str]]]:
        """k completions of each item, as (is right, text)."""
        prompts = [Prompt(task.prompt(item.problem), sample_index=i) for item in items for i in range(k)]
        with closing(open_engine(model, self._profile.engine)) as engine:
            completions = engine.generate(prompts, Sampling(1.0, task.max_tokens, 0, task.stop))
        pairs = [(task.verify(c.text, items[i // k].gold).strict, c.text) for i, c in enumerate(completions)]
        return [pairs[i : i + k] for i in range(0, len(pairs), k)]

    @cached_property
    def _profile(self) -> Profile:
        """The profile, untuned; SFT keeps its last weights, because the gates ask what can be learnt."""
        profile = load_profile(self.request.profile)
        stages = {name: dict(values) for name, values in profile.stages.items()}
        stages["sft"] |= {"validate_every": 0, "keep": "last"}
        if self.request.limit:
            stages["pool"]["size"] = self.request.limit
        return profile.model_copy(update={"stages": stages, "tuned": {}})

    @cached_property
    def _student(self) -> Path:
        return Path(resolve_model(self.request.student).location)

    @cached_property
    def _tasks(self) -> dict[str, Task]:
        return {task.name: task for task in select_tasks("lab")}

    @cached_property
    def _items(self) -> dict[str, list[lab.LabItem]]:
        return {name: lab.take(lab.generator(name), "validation", self.request.items) for name in self._tasks}

    @cached_property
    def _compound(self) -> np.ndarray:
        """Whether each item of lab_gsm8k has one unseen compound skill and no other, [items]."""
        return np.array([len(item.skills) == 1 and item.skills[0] in COMPOUND for item in self._items[POOL]])

    @cached_property
    def _base_completions(self) -> dict[str, list[list[tuple[bool, str]]]]:
        return {
            name: self._completions(self._student, self._tasks[name], items, self._profile.evaluate.k)
            for name, items in self._items.items()
        }

    @cached_property
    def _base(self) -> dict[str, np.ndarray]:
        return {name: _means(groups) for name, groups in self._base_completions.items()}

    @property
    def _trainable(self) -> list[str]:
        return [name for name in self._tasks if name != LOGIC]


def _groups(right: np.ndarray) -> list[Group]:
    """The difficulty group of each problem, from verdicts [problems, completions]."""
    return [group_of(float(rate), GroupBounds()) for rate in right.mean(axis=1)]


def _means(groups: Sequence[Sequence[tuple[bool, str]]]) -> np.ndarray:
    return np.array([[right for right, _ in group] for group in groups]).mean(axis=1)
