"""Finds which of ten known faults a training has, with evidence. The thresholds are ours: docs/howto/diagnose.md."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean, variance
from typing import Literal, NamedTuple

from slmr.errors import RequestError
from slmr.results.analysis.rollouts import PaidCompletion
from slmr.results.analysis.training_logs import Step, TrainingLog
from slmr.results.runs.schema import grouped
from slmr.stats import bounded_mean
from slmr.stats.formats import percent
from slmr.tasks.contamination import normalised
from slmr.verify import Kind, Verdict, in_form, verify_batch

State = Literal["found", "absent", "unknown"]

NO_VARIANCE = 0.8  # share of groups without variance
FORMAT_GAIN = 0.15
CUT_OFF = 0.2  # share of completions, in the last third
WRONG_REWARD = 0.02  # share of answers, below which the interval must not reach
DRIFT = 1.5  # factor of the length
ENTROPY_LEFT = 0.25  # of what it was, where it is also less than
ENTROPY_GONE = 0.05  # nats a token
GAP = 0.05  # nats a token
NO_GRADIENT = 0.5  # share of the steps that had variance
LEAKED = 0.01  # share of prompts, or of test items
_MOST = 1e100  # squares of what is larger are no numbers


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of the search for one fault.

    Attributes:
        evidence: in words, with the numbers; where it is unknown, what is missing.
        numbers: the same for a script.
        advice: what to do, where it is found.
    """

    name: str
    title: str
    state: State
    evidence: str
    numbers: dict[str, float] = field(default_factory=dict)
    advice: str = ""


class Training(NamedTuple):
    """A training: its log, verdicts on the completions that have a gold answer, and the problems of the test items."""

    log: TrainingLog
    verdicts: list[tuple[PaidCompletion, Verdict]]
    test: Sequence[str]


class Evidence(NamedTuple):
    state: State
    text: str
    numbers: dict[str, float]


def diagnose(
    log: TrainingLog,
    golds: Mapping[str, str] | None = None,
    kind: Kind | None = None,
    test: Sequence[str] = (),
) -> list[Finding]:
    """Looks for every fault, in the order of `FAULTS`.

    Args:
        log: the training.
        golds: prompt → right answer, for completions that come without one.
        kind: of the answers; by their form where it is not said.
        test: problems of the test set, to be looked for among the prompts.

    Raises:
        RequestError: golds are given, and none is of a prompt of the log.
    """
    training = _training(log, golds or {}, kind, test)
    findings = []
    for name, (title, look, advice) in FAULTS.items():
        state, text, numbers = look(training)
        findings.append(Finding(name, title, state, text, numbers, advice if state == "found" else ""))
    return findings


def _training(log: TrainingLog, golds: Mapping[str, str], kind: Kind | None, test: Sequence[str]) -> Training:
    by_prompt = golds_by_prompt({c.prompt for c in log.completions}, golds)
    with_gold = [(c, gold) for c in log.completions if (gold := by_prompt.get(c.prompt, c.gold)) is not None]
    if golds and log.completions and not with_gold:
        raise RequestError(
            f"no prompt of --data stands in the log of {log.name}: the data's first is {next(iter(golds))!r:.80}, the"
            f" log's {log.completions[0].prompt!r:.80}"
        )
    if not with_gold:
        return Training(log, [], test)
    kind = kind or _kind_of([gold for _, gold in with_gold])
    verdicts = verify_batch([c.text for c, _ in with_gold], [gold for _, gold in with_gold], kind)
    pairs = [(c, v) for (c, _), v in zip(with_gold, verdicts, strict=True)]
    return Training(_with_verdicts(log, pairs, kind), pairs, test)


def golds_by_prompt(prompts: Iterable[str], golds: Mapping[str, str]) -> dict[str, str]:
    """Logged prompt → gold of the same prompt, else of the last prompt within it, as inside a chat template."""
    by_word = _by_rarest_word(golds)
    by_prompt = {}
    for prompt in prompts:
        text = prompt.strip()
        candidates = (one for word in {"", *text.split()} for one in by_word.get(word, ()))
        matches = [text] if text in golds else [one for one in candidates if one in text]
        if matches:
            last = max(matches, key=lambda one: (text.rfind(one) + len(one), len(one)))
            by_prompt[prompt] = golds[last]
    return by_prompt


