"""TRL's rollout function: samples a step's completions, and replaces groups without variance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from slmr.curriculum.schema import Problem
from slmr.engines import Prompt, Sampling
from slmr.engines.decode import Generation
from slmr.engines.sampler import Sampler
from slmr.engines.transformers import encode, encode_completion
from slmr.io import digest
from slmr.training import parallel
from slmr.training.group_reward import GroupReward, Outcome, group_outcome
from slmr.verify import Verdict

if TYPE_CHECKING:
    from slmr.training.grpo import GrpoParams

TAUGHT = -1  # the index of a teacher's row


class RolloutSource(Protocol):
    """Samples from the policy as of the last call of `follow`."""

    def follow(self, trainer: Any, model: Any) -> None:
        """Takes the current weights of the trainer's unsharded model; every process must call it."""
        ...

    def run(self, rows: Sequence[Generation], sampling: Sampling) -> None:
        """Sets every row's token ids and log-probabilities."""
        ...

    def close(self) -> None: ...


class TrainerSource:
    """Samples with the model in training, through the same code as probing and evaluation."""

    _sampler: Sampler | None = None

    def follow(self, trainer: Any, model: Any) -> None:
        self._model, self._tokenizer = model, trainer.processing_class

    def run(self, rows: Sequence[Generation], sampling: Sampling) -> None:
        if self._sampler is None:
            self._sampler = Sampler(self._model, self._tokenizer)
        self._sampler.fill(rows, sampling)

    def close(self) -> None:
        self._sampler = None


class JudgedGroup(NamedTuple):
    """A group's texts, verdicts and outcome; see `group_outcome`."""

    texts: list[str]
    verdicts: list[Verdict]
    outcome: Outcome


