"""One method over several values of one parameter, scored on the validation split: how the lab was tuned.

    python benchmarks/sweep.py sft teacher.merge_share 0 0.1 0.2 0.3 0.5 1
    python benchmarks/sweep.py grpo grpo.learning_rate 5e-5 1e-4 2e-4 --also grpo.steps=40

The test split is never read. Stages are kept in the run folder and shared between the values.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import yaml

from slmr.bench import BenchRequest, Plan, make_artefacts
from slmr.display import BenchDisplay
from slmr.engines import Prompt, Sampling, open_engine
from slmr.engines.students import resolve_student
from slmr.evaluate import model_folder
from slmr.profiles import Profile, load_profile
from slmr.recipes import Node, Planner, load_recipe
from slmr.store import folder_digest
from slmr.tasks import select_tasks


def main() -> None:
    arguments = parse()
    profile = load_profile(arguments.profile)
    tasks = select_tasks(profile.tasks)
    print(f"| {arguments.parameter} | " + " | ".join(t.name for t in tasks) + " | mean |")
    print("|---" * (len(tasks) + 2) + "|")
    for value in [None, *arguments.values]:
        settings = [(arguments.parameter, value)] if value is not None else []
        method = arguments.method if value is not None else "base"
        model = make_model(method, profile, [*settings, *arguments.also], arguments)
        scores = [validation_accuracy(model, task, profile) for task in tasks]
        mean = sum(scores) / len(scores)
        cells = " | ".join(f"{100 * score:.1f}" for score in [*scores, mean])
        print(f"| {'base' if value is None else value} | {cells} |", flush=True)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
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


def make_model(
    method: str, profile: Profile, settings: list[tuple[str, Any]], arguments: argparse.Namespace
) -> Path:
    """The folder of the method's final model under these settings; made if it is missing."""
    values = {stage: dict(parameters) for stage, parameters in profile.stages.items()}
    for name, value in settings:
        stage, _, key = name.partition(".")
        values.setdefault(stage, {})[key] = value
    student = resolve_student(arguments.student)
    planner = Planner(student, folder_digest(student), values, profile.engine, arguments.seed)
    final = planner.plan(load_recipe(method))
    if final.stage is None:
        return student
    nodes: list[Node] = [node for node in final.ancestors() if node.stage is not None]
    plan = Plan(profile, [], [], arguments.out / "sweep", BenchRequest(), nodes)
    with BenchDisplay() as display:
        store = make_artefacts(plan, display)
    return model_folder(store.path(final.stage.name, final.key))


def validation_accuracy(model: Path, task: Any, profile: Profile) -> float:
    """Mean strict accuracy on the task's validation split, sampled as the profile evaluates."""
    engine = open_engine(model, profile.engine)
    k = profile.evaluate.k
    asked = [item for item in task.items("validation") for _ in range(k)]
    sampling = Sampling(profile.evaluate.temperature if k > 1 else 0.0, task.max_tokens, 0, task.stop)
    completions = engine.generate([Prompt(task.prompt(item.problem)) for item in asked], sampling)
    right = [task.verify(c.text, item.gold).strict for c, item in zip(completions, asked, strict=True)]
    return sum(right) / len(right)


if __name__ == "__main__":
    sys.exit(main())