def _by_rarest_word(prompts: Iterable[str]) -> dict[str, list[str]]:
    """Rarest word → the prompts with it. A text needs to be searched only for the prompts under its own words.

    The first and the last word do not count: in a text that holds the prompt they may be part of longer ones. Prompts
    of fewer than three words are under the empty word.
    """
    prompts = [prompt for prompt in prompts if prompt]
    counts = Counter(word for prompt in prompts for word in prompt.split())
    return grouped(prompts, lambda prompt: min(prompt.split()[1:-1], key=counts.__getitem__, default=""))


def _kind_of(golds: Sequence[str]) -> Kind:
    """The kind that fits all of these answers; `math` fits any answer."""
    if all(re.fullmatch(r"\s*-?\$?[\d,]*\.?\d+\s*", gold) for gold in golds):
        return "numeric"
    return "choice" if all(re.fullmatch(r"\s*\(?[A-J]\)?\s*", gold) for gold in golds) else "math"


def _with_verdicts(log: TrainingLog, pairs: Sequence[tuple[PaidCompletion, Verdict]], kind: Kind) -> TrainingLog:
    """The log with each step's lenient accuracy, and its share of completions in form unless a reward gives it."""
    by_step = grouped(pairs, lambda pair: pair[0].step)
    steps = []
    for step in log.steps:
        if completions := by_step.get(int(step["step"])):
            form = fmean(in_form(c.text, kind) for c, _ in completions)
            step = {"format": form} | step | {"accuracy": fmean(v.lenient for _, v in completions)}
        steps.append(step)
    return replace(log, steps=steps)


# --------------------------------------------------------------------------------------- from start to end


class Trend(NamedTuple):
    """Means of the first and the last third, and the standard error of their difference."""

    first: float
    last: float
    noise: float

    @property
    def change(self) -> float:
        return self.last - self.first

    @property
    def is_significant(self) -> bool:
        return abs(self.change) > 2 * self.noise


def _values(log: TrainingLog, name: str) -> list[float]:
    """The finite numbers of a column, within limits; `_no_step` alone looks at those that are not finite."""
    return [max(-_MOST, min(_MOST, value)) for value in log.series(name) if math.isfinite(value)]


def _trend(log: TrainingLog, name: str) -> Trend | None:
    """The trend of a column; None if fewer than six steps have it."""
    values = _values(log, name)
    third = len(values) // 3
    if third < 2:
        return None
    first, last = values[:third], values[-third:]
    noise = math.sqrt((variance(first) + variance(last)) / third)
    return Trend(fmean(first), fmean(last), noise)


def _unknown(what: str) -> Evidence:
    return Evidence("unknown", what, {})


def _evidence(is_found: bool, text: str, **numbers: float) -> Evidence:
    return Evidence("found" if is_found else "absent", text, numbers)


# ----------------------------------------------------------------------------------------------- the faults


def _no_variance(training: Training) -> Evidence:
    values = _values(training.log, "zero_variance")
    if not values:
        return _same_rewards(training)
    share = fmean(values)
    numbers = {"share": share}
    text = f"{share:.0%} of the groups had equal rewards"
    if rewards := _values(training.log, "reward"):
        numbers["reward"] = fmean(rewards)
        text += f"; mean reward {numbers['reward']:.2f}"
    return _evidence(share >= NO_VARIANCE, text, **numbers)


def _same_rewards(training: Training) -> Evidence:
    """As `_no_variance`, from steps whose rewards had no variance, if the log does not describe single groups."""
    values = _values(training.log, "same_rewards")
    share = fmean(values) if values else 0.0
    if share < NO_VARIANCE:
        return _unknown("no log of groups: TRL's frac_reward_zero_std, or completions with rewards")
    return _evidence(True, f"in {share:.0%} of the steps all groups had equal rewards", share=share)


