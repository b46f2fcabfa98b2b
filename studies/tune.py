"""Tunes every method with nine trials from its own space (studies/spaces.yaml), chosen on the validation split.

    python -m studies.tune all --out runs/tune             # the lab profile, lab-llama
    python -m studies.tune grpo,dapo --out runs/tune       # some of them; two of these may run side by side

Each trial is trained with a seed that no reported run uses, and scored on the validation split of the profile's tasks;
the test split is never read. Scores are kept by method and stages by their content, so the same command resumes a
stopped study. Prints a Markdown table, and the `tuned` section of the profile; `rounds`, and the stage parameters of
`stagewise`, belong in its recipe.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from slmr.config import Profile, load_profile
from slmr.io import read_settings
from slmr.pipeline.recipe import Recipe, select_methods, stages
from slmr.tasks.registry import select_tasks
from studies.artefacts import kept
from studies.sweep import make_model, validation_accuracy

SPACES = Path(__file__).with_name("spaces.yaml")
Trial = dict[str, Any]  # setting → value


def main() -> None:
    args = parse()
    profile = load_profile(args.profile).model_copy(update={"tuned": {}})
    args.out.mkdir(parents=True, exist_ok=True)
    trials, chosen = spaces(), {}
    print("| method | lowest | highest | chosen |\n|---|---:|---:|---|")
    for recipe in select_methods(args.methods, (), profile.leave_out):
        if recipe.name not in trials:
            continue
        tried = [absolute(trial, recipe, profile) for trial in trials[recipe.name]]
        settings = {
            "profile": profile.name,
            "student": args.student,
            "seed": args.seed,
            "trials": tried,
        }
        scores = kept(
            args.out / f"{recipe.name}-{args.student}.json",
            settings,
            lambda recipe=recipe, tried=tried: {"scores": [score(recipe, t, profile, args) for t in tried]},
        )["scores"]
        best = tried[scores.index(max(scores))]
        chosen[recipe.name] = by_stage(best)
        best_text = ", ".join(f"{name} {value:g}" for name, value in best.items())
        print(f"| {recipe.name} | {100 * min(scores):.1f} | {100 * max(scores):.1f} | {best_text} |", flush=True)
    print("\n" + yaml.safe_dump({"tuned": chosen}, default_flow_style=None, sort_keys=True))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("methods", help="as of `slmr bench --method`")
    parser.add_argument("--student", default="lab-llama")
    parser.add_argument("--profile", default="lab")
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path("runs/tune"))
    return parser.parse_args()


def spaces() -> dict[str, list[Trial]]:
    """The declared trials of each method."""
    trials = {}
    for method, space in read_settings(SPACES, "spaces").items():
        if isinstance(space, Mapping):
            space = [dict(zip(space, values, strict=True)) for values in product(*space.values())]
        trials[method] = list(space)
    return trials


def absolute(trial: Trial, recipe: Recipe, profile: Profile) -> Trial:
    """The trial with learning rates instead of factors."""
    return {
        name: value * rate(name.split(".")[0], recipe, profile) if name.endswith(".learning_rate") else value
        for name, value in trial.items()
    }


def rate(kind: str, recipe: Recipe, profile: Profile) -> float:
    """The profile's learning rate of a kind of training stage."""
    values = stages()[kind].parse(profile.stages.get(kind, {}), recipe.name)
    return values.learning_rate  # type: ignore[attr-defined]


def changed(recipe: Recipe, trial: Trial) -> Recipe:
    """The recipe with the trial's settings in every stage of their kind."""
    settings = by_stage({name: value for name, value in trial.items() if name != "rounds"})
    specs = {
        label: spec.model_copy(update={"with_": {**spec.with_, **settings.get(spec.stage, {})}})
        for label, spec in recipe.stages.items()
    }
    return recipe.model_copy(update={"stages": specs, "rounds": trial.get("rounds", recipe.rounds)})


def by_stage(trial: Trial) -> dict[str, Any]:
    """Kind of stage → parameter → value, and `rounds`, which belongs to no stage."""
    parameters: dict[str, Any] = {}
    for name, value in trial.items():
        kind, _, key = name.partition(".")
        if key:
            parameters.setdefault(kind, {})[key] = value
        else:
            parameters[kind] = value
    return parameters


def score(recipe: Recipe, trial: Trial, profile: Profile, args: argparse.Namespace) -> float:
    """Mean validation accuracy over the profile's tasks."""
    model = make_model(changed(recipe, trial), profile, [], args)
    accuracies = [validation_accuracy(model, task, profile) for task in select_tasks(profile.tasks)]
    return sum(accuracies) / len(accuracies)


if __name__ == "__main__":
    sys.exit(main())
