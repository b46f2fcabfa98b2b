"""What GRPO is fed: completions from our own sampler, verdicts as rewards, and what became of each group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Protocol

from slmr.engines import Prompt, Sampling, memory
from slmr.engines.decode import Row
from slmr.engines.sampler import Sampler
from slmr.engines.transformers import encode
from slmr.store import digest
from slmr.verify import Verdict, in_form, verify

Problem = Mapping[str, Any]
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
        last: of the last step, the shares of completions and of groups trained on, for its row in the curve.
    """

    __name__ = "strict_accuracy"

    def __init__(self, group_size: int) -> None:
        self._size = group_size
        self.failures: list[dict[str, Any]] = []
        self.groups: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.last: dict[str, float] = {}

    def state(self) -> dict[str, Any]:
        return {"failures": self.failures, "groups": dict(self.groups), "statuses": dict(self.statuses)}

    def restore(self, state: dict[str, Any]) -> None:
        self.failures = state["failures"]
        self.groups, self.statuses = Counter(state["groups"]), Counter(state["statuses"])

    def __call__(
        self, completions: list[Any], gold: list[str], kind: list[str], problem_id: list[str], **_: object
    ) -> list[float | None]:
        texts = [c if isinstance(c, str) else c[0]["content"] for c in completions]
        verdicts = [verify(t, g, k) for t, g, k in zip(texts, gold, kind, strict=True)]  # type: ignore[arg-type]
        rewards = [paid(v) for v in verdicts]
        starts = range(0, len(rewards), self._size)
        kinds = [named(rewards[start : start + self._size]) for start in starts]
        for start in starts:
            group = slice(start, start + self._size)
            self.note(verdicts[group], texts[group], problem_id[start])
        self.last = {
            "accuracy": sum(v.strict for v in verdicts) / len(verdicts),
            "format": sum(map(in_form, texts, kind)) / len(texts),  # type: ignore[arg-type]
            "zero_variance": sum(name != "mixed" for name in kinds) / len(kinds),
            **{n.replace(" ", "_"): kinds.count(n) / len(kinds) for n in ("all right", "all wrong", "mixed")},
        }
        return rewards

    def note(self, verdicts: Sequence[Verdict], texts: Sequence[str], problem_id: str) -> None:
        """Remembers what became of a group."""
        name = named([paid(verdict) for verdict in verdicts])
        self.groups[name] += 1
        self.statuses.update(verdict.status for verdict in verdicts)
        if name == "all wrong":
            self.failures += [{"problem_id": problem_id, "completion": text} for text in texts]


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


class Rollouts:
    """TRL's rollout function on our own sampler: the same path as probing and evaluation.

    A group whose rewards are all equal has no advantage and teaches nothing. Up to `resample` times a step,
    such groups are replaced by groups of other problems: dynamic sampling (DAPO, 2503.14476, section 3.2), but
    bounded. What is still without variance after that stays.

    Attributes:
        tokens: sampled so far, those of replaced groups included.
        resampled: groups that were replaced so far.
    """

    def __init__(
        self, problems: Sequence[Problem], params: RolloutSettings, reward: GroupReward, seed: int
    ) -> None:
        self._problems, self._params, self._reward, self._seed = problems, params, reward, seed
        self._by_prompt = {p["prompt"]: p for p in problems}
        self._sampling = Sampling(params.temperature, params.max_tokens, seed)
        self._sampler: Sampler | None = None
        self.tokens = self.resampled = 0

    def state(self) -> dict[str, int]:
        return {"tokens": self.tokens, "resampled": self.resampled}

    def restore(self, state: dict[str, int]) -> None:
        self.tokens, self.resampled = state["tokens"], state["resampled"]

    def __call__(self, prompts: list[Any], trainer: Any) -> dict[str, Any]:
        """A completion for each prompt; the draws depend on seed, step, process and place alone."""
        model, tokenizer = trainer.accelerator.unwrap_model(trainer.model), trainer.processing_class
        if self._sampler is None:
            self._sampler = Sampler(model, tokenizer)
        size = self._params.group_size
        texts = [p if isinstance(p, str) else p[-1]["content"] for p in prompts]
        chosen = [self._by_prompt[text] for text in texts[::size]]
        place = [trainer.state.global_step, trainer.accelerator.process_index]
        groups = self._sample(chosen, model, tokenizer, [*place, 0])
        self._replace(chosen, groups, model, tokenizer, place)
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
        }

    def _replace(
        self, chosen: list[Problem], groups: list[list[Row]], model: Any, tokenizer: Any, place: list[int]
    ) -> None:
        """Replaces problems and groups without variance, in place."""
        tried = {problem["id"] for problem in chosen}
        suspects = range(len(groups))
        for attempt in range(1, self._params.resample + 1):
            dull = []
            for i in suspects:
                texts = tokenizer.batch_decode([row.ids for row in groups[i]], skip_special_tokens=True)
                verdicts = [verify(text, chosen[i]["gold"], chosen[i]["kind"]) for text in texts]
                if named([paid(verdict) for verdict in verdicts]) != "mixed":
                    dull.append((i, verdicts, texts))
            others = self._others(tried, len(dull), [*place, attempt])
            if not others:
                return
            fresh = self._sample(others, model, tokenizer, [*place, attempt])
            for (i, verdicts, texts), problem, group in zip(dull, others, fresh, strict=False):
                self._reward.note(verdicts, texts, chosen[i]["id"])
                chosen[i], groups[i] = problem, group
            suspects = [i for i, _, _ in dull[: len(others)]]
            self.resampled += len(others)
            tried |= {problem["id"] for problem in others}

    def _others(self, tried: set[str], count: int, where: list[int]) -> list[Problem]:
        """At most so many problems that were not in the step before."""
        free = [problem for problem in self._problems if problem["id"] not in tried]
        rng = Random(int(digest(["resample", self._seed, *where]), 16))
        return rng.sample(free, min(count, len(free)))

    def _sample(
        self, problems: Sequence[Problem], model: Any, tokenizer: Any, where: list[int]
    ) -> list[list[Row]]:
        """A group of completions for each problem."""
        assert self._sampler is not None
        size = self._params.group_size
        rows = [
            Row(i * size + k, prompt, int(digest([self._seed, *where, i, k]), 16))
            for i, prompt in enumerate(tuple(encode(tokenizer, Prompt(p["prompt"]))) for p in problems)
            for k in range(size)
        ]
        for _ in self._sampler.run(rows, self._sampling, memory.batch_size(model, "auto")):
            pass
        self.tokens += sum(len(row.ids) for row in rows)
        return [rows[start : start + size] for start in range(0, len(rows), size)]
