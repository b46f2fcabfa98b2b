"""GRPO's reward: the checker's verdicts on groups of completions, and each group's outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from slmr.curriculum.schema import FAILURES, Failure
from slmr.rewards import reward_of, text_of
from slmr.rewards.noise import Noise
from slmr.stage import StageContext
from slmr.training import parallel
from slmr.verify import Kind, Verdict, in_form, verify_batch

Outcome = Literal["all right", "all wrong", "mixed", "abstained"]
_UNIFORM: dict[frozenset[float], Outcome] = {
    frozenset(): "abstained",
    frozenset({0.0}): "all wrong",
    frozenset({1.0}): "all right",
}


def group_outcome(verdicts: Sequence[Verdict]) -> Outcome:
    """A group's outcome; `abstained` if no completion has a verdict."""
    rewards = frozenset(reward for reward in map(reward_of, verdicts) if reward is not None)
    return _UNIFORM.get(rewards, "mixed")


class GroupReward:
    """The checker as TRL's reward function; records each group's outcome.

    It pays as `slmr.rewards` does: an abstention pays None, so that it enters no advantage. With `noise`, verdicts are
    flipped, and everything is recorded from the flipped verdicts.

    Attributes:
        failures: attempts of the groups in which every reward was 0, one row each.
        groups: number of groups by outcome.
        statuses: number of completions by verdict status.
        last: counts of the last step's completions and groups by property; see `shares`.
        unsolved: the problems of the last step whose group was all wrong.
    """

    __name__ = "strict_accuracy"

    def __init__(self, group_size: int, noise: Noise | None = None) -> None:
        self._size, self._noise = group_size, noise or Noise()
        self.failures: list[Failure] = []
        self.groups: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.last: dict[str, int] = {}
        self.unsolved: list[str] = []

    def state(self) -> dict[str, Any]:
        return {"failures": self.failures, "groups": dict(self.groups), "statuses": dict(self.statuses)}

    def restore(self, state: dict[str, Any]) -> None:
        self.failures = state["failures"]
        self.groups, self.statuses = Counter(state["groups"]), Counter(state["statuses"])

    def __call__(
        self,
        completions: list[Any],
        gold: list[str],
        kind: list[Kind],
        problem_id: list[str],
        taught: Sequence[bool] = (),
        **_: object,
    ) -> list[float | None]:
        """The rewards. `taught` marks a teacher's completions, which are paid but not counted as the student's."""
        texts = list(map(text_of, completions))
        verdicts = self.judge(texts, gold, kind)
        starts = range(0, len(verdicts), self._size)
        outcomes = [group_outcome(verdicts[start : start + self._size]) for start in starts]
        students = [i for i in range(len(texts)) if not (taught and taught[i])]
        for start in starts:
            group = [i for i in students if start <= i < start + self._size]
            self.record([verdicts[i] for i in group], [texts[i] for i in group], problem_id[start])
        self.unsolved = [problem_id[s] for s, name in zip(starts, outcomes, strict=True) if name == "all wrong"]
        self.last = {
            "completions": len(students),
            "groups": len(outcomes),
            "accuracy": sum(verdicts[i].strict for i in students),
            "format": sum(in_form(texts[i], kind[i]) for i in students),
            "zero_variance": sum(outcome != "mixed" for outcome in outcomes),
            **{name.replace(" ", "_"): outcomes.count(name) for name in ("all right", "all wrong", "mixed")},
        }
        return list(map(reward_of, verdicts))

    def judge(self, texts: Sequence[str], golds: Sequence[str], kinds: Kind | Sequence[Kind]) -> list[Verdict]:
        """The checker's verdicts, with noise."""
        return self._noise.flip(verify_batch(texts, golds, kinds), texts, golds)

    def record(self, verdicts: Sequence[Verdict], texts: Sequence[str], problem_id: str) -> None:
        """Records the outcome of a group of the student's completions."""
        outcome = group_outcome(verdicts)
        self.groups[outcome] += 1
        self.statuses.update(verdict.status for verdict in verdicts)
        if outcome == "all wrong":
            self.failures += [Failure(problem_id=problem_id, completion=text) for text in texts]


def shares(counts: Mapping[str, int]) -> dict[str, float]:
    """Counts as shares of all completions or groups, for a step's row in the curve."""
    totals = {"accuracy": "completions", "format": "completions"}
    return {
        name: count / counts[totals.get(name, "groups")]
        for name, count in counts.items()
        if name not in ("completions", "groups")
    }


def write_outcomes(context: StageContext, reward: GroupReward, problems: int) -> None:
    """Writes `failures.parquet`, and the outcomes of all processes to the stage's statistics."""
    failures = [row for of_process in parallel.all_gather(reward.failures) for row in of_process]
    if context.is_main_process:
        FAILURES.write(context.folder, failures)
    context.stats |= {
        "problems": problems,
        "groups": parallel.all_sum(reward.groups),
        "statuses": parallel.all_sum(reward.statuses),
    }
