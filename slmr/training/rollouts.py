"""What GRPO is fed: completions of the policy, verdicts as rewards, and what became of each group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, NamedTuple, Protocol

from slmr.engines import Prompt, Sampling
from slmr.engines.decode import Row
from slmr.engines.sampler import Sampler
from slmr.engines.transformers import encode
from slmr.io import digest
from slmr.training import parallel
from slmr.verify import Verdict, in_form, verify

Problem = Mapping[str, Any]
TAUGHT = -1  # the index of a row that a teacher wrote
_NAMES = {frozenset(): "abstained", frozenset({0.0}): "all wrong", frozenset({1.0}): "all right"}


def paid(verdict: Verdict) -> float | None:
    """The reward of a verdict: 1 if strict, else 0; nothing for an abstention."""
    return None if verdict.abstained else float(verdict.strict)


def named(rewards: Sequence[float | None]) -> str:
    """What a group is: `all right`, `all wrong`, `mixed`, or `abstained` where no completion was decided."""
    return _NAMES.get(frozenset(reward for reward in rewards if reward is not None), "mixed")


class GroupReward:
    """The checker as TRL's reward function; remembers what became of each group.

    A verdict pays 1 if strict, else 0; an abstention pays None, so that it enters no advantage.

    Attributes:
        failures: attempts of the groups in which every reward was 0, one row each.
        groups: how many groups were all right, all wrong, mixed, undecided.
        statuses: how many completions got each verdict status.
        last: of the last step, how many of the completions and of the groups trained on were what; see `shares`.
        unsolved: of the last step, the problems whose group was all wrong.
    """

    __name__ = "strict_accuracy"

    def __init__(self, group_size: int) -> None:
        self._size = group_size
        self.failures: list[dict[str, Any]] = []
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
        self, completions: list[Any], gold: list[str], kind: list[str], problem_id: list[str],
        taught: Sequence[bool] = (), **_: object,
    ) -> list[float | None]:  # fmt: skip
        """`taught` says which completions are a teacher's: they are paid, but are no merit of the student's."""
        texts = [c if isinstance(c, str) else c[0]["content"] for c in completions]
        verdicts = [verify(t, g, k) for t, g, k in zip(texts, gold, kind, strict=True)]  # type: ignore[arg-type]
        rewards = [paid(v) for v in verdicts]
        starts = range(0, len(rewards), self._size)
        kinds = [named(rewards[start : start + self._size]) for start in starts]
        own = [i for i in range(len(texts)) if not (taught and taught[i])]
        for start in starts:
            group = [i for i in own if start <= i < start + self._size]
            self.note([verdicts[i] for i in group], [texts[i] for i in group], problem_id[start])
        self.unsolved = [problem_id[s] for s, name in zip(starts, kinds, strict=True) if name == "all wrong"]
        self.last = {
            "completions": len(own), "groups": len(kinds), "accuracy": sum(verdicts[i].strict for i in own),
            "format": sum(in_form(texts[i], kind[i]) for i in own),  # type: ignore[arg-type]
            "zero_variance": sum(name != "mixed" for name in kinds),
            **{n.replace(" ", "_"): kinds.count(n) for n in ("all right", "all wrong", "mixed")},
        }  # fmt: skip
        return rewards

    def note(self, verdicts: Sequence[Verdict], texts: Sequence[str], problem_id: str) -> None:
        """Remembers what became of a group of the student's own completions."""
        name = named([paid(verdict) for verdict in verdicts])
        self.groups[name] += 1
        self.statuses.update(verdict.status for verdict in verdicts)
        if name == "all wrong":
            self.failures += [{"problem_id": problem_id, "completion": text} for text in texts]


def shares(counts: Mapping[str, int]) -> dict[str, float]:
    """Counts of completions and groups as shares of all of them, for a step's row in the curve."""
    named = {name: count for name, count in counts.items() if name not in ("completions", "groups")}
    of = {"accuracy": "completions", "format": "completions"}
    return {name: count / counts[of.get(name, "groups")] for name, count in named.items()}


class RolloutSettings(Protocol):
    """What the rollouts need of a stage's parameters; see `GrpoParams`."""

    @property
    def group_size(self) -> int: ...
    @property
    def temperature(self) -> float: ...
    @property
    def max_tokens(self) -> int: ...
    @property
    def resample(self) -> int: ...


class Source(Protocol):
    """Samples from the policy as it was when `follow` was called last."""

    def follow(self, trainer: Any, model: Any) -> None:
        """Takes over the weights of the trainer's model, which is whole, as they are now; every process calls it."""
        ...

    def run(self, rows: Sequence[Row], sampling: Sampling) -> None:
        """Gives every row its token ids and their log-probabilities."""
        ...

    def close(self) -> None: ...


class OwnSampler:
    """Our own sampler on the very model that is trained: the same path as probing and evaluation."""

    _sampler: Sampler | None = None

    def follow(self, trainer: Any, model: Any) -> None:
        self._model, self._tokenizer = model, trainer.processing_class

    def run(self, rows: Sequence[Row], sampling: Sampling) -> None:
        if self._sampler is None:
            self._sampler = Sampler(self._model, self._tokenizer)
        self._sampler.fill(rows, sampling)

    def close(self) -> None:
        self._sampler = None


class Judged(NamedTuple):
    """A group's texts, their verdicts, and what it is; see `named`."""

    texts: list[str]
    verdicts: list[Verdict]
    name: str


