"""`slmr methods`: the training methods."""

from pathlib import Path
from typing import Any

import typer

from slmr.cli.options import (
    AsJson,
    MethodsPath,
    Profile,
    examples,
    print_json,
    print_listing,
    print_text,
)
from slmr.config import DEFAULT_PROFILE, kind_label, load_profile
from slmr.engines.models import Model
from slmr.pipeline.planner import Planner
from slmr.pipeline.recipe import Recipe, load_recipe, select_methods

EXAMPLES = ("slmr methods list", "slmr methods show stagewise")
app = typer.Typer(rich_markup_mode=None)


@app.command("list", epilog=examples("slmr methods list", "slmr methods list --methods-path mine --json"))
def methods_list(methods_path: MethodsPath = None, as_json: AsJson = False) -> None:
    """List the methods with their kinds and summaries."""
    rows = [
        {
            "name": r.name,
            "kind": r.kind if as_json else kind_label(r.kind),
            "summary": r.summary,
            "paper": r.paper,
        }
        for r in select_methods("all", tuple(methods_path or ()))
    ]
    print_listing(rows, as_json)


@app.command("show", epilog=examples("slmr methods show stagewise", "slmr methods show grpo --profile smol"))
def methods_show(
    name: str, profile: Profile = DEFAULT_PROFILE, methods_path: MethodsPath = None, as_json: AsJson = False
) -> None:
    """Show one method: its stages, and their parameters under a profile."""
    recipe = load_recipe(name, tuple(methods_path or ()))
    rows = method_stages(recipe, profile)
    if as_json:
        row = {
            "name": recipe.name,
            "kind": recipe.kind,
            "paper": recipe.paper,
            "profile": profile,
            "stages": rows,
        }
        print_json([row])
        return
    summary = recipe.summary.rstrip(".")
    print_text(f"{recipe.name} ({kind_label(recipe.kind)}): {summary}. Parameters under profile {profile}:")
    if recipe.paper:
        print(f"paper: {recipe.paper}")
    for row in rows:
        sources = ", ".join(row["inputs"]) or "-"
        print_text(f"  {row['name']:<22} {row['stage']:<12} from {sources}", indent=43)
        for key, value in row["parameters"].items():
            print_text(f"    {key}: {value}", indent=6)


def method_stages(recipe: Recipe, profile_name: str) -> list[dict[str, Any]]:
    """The stages of a method's plan under a profile, in order."""
    profile = load_profile(profile_name)
    planner = Planner(Model("student", "folder", Path(), "student"), profile, 0)
    return [
        {
            "name": node.label,
            "stage": node.kind,
            "inputs": [source.label for source in node.sources],
            "parameters": node.params.model_dump(mode="json"),
        }
        for node in planner.plan(recipe).stages()
    ]