class Rollouts:
    """Samples completions from a source, by default the model in training.

    A group whose rewards are all equal has no advantages and gives no gradient. Up to `resample` times per step,
    such groups are replaced by groups of other problems: dynamic sampling (DAPO, 2503.14476, section 3.2) with a
    limit. Groups that still have no variance are kept. A subclass may treat them differently (`improve`).

    Attributes:
        tokens: sampled so far, including those of replaced groups.
        replaced: groups that were replaced so far.
    """

    def __init__(
        self,
        problems: Sequence[Problem],
        params: GrpoParams,
        reward: GroupReward,
        seed: int,
        source: RolloutSource | None = None,
    ) -> None:
        self._problems, self._params, self._reward, self._seed = problems, params, reward, seed
        self._by_prompt = {problem["prompt"]: problem for problem in problems}
        self._sampling = Sampling(params.temperature, params.max_tokens, seed)
        self._source = source or TrainerSource()
        self.tokens = self.replaced = 0

    def close(self) -> None:
        """Releases the source's resources."""
        self._source.close()

    def state(self) -> dict[str, int]:
        return {"tokens": self.tokens, "replaced": self.replaced}

    def restore(self, state: dict[str, int]) -> None:
        self.tokens, self.replaced = state["tokens"], state["replaced"]

    def __call__(self, prompts: list[Any], trainer: Any) -> dict[str, Any]:
        """A completion for each prompt; the random states depend only on seed, step, process and position."""
        self.tokenizer = trainer.processing_class
        size = self._params.group_size
        texts = [p if isinstance(p, str) else p[-1]["content"] for p in prompts]
        problems = [self._by_prompt[text] for text in texts[::size]]
        step = [trainer.state.global_step, trainer.accelerator.process_index]
        with parallel.whole_model(trainer) as model:
            self._source.follow(trainer, model)
            groups = self.sample(problems, [*step, 0])
            self.improve(problems, groups, step)
        rows = [row for group in groups for row in group]
        of_row = [problem for problem in problems for _ in range(size)]
        return {
            "prompt_ids": [list(row.prompt) for row in rows],
            "completion_ids": [row.ids for row in rows],
            "logprobs": [row.logprobs for row in rows],
            # For the reward; `improve` may have replaced the problem.
            "gold": [problem["gold"] for problem in of_row],
            "kind": [problem["kind"] for problem in of_row],
            "problem_id": [problem["id"] for problem in of_row],
            "taught": [row.index == TAUGHT for row in rows],
        }

    def improve(self, problems: list[Problem], groups: list[list[Generation]], step: list[int]) -> None:
        """Replaces problems whose groups have no variance, and their groups, in place."""
        tried_ids = {problem["id"] for problem in problems}
        suspects: Sequence[int] = range(len(groups))
        for attempt in range(1, self._params.resample + 1):
            judged = {i: self.judge(problems[i], groups[i]) for i in suspects}
            uniform = [i for i in suspects if judged[i].outcome != "mixed"]
            others = self._others(tried_ids, len(uniform), [*step, attempt])
            if not others:
                return
            new_groups = self.sample(others, [*step, attempt])
            for i, problem, group in zip(uniform, others, new_groups, strict=False):
                self.replace(problems[i], judged[i], i, group, groups)
                problems[i] = problem
            suspects = uniform[: len(others)]
            tried_ids |= {problem["id"] for problem in others}

    def judge(self, problem: Problem, group: Sequence[Generation]) -> JudgedGroup:
        """A group's texts, verdicts and outcome."""
        texts = self.tokenizer.batch_decode([row.ids for row in group], skip_special_tokens=True)
        verdicts = self._reward.judge(texts, [problem["gold"]] * len(texts), problem["kind"])
        return JudgedGroup(texts, verdicts, group_outcome(verdicts))

    def replace(
        self,
        problem: Problem,
        old: JudgedGroup,
        index: int,
        new: list[Generation],
        groups: list[list[Generation]],
    ) -> None:
        """Replaces a group, recording the outcome of the old one."""
        self._reward.record(old.verdicts, old.texts, problem["id"])
        groups[index] = new
        self.replaced += 1

    def _others(self, tried: set[str], count: int, origin: list[int]) -> list[Problem]:
        """At most `count` random problems that have not been tried in this step."""
        free = [problem for problem in self._problems if problem["id"] not in tried]
        rng = Random(int(digest(["resample", self._seed, *origin]), 16))
        return rng.sample(free, min(count, len(free)))

    def sampled_size(self, problem: Problem) -> int:
        """The number of completions in a problem's group that the student samples; a teacher's are added to them."""
        return self._params.group_size

    def sample(
        self, problems: Sequence[Problem], origin: list[int], prefixes: Sequence[str] | None = None
    ) -> list[list[Generation]]:
        """Samples the student's completions of each problem, after its prefix if there is one.

        `origin`: step, process and attempt, which determine the random states.
        """
        size = self._params.group_size
        groups = []
        for i, (problem, start) in enumerate(zip(problems, prefixes or [""] * len(problems), strict=True)):
            prompt = tuple(encode(self.tokenizer, Prompt(problem["prompt"], start)))
            seeds = [int(digest([self._seed, *origin, i, k]), 16) for k in range(self.sampled_size(problem))]
            groups.append([Generation(i * size + k, prompt, seed) for k, seed in enumerate(seeds)])
        rows = [row for group in groups for row in group]
        self._source.run(rows, self._sampling)
        self.tokens += sum(len(row.ids) for row in rows)
        return groups


class GuidedRollouts(Rollouts):
    """Rollouts with a teacher's traces, given by problem id; what they are for is up to a subclass."""

    def __init__(self, *arguments: Any, traces: Mapping[str, str], **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._traces = traces

    def demonstration(self, problem: Problem, group: Sequence[Generation]) -> Generation | None:
        """The teacher's trace as a completion of the group's prompt; None if there is none."""
        trace = self._traces.get(problem["id"])
        if trace is None:
            return None
        ids = encode_completion(self.tokenizer, Prompt(problem["prompt"]), trace)
        return Generation(TAUGHT, group[0].prompt, 0, ids, [0.0] * len(ids))
