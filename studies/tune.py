"""Every method's learning rates, from nine trials each, chosen on the validation split.

    python -m studies.tune all --out runs/tune             # the lab profile, lab-llama
    python -m studies.tune grpo,dapo --out runs/tune       # some of them; two of these may run side by side

A method with one training stage is trained at nine multiples of the profile's rate, one with SFT and RL at three times
three: what suits the one need not suit the other. All with a seed that no reported run uses, and scored on the
validation split of the profile's tasks; the test split is never read. Findings are kept by method, so the same command
goes on after a stop. Prints a Markdown table, and the `tuned` section of the profile.
"""

from __future__ import annotations

import argparse
import sys
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from slmr.config import Profile, load_profile
from slmr.pipeline.recipe import load_recipe, select_methods, stages
from slmr.tasks.registry import select_tasks
from studies.artefacts import kept
from studies.sweep import make_model, validation_accuracy

# By how many kinds of training stages a method has: what each one's rate is multiplied by. Nine trials either way.
FACTORS = {1: tuple(2 ** (half / 2) for half in range(-4, 5)), 2: (0.5, 1.0, 2.0)}


def main() -> None:
    arguments = parse()
    profile = load_profile(arguments.profile).model_copy(update={"tuned": {}})
    arguments.out.mkdir(parents=True, exist_ok=True)
    chosen: dict[str, dict[str, dict[str, float]]] = {}
    print("| method | rates: validation accuracy | chosen |\n|---|---|---|")
    for recipe in select_methods(arguments.methods, (), profile.leave_out):
        rates = learning_rates(recipe.name, profile)
        if not rates:
            continue
        settings = {
            "profile": profile.name,
            "student": arguments.student,
            "seed": arguments.seed,
            "rates": rates,
        }
        trials = kept(
            arguments.out / f"{recipe.name}-{arguments.student}.json", settings,
            lambda name=recipe.name, rates=rates: scores(name, rates, profile, arguments),
        )["trials"]  # fmt: skip
        best = max(trials, key=lambda trial: trial["score"])["rates"]
        # Said of every method, or one would have its parent's.
        chosen[recipe.name] = {kind: {"learning_rate": rate} for kind, rate in best.items()}
        tried = "; ".join(f"{shown(trial['rates'])}: {100 * trial['score']:.1f}" for trial in trials)
        print(f"| {recipe.name} | {tried} | {shown(best)} |", flush=True)
    print("\n" + yaml.safe_dump({"tuned": chosen}, default_flow_style=None, sort_keys=True))


def space(rates: dict[str, float]) -> list[dict[str, float]]:
    """The nine trials of a method with these rates by kind of stage; the profile's own rates are among them."""
    if len(rates) not in FACTORS:
        raise SystemExit(f"nine trials are for one or two kinds of training stages, not {', '.join(rates)}")
    factors = product(FACTORS[len(rates)], repeat=len(rates))
    return [
        {kind: rate * f for (kind, rate), f in zip(rates.items(), of_trial, strict=True)}
        for of_trial in factors
    ]


def shown(rates: dict[str, float]) -> str:
    """`sft 0.0002, grpo 0.0003`."""
    return ", ".join(f"{kind} {rate:.2g}" for kind, rate in rates.items())


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("methods", help="as of `slmr bench --method`")
    parser.add_argument("--student", default="lab-llama")
    parser.add_argument("--profile", default="lab")
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path("runs/tune"))
    return parser.parse_args()


def learning_rates(method: str, profile: Profile) -> dict[str, float]:
    """The rate of each kind of training stage that the method has."""
    found: dict[str, float] = {}
    for spec in load_recipe(method).stages.values():
        kind = stages()[spec.stage]
        if "learning_rate" in kind.params.model_fields:
            values = kind.parse({**profile.stages.get(spec.stage, {}), **spec.with_}, method)
            found[spec.stage] = values.learning_rate  # type: ignore[attr-defined]
    return found


def scores(
    method: str, rates: dict[str, float], profile: Profile, arguments: argparse.Namespace
) -> dict[str, Any]:
    """Mean validation accuracy over the profile's tasks in each trial."""
    trials = []
    for of_trial in space(rates):
        settings = [(f"{kind}.learning_rate", rate) for kind, rate in of_trial.items()]
        model = make_model(method, profile, settings, arguments)
        accuracies = [validation_accuracy(model, task, profile) for task in select_tasks(profile.tasks)]
        trials.append({"rates": of_trial, "score": sum(accuracies) / len(accuracies)})
    return {"trials": trials}


if __name__ == "__main__":
    sys.exit(main())
