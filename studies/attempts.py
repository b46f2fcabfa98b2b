"""Why stage-specific data does not lead in the lab: three guesses, each tried, scored on the validation split.

    python -m studies.attempts --out results/archive/lab-attempts

Each guess changes the lab profile in one place and trains `sft_grpo` (the same data in both stages) and `stagewise`
under seeds that no reported run uses. The test split is never read. Each training is kept as JSON, so the same command
goes on after a stop. Prints Markdown: the mean over the profile's tasks, that of the task trained on, the tokens spent,
and the difference to `sft_grpo` by seed and item; last the two at the same spending, `sft_grpo` with twice the RL.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from slmr.config import Profile, load_profile
from slmr.engines.models import resolve_model
from slmr.pipeline.cost import spent_on
from slmr.pipeline.planner import Planner
from slmr.pipeline.recipe import load_recipe
from slmr.pipeline.worker import quiet_libraries
from slmr.stats import Difference, Effects, holm, seeds_and_items_differences
from slmr.tasks.registry import select_tasks
from studies.artefacts import kept, made
from studies.sweep import validation_scores

AGAINST = "sft_grpo"
METHODS = (AGAINST, "stagewise")
AS_IT_IS, LONGER = "as it is", "twice the RL"
GUESSES: dict[str, dict[str, dict[str, Any]]] = {
    AS_IT_IS: {},
    # Bridge has little to mend where four of five steps of a raw trace are whole.
    "harsher traces": {stage: {"merge_share": 0.6} for stage in ("teacher", "bridge", "critique")},
    # Where most problems are simple or medium, it matters little which go where.
    "harder pool": {"pool": {"task": "lab_math"}},
    # RL may stop before what the acquisition set prepared is harvested.
    LONGER: {"grpo": {"steps": 80}},
}
# Without the profile's budget: harder problems have longer answers, and it would stop the second round of `stagewise`.
UNBOUNDED = ("harder pool",)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--student", default="lab-llama")
    parser.add_argument("--seeds", default="1000,1001,1002")
    parser.add_argument("--guesses", default=",".join(GUESSES), help="some of these, separated by commas")
    parser.add_argument("--out", type=Path, default=Path("runs/attempts"))
    parser.add_argument("--work", type=Path, default=Path("runs"), help="for the stages themselves")
    a = parser.parse_args()
    guesses = a.guesses.split(",")
    if unknown := [guess for guess in guesses if guess not in GUESSES]:
        parser.error(f"--guesses: not one of {', '.join(GUESSES)}: {', '.join(unknown)}")
    quiet_libraries()
    a.out.mkdir(parents=True, exist_ok=True)
    seeds = [int(seed) for seed in a.seeds.split(",")]
    found = {
        guess: {method: [trained(guess, method, seed, a) for seed in seeds] for method in METHODS}
        for guess in guesses
    }
    print(report(found))


def trained(guess: str, method: str, seed: int, a: argparse.Namespace) -> dict[str, Any]:
    """One method under one guess and seed: per task each item's mean over its completions, and the tokens."""
    file = a.out / f"{guess.replace(' ', '-')}-{method}-{a.student}-{seed}.json"
    settings = {"guess": GUESSES[guess], "method": method, "student": a.student, "seed": seed}
    return kept(file, settings, lambda: train_and_score(guess, method, seed, a))


def train_and_score(guess: str, method: str, seed: int, a: argparse.Namespace) -> dict[str, Any]:
    profile = changed(load_profile("lab"), guess)
    student = resolve_model(a.student)
    planner = Planner(
        student.location, student.key, profile.stages, profile.engine, seed, profile.tuned, profile.budget
    )
    final = planner.plan(load_recipe(method))
    store = made(final.stages(), profile, a.work / "attempts")
    model = Path(final.output(store)) / "model"
    scores = {
        task.name: validation_scores(model, task, profile).mean(axis=1).tolist()
        for task in select_tasks(profile.tasks)
    }
    return {"scores": scores, "tokens": spent_on(store, [final]).tokens}


def changed(profile: Profile, guess: str) -> Profile:
    """The profile with other parameters of some stages."""
    stages = {stage: {**profile.stages[stage], **GUESSES[guess].get(stage, {})} for stage in profile.stages}
    budget = None if guess in UNBOUNDED else profile.budget
    return profile.model_copy(update={"stages": stages, "budget": budget})


def report(found: dict[str, dict[str, list[dict[str, Any]]]]) -> str:
    """A line a guess and method; p after Holm over all differences of the table."""
    pairs = {guess: (by_method["stagewise"], by_method[AGAINST]) for guess, by_method in found.items()}
    if AS_IT_IS in found and LONGER in found:
        pairs["the same spending"] = found[AS_IT_IS]["stagewise"], found[LONGER][AGAINST]
    changes = {guess: difference(*sides) for guess, sides in pairs.items()}
    corrected = dict(zip(pairs, holm([change.p for change in changes.values()]), strict=True))
    lines = [
        f"| guess | seeds | {AGAINST}: mean, trained task, tokens | stagewise | minus {AGAINST} | 95 % | p (Holm) |",
        "|---|---:|---|---|---:|---|---:|",
    ]
    for guess, (stagewise, against) in pairs.items():
        task = GUESSES.get(guess, {}).get("pool", {}).get("task", "lab_gsm8k")
        change = changes[guess]
        lines.append(
            f"| {guess} | {len(against)} | {side(against, task)} | {side(stagewise, task)} | {100 * change.mean:+.1f} |"
            f" {100 * change.low:+.1f} to {100 * change.high:+.1f} | {corrected[guess]:.2f} |"
        )
    return "\n".join(lines)


def side(runs: list[dict[str, Any]], task: str) -> str:
    """Accuracy over all tasks and on one, in percent, and the tokens."""
    mean = np.mean([np.mean([np.mean(scores) for scores in run["scores"].values()]) for run in runs])
    own = np.mean([np.mean(run["scores"][task]) for run in runs])
    return f"{100 * mean:.1f}, {100 * own:.1f}, {np.mean([run['tokens'] for run in runs]) / 1e6:.2f} M"


def difference(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> Difference:
    """Mean over the tasks, paired by seed and item."""
    changes = [(a - b).parts for a, b in zip(effects(one), effects(other), strict=True)]
    return seeds_and_items_differences([changes])[0]


def effects(runs: list[dict[str, Any]]) -> list[Effects]:
    """Per task the effects of [seeds, items]."""
    return [Effects.of(np.array([run["scores"][task] for run in runs])) for task in runs[0]["scores"]]


if __name__ == "__main__":
    main()
