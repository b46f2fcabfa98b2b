"""Every method's learning rate, from the same small grid, chosen on the validation split.

    python -m studies.tune all --out runs/tune             # the lab profile, lab-llama
    python -m studies.tune grpo,dapo --out runs/tune       # some of them; two of these may run side by side

Each method is trained with the profile's learning rates times each factor, in all of its training stages at once, with
a seed that no reported run uses, and scored on the validation split of the profile's tasks; the test split is never
read. Findings are kept by method, so the same command goes on after a stop. Prints a Markdown table, and the `tuned`
section of the profile.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import yaml

from slmr.config import Profile, load_profile
from slmr.pipeline.recipe import load_recipe, select_methods, stages
from slmr.tasks.registry import select_tasks
from studies.artefacts import kept
from studies.sweep import make_model, validation_accuracy

FACTORS = (0.5, 1.0, 2.0)


def main() -> None:
    arguments = parse()
    profile = load_profile(arguments.profile).model_copy(update={"tuned": {}})
    arguments.out.mkdir(parents=True, exist_ok=True)
    chosen: dict[str, dict[str, dict[str, float]]] = {}
    print("| method | learning rate | " + " | ".join(f"x {f:g}" for f in FACTORS) + " | chosen |")
    print("|---" * (len(FACTORS) + 3) + "|")
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
        found = kept(
            arguments.out / f"{recipe.name}-{arguments.student}.json", settings,
            lambda name=recipe.name, rates=rates: scores(name, rates, profile, arguments),
        )["scores"]  # fmt: skip
        best = max(FACTORS, key=lambda factor: (found[str(factor)], factor == 1.0))
        # Said of every method, or one would have its parent's.
        chosen[recipe.name] = {kind: {"learning_rate": rate * best} for kind, rate in rates.items()}
        shown = ", ".join(f"{kind} {rate:g}" for kind, rate in rates.items())
        cells = " | ".join(f"{100 * found[str(factor)]:.1f}" for factor in FACTORS)
        print(f"| {recipe.name} | {shown} | {cells} | {best:g} |", flush=True)
    print("\n" + yaml.safe_dump({"tuned": chosen}, default_flow_style=None, sort_keys=True))


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
    """Mean validation accuracy over the profile's tasks with each factor."""
    found: dict[str, float] = {}
    for factor in FACTORS:
        settings = [(f"{kind}.learning_rate", rate * factor) for kind, rate in rates.items()]
        model = make_model(method, profile, settings, arguments)
        accuracies = [validation_accuracy(model, task, profile) for task in select_tasks(profile.tasks)]
        found[str(factor)] = sum(accuracies) / len(accuracies)
    return {"scores": found}


if __name__ == "__main__":
    sys.exit(main())