def _format_only(training: Training) -> Evidence:
    form = _trend(training.log, "format")
    right = _trend(training.log, "accuracy")
    if form is None:
        return _unknown("no reward of the form, and no golds to judge it: --data")
    if right is None:
        return _unknown("no accuracy: give the golds by --data")
    text = f"in form {form.first:.0%} → {form.last:.0%}, right {right.first:.0%} → {right.last:.0%}"
    flat = not (right.is_significant and right.change > 0) or right.change < FORMAT_GAIN / 5
    is_found = form.change >= FORMAT_GAIN and form.is_significant and flat
    return _evidence(is_found, text, format=form.change, accuracy=right.change, noise=right.noise)


def _cut_off(training: Training) -> Evidence:
    values = _values(training.log, "truncated")
    if not values:
        return _unknown("no log of what was cut off")
    share = fmean(values[-max(1, len(values) // 3) :])
    return _evidence(share >= CUT_OFF, f"{share:.0%} of the completions of the last third were cut off", share=share)


def _reward_errors(training: Training, right: bool) -> Evidence:
    """The share of right answers (in the requested form) that are not paid, or of wrong ones (in any form) that are."""
    pairs = [(c, v) for c, v in training.verdicts if c.reward is not None]
    if not pairs:
        return _unknown("no golds, or no rewards, to compare: give the golds by --data")
    rewards = [c.reward for c, _ in pairs if c.reward is not None]
    least = (min(rewards) + max(rewards)) / 2 if min(rewards) < max(rewards) else 1e-9
    errors = [
        float((c.reward or 0.0) < least if right else (c.reward or 0.0) >= least)
        for c, v in pairs
        if (v.strict if right else v.status in ("wrong", "no_answer") and not v.lenient)
    ]
    what = "right answers were not paid" if right else "wrong answers were paid"
    if not errors:
        return _evidence(False, f"no {'right' if right else 'wrong'} answer among {len(pairs)}", answers=0)
    share = bounded_mean(errors)
    text = f"{percent(share.mean, share.low, share.high)} % of {len(errors)} {what}"
    return _evidence(
        share.low > WRONG_REWARD, text, share=share.mean, low=share.low, high=share.high, answers=len(errors)
    )


def _length_drift(training: Training) -> Evidence:
    length = _trend(training.log, "length") or _trend(training.log, "characters")
    if length is None or min(length.first, length.last) <= 0:
        return _unknown("no log of lengths over at least six steps")
    factor = length.last / length.first
    right = _trend(training.log, "accuracy")
    is_learning = right is not None and right.is_significant and right.change >= 0.1
    text = f"mean length {length.first:.0f} → {length.last:.0f}, by a factor of {factor:.2f}"
    is_found = max(factor, 1 / factor) >= DRIFT and length.is_significant and not is_learning
    return _evidence(is_found, text, factor=factor, first=length.first, last=length.last)


def _entropy_gone(training: Training) -> Evidence:
    entropy = _trend(training.log, "entropy")
    if entropy is None:
        return _unknown("no log of entropy over at least six steps")
    text = f"entropy {entropy.first:.3f} → {entropy.last:.3f} nats a token"
    is_found = entropy.last < ENTROPY_GONE and entropy.last < ENTROPY_LEFT * entropy.first
    return _evidence(is_found, text, first=entropy.first, last=entropy.last)


def _sampler_gap(training: Training) -> Evidence:
    values = _values(training.log, "logprob_gap")
    if not values:
        return _unknown("no log-probabilities of the sampler: TRL logs them with vLLM, verl with rollout log-probs")
    gap = fmean(values)
    return _evidence(gap > GAP, f"sampler and trainer differ by {gap:.2g} nats a token", gap=gap, most=max(values))


def _had_variance(step: Step) -> bool:
    """Whether a group of the step had variance; True if the log does not say."""
    return step.get("zero_variance", step.get("same_rewards", 0.0)) < 1


def _no_step(training: Training) -> Evidence:
    log = training.log
    rates, norms = log.series("learning_rate"), log.series("grad_norm")
    if log.unchanged is None and not rates and not norms:
        return _unknown("no log of learning rate or gradient")
    not_finite = fmean(not math.isfinite(x) for x in norms) if norms else 0.0
    no_rate = fmean(rate <= 1e-12 for rate in rates) if rates else 0.0
    norms_with_variance = [s["grad_norm"] for s in log.steps if "grad_norm" in s and _had_variance(s)]
    no_gradient = fmean(norm == 0 for norm in norms_with_variance) if norms_with_variance else 0.0
    text = (
        f"learning rate 0 in {no_rate:.0%} of the steps, gradient 0 in {no_gradient:.0%} of those with variance,"
        f" not a number in {not_finite:.0%}"
    )
    if log.unchanged:
        text += "; the weights are those of the start"
    is_found = bool(log.unchanged) or max(no_rate, no_gradient, not_finite) >= NO_GRADIENT
    return _evidence(is_found, text, rate_zero=no_rate, gradient_zero=no_gradient, not_finite=not_finite)


def _leaked(training: Training) -> Evidence:
    if training.log.contamination:
        worst = max(training.log.contamination, key=lambda c: c.exact / max(c.n_test, 1))
        share = worst.exact / max(worst.n_test, 1)
        text = f"{worst.exact} of {worst.n_test} problems of {worst.test} are training problems of {worst.train}"
        return _evidence(share >= LEAKED, text, share=share, items=worst.exact)
    prompts = {normalised(c.prompt) for c in training.log.completions} - {""}
    if not prompts or not training.test:
        return _unknown("no prompts in the log" if not prompts else "no test set to look for: --test TASK")
    test = {normalised(problem) for problem in training.test} - {""}
    matches = {p: {t for t in test if f" {t} " in f" {p} "} for p in prompts}
    leaked = set[str]().union(*matches.values())
    share = max(fmean(bool(problems) for problems in matches.values()), len(leaked) / max(len(test), 1))
    text = (
        f"{sum(map(bool, matches.values()))} of {len(prompts)} prompts hold a test problem; {len(leaked)} of"
        f" {len(test)} test problems stand in prompts"
    )
    return _evidence(share >= LEAKED, text, share=share, items=len(leaked), prompts=len(prompts))


FAULTS: dict[str, tuple[str, Callable[[Training], Evidence], str]] = {
    "no-variance": (
        "Groups without variance",
        _no_variance,
        "take problems that are right in some of the attempts and not in all (`slmr probe`), larger groups or a higher"
        " temperature; SFT first where the reward is near 0",
    ),
    "format-only": (
        "The form is learned, the task is not",
        _format_only,
        "report accuracy in any form beside the strict one, pay the form less, teach it by SFT first",
    ),
    "cut-off": (
        "Completions are cut off",
        _cut_off,
        "raise the bound on the length, or mask what is cut off; look for endless repetition and a missing end token",
    ),
    "right-unpaid": (
        "Checker and reward disagree: right answers are not paid",
        lambda j: _reward_errors(j, right=True),
        "run `slmr audit-reward` on the function; look at the spellings that it misses",
    ),
    "wrong-paid": (
        "Wrong answers are paid",
        lambda j: _reward_errors(j, right=False),
        "run `slmr audit-reward` on the function: what it pays is learned before the task is",
    ),
    "length-drift": (
        "The length drifts",
        _length_drift,
        "look at what the longest and shortest completions are paid; drop rewards of length, normalise the loss by"
        " tokens (`dapo`, `dr_grpo`)",
    ),
    "entropy-gone": (
        "The entropy is gone",
        _entropy_gone,
        "lower the learning rate, raise clip_high or the temperature, set beta above 0, stop earlier",
    ),
    "sampler-gap": (
        "The sampler is not the policy that is trained",
        _sampler_gap,
        "compare temperature, top-p, precision and the weights' version of sampler and trainer; correct by importance"
        " weights until it is found",
    ),
    "no-step": (
        "The model is not changed",
        _no_step,
        "look at the learning rate and its schedule, at frozen parameters, at what gradient clipping and bf16 leave of"
        " a step",
    ),
    "leaked-test": (
        "Test items are among the training problems",
        _leaked,
        "take them out and train again (`slmr tasks overlap`); results measured on them are void",
    ),
}