class Rollouts:
    """TRL's rollout function on a source of completions, which is our own sampler where none is given.

    A group whose rewards are all equal has no advantage and teaches nothing. Up to `resample` times a step,
    such groups are replaced by groups of other problems: dynamic sampling (DAPO, 2503.14476, section 3.2), but
    bounded. What is still without variance after that stays. A subclass may do something else about them
    (`improve`), or have someone else write a part of each group (`own`, `sample`).

    Attributes:
        tokens: sampled so far, those of replaced groups included.
        replaced: groups that were replaced so far.
    """

    def __init__(
        self, problems: Sequence[Problem], params: RolloutSettings, reward: GroupReward, seed: int,
        source: Source | None = None,
    ) -> None:  # fmt: skip
        self._problems, self._params, self._reward, self._seed = problems, params, reward, seed
        self._by_prompt = {p["prompt"]: p for p in problems}
        self._sampling = Sampling(params.temperature, params.max_tokens, seed)
        self._source = source or OwnSampler()
        self.tokens = self.replaced = 0

    def close(self) -> None:
        """Gives back what the source holds."""
        self._source.close()

    def state(self) -> dict[str, int]:
        return {"tokens": self.tokens, "replaced": self.replaced}

    def restore(self, state: dict[str, int]) -> None:
        self.tokens, self.replaced = state["tokens"], state["replaced"]

    def __call__(self, prompts: list[Any], trainer: Any) -> dict[str, Any]:
        """A completion for each prompt; the draws depend on seed, step, process and place alone."""
        self.tokenizer = trainer.processing_class
        size = self._params.group_size
        texts = [p if isinstance(p, str) else p[-1]["content"] for p in prompts]
        chosen = [self._by_prompt[text] for text in texts[::size]]
        place = [trainer.state.global_step, trainer.accelerator.process_index]
        with parallel.whole(trainer) as model:
            self._source.follow(trainer, model)
            groups = self.sample(chosen, [*place, 0])
            self.improve(chosen, groups, place)
        rows = [row for group in groups for row in group]
        asked = [problem for problem in chosen for _ in range(size)]
        return {
            "prompt_ids": [list(row.prompt) for row in rows],
            "completion_ids": [row.ids for row in rows],
            "logprobs": [row.logprobs for row in rows],
            # Of the problem that was answered, for the reward.
            "gold": [p["gold"] for p in asked],
            "kind": [p["kind"] for p in asked],
            "problem_id": [p["id"] for p in asked],
            "taught": [row.index == TAUGHT for row in rows],
        }

    def improve(self, chosen: list[Problem], groups: list[list[Row]], place: list[int]) -> None:
        """Replaces problems and groups without variance, in place, by others."""
        tried = {problem["id"] for problem in chosen}
        suspects: Sequence[int] = range(len(groups))
        for attempt in range(1, self._params.resample + 1):
            judged = {i: self.judged(chosen[i], groups[i]) for i in suspects}
            dull = [i for i in suspects if judged[i].name != "mixed"]
            others = self._others(tried, len(dull), [*place, attempt])
            if not others:
                return
            fresh = self.sample(others, [*place, attempt])
            for i, problem, group in zip(dull, others, fresh, strict=False):
                self.replace(chosen[i], judged[i], i, group, groups)
                chosen[i] = problem
            suspects = dull[: len(others)]
            tried |= {problem["id"] for problem in others}

    def judged(self, problem: Problem, group: Sequence[Row]) -> Judged:
        """What a group is worth."""
        texts = self.tokenizer.batch_decode([row.ids for row in group], skip_special_tokens=True)
        verdicts = [verify(text, problem["gold"], problem["kind"]) for text in texts]
        return Judged(texts, verdicts, named([paid(verdict) for verdict in verdicts]))

    def replace(
        self, problem: Problem, old: Judged, place: int, new: list[Row], groups: list[list[Row]]
    ) -> None:
        """Puts a new group in the place of an old one, whose outcome is remembered."""
        self._reward.note(old.verdicts, old.texts, problem["id"])
        groups[place] = new
        self.replaced += 1

    def _others(self, tried: set[str], count: int, where: list[int]) -> list[Problem]:
        """At most so many problems that were not in the step before."""
        free = [problem for problem in self._problems if problem["id"] not in tried]
        rng = Random(int(digest(["resample", self._seed, *where]), 16))
        return rng.sample(free, min(count, len(free)))

    def own(self, problem: Problem) -> int:
        """How many completions of a problem's group the student writes."""
        return self._params.group_size

    def sample(
        self, problems: Sequence[Problem], where: list[int], prefixes: Sequence[str] | None = None
    ) -> list[list[Row]]:
        """The student's completions of each problem, from the prefix where there is one."""
        size = self._params.group_size
        starts = prefixes or [""] * len(problems)
        prompts = [
            tuple(encode(self.tokenizer, Prompt(p["prompt"], start)))
            for p, start in zip(problems, starts, strict=True)
        ]
        groups = [
            [
                Row(i * size + k, prompt, int(digest([self._seed, *where, i, k]), 16))
                for k in range(self.own(problem))
            ]
            for i, (problem, prompt) in enumerate(zip(problems, prompts, strict=True))
        ]
        rows = [row for group in groups for row in group]
        self._source.run(rows, self._sampling)
        self.tokens += sum(len(row.ids) for row in rows)
        return groups


class TracedRollouts(Rollouts):
    """Rollouts that a teacher's traces help: problem's id → its trace, where there is one."""

    def __init__(
        self, problems: Sequence[Problem], params: RolloutSettings, reward: GroupReward, seed: int,
        traces: Mapping[str, str], source: Source | None = None,
    ) -> None:  # fmt: skip
        super().__init__(problems, params, reward, seed, source)
        self._traces = traces
