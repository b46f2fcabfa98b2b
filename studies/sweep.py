"""Trains one method with several values of a parameter and scores it on the validation split, to tune the lab.

    python -m studies.sweep sft teacher.merge_share 0 0.1 0.2 0.3 0.5 1
    python -m studies.sweep grpo grpo.learning_rate 5e-5 1e-4 2e-4 --also grpo.steps=40

The test split is never read. Stages are kept in the run folder and shared between the values.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from slmr.config import Profile, load_profile
from slmr.engines import Prompt, Sampling, open_engine
from slmr.engines.models import resolve_model
from slmr.pipeline.planner import Planner
from slmr.pipeline.recipe import Recipe, load_recipe
from slmr.stage import model_in
from slmr.tasks.registry import select_tasks
from studies.artefacts import made


def main() -> None:
    args = parse()
    profile = load_profile(args.profile)
    tasks = select_tasks(profile.tasks)
    print(f"| {args.parameter} | " + " | ".join(t.name for t in tasks) + " | mean |")
    print("|---" * (len(tasks) + 2) + "|")
    for value in [None, *args.values]:
        settings = [(args.parameter, value)] if value is not None else []
        method = args.method if value is not None else "base"
        model = make_model(load_recipe(method), profile, [*settings, *args.also], args)
        scores = [validation_accuracy(model, task, profile) for task in tasks]
        mean = sum(scores) / len(scores)
        cells = " | ".join(f"{100 * score:.1f}" for score in [*scores, mean])
        print(f"| {'base' if value is None else value} | {cells} |", flush=True)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("method")
    parser.add_argument("parameter", help="stage.key")
    parser.add_argument("values", nargs="+", type=yaml.safe_load)
    parser.add_argument("--also", nargs="*", default=[], type=setting, help="stage.key=value")
    parser.add_argument("--student", default="lab-llama")
    parser.add_argument("--profile", default="lab")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs"))
    return parser.parse_args()


def setting(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    return name, yaml.safe_load(value)


def make_model(recipe: Recipe, profile: Profile, settings: list[tuple[str, Any]], args: argparse.Namespace) -> Path:
    """The folder of the method's final model with these settings; trained if it is missing."""
    values = {stage: dict(parameters) for stage, parameters in profile.stages.items()}
    for name, value in settings:
        stage, _, key = name.partition(".")
        values.setdefault(stage, {})[key] = value
    student = resolve_model(args.student)
    profile = profile.model_copy(update={"stages": values, "tuned": {}})
    planner = Planner(student, profile, args.seed)
    final = planner.plan(recipe)
    store = made(final.stages(), profile, args.out / "sweep")
    return model_in(Path(final.output(store)))


def validation_accuracy(model: Path, task: Any, profile: Profile) -> float:
    """Mean strict accuracy on the task's validation split."""
    return float(validation_scores(model, task, profile).mean())


def validation_scores(model: Path, task: Any, profile: Profile) -> np.ndarray:
    """Scores [items, completions] on the task's validation split, 1 for right; sampled as the profile evaluates."""
    engine = open_engine(model, profile.engine)
    k = profile.evaluate.k
    questions = [(item, draw) for item in task.items("validation") for draw in range(k)]
    temperature = (profile.evaluate.temperature or 1.0) if k > 1 else 0.0
    sampling = Sampling(temperature, task.max_tokens, 0, task.stop)
    prompts = [Prompt(task.prompt(item.problem), sample_index=draw) for item, draw in questions]
    completions = engine.generate(prompts, sampling)
    pairs = zip(completions, questions, strict=True)
    right = [task.verify(completion.text, item.gold).strict for completion, (item, _) in pairs]
    return np.array(right, dtype=float).reshape(-1, k)


if __name__ == "__main__":
    sys.exit(main())
