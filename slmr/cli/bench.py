"""`slmr bench`: methods trained and evaluated uniformly."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer
from rich.table import Table

from slmr.cli.display import BenchDisplay, tell
from slmr.cli.dry_run import print_plan
from slmr.cli.options import (
    MAX_SEED,
    DataDir,
    MethodsPath,
    Out,
    Profile,
    TasksPath,
    console,
    print_fields,
    print_text,
    warn,
)
from slmr.cli.request import request_command
from slmr.config import ABLATIONS, STAGEWISE
from slmr.errors import RequestError
from slmr.pipeline.bench import BenchRequest, Plan, make_plan, run_bench
from slmr.pipeline.confirmation import confirm
from slmr.pipeline.identities import IdentitiesOnHand
from slmr.pipeline.planner import StageNode
from slmr.pipeline.sharing import sharing
from slmr.pipeline.versions import untested_line
from slmr.results.analysis.compare import compare_all
from slmr.results.analysis.ranking import Ranking, run_rankings
from slmr.results.render.headline import best
from slmr.results.render.report import contamination_line, warnings
from slmr.results.render.tables import differences_table, ranking_tables
from slmr.results.render.text_tables import fitted
from slmr.results.runs.files import ARTEFACTS, SAMPLES, SUMMARY
from slmr.results.runs.method_results import MethodResult

EXAMPLES = (
    "slmr bench --method base,sft,grpo",
    "slmr bench --method all --seeds 3",
    "slmr bench --method sft --seed 7",
    "slmr bench --profile paper --dry-run",
)

MAX_SEEDS, MAX_JOBS = 1000, 1024

Jobs = Annotated[str, typer.Option(help="Stages to run side by side: a number, or `auto`, as many as fit.")]
ONE_SEED = "1"
Seeds = Annotated[
    str,
    typer.Option(help="How many training seeds: `2` is the two seeds 0 and 1. Or which: `0,3,4`, `2,`."),
]
Seed = Annotated[
    list[str] | None,
    typer.Option(help="Which training seed, instead of how many; repeatable.", metavar="N"),
]


@request_command(
    BenchRequest,
    methods=typer.Option(
        "--method",
        help="`all`, `starter`, `ablations`, `factorial`, `rounds`, or names with commas; base is always run.",
    ),
    profile=Profile,
    students=typer.Option("--student", help="A lab student or a model folder; repeatable."),
    out=Out,
    executor=typer.Option(help="local: this machine; ray: the cluster at RAY_ADDRESS, or one started here."),
    remote_store=typer.Option("--depot", help="URL (fsspec) through which Ray's machines exchange artefacts."),
    limit=typer.Option(min=8, help="At most N items per task and N problems in the pool."),
    tasks_paths=TasksPath,
    methods_paths=MethodsPath,
)
def bench_command(
    request: BenchRequest,
    seeds: Seeds = ONE_SEED,
    seed: Seed = None,
    jobs: Jobs = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and its cost, and stop.")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="With --dry-run: show what the estimate measured and assumed.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Train and evaluate methods uniformly, then print the comparison.

    Run the same command again to go on where it stopped; finished stages are reused.
    """
    request = replace(request, seeds=chosen_seeds(seeds, seed or ()), jobs=parse_jobs(jobs))
    if dry_run:
        identities = IdentitiesOnHand()
        print_plan(make_plan(request, tell, identities), identities.missing, explain)
        return
    if explain:
        raise RequestError("--explain is for --dry-run")
    _run_plan(make_plan(request, tell), request)


def parse_jobs(text: str) -> int | None:
    """None for `auto`.

    Raises:
        RequestError: it is neither that nor a number from 1 on.
    """
    if text == "auto":
        return None
    if not text.isdecimal() or not 1 <= _number(text) <= MAX_JOBS:
        raise RequestError(f"--jobs '{text}' is neither auto nor a number from 1 to {MAX_JOBS}")
    return int(text)


def chosen_seeds(how_many: str, which: Sequence[str]) -> tuple[int, ...]:
    """Those of `--seed`, where it is given, else of `--seeds`.

    Raises:
        RequestError: both are given, or one is no seed.
    """
    if not which:
        return parse_seeds(how_many)
    if how_many != ONE_SEED:
        raise RequestError("--seed says which seeds, --seeds how many: give one of them")
    if not all(text.isdecimal() for text in which):
        raise RequestError(f"--seed '{' '.join(which)}' is not a whole number")
    return parse_seeds("".join(f"{text}," for text in which))


def parse_seeds(text: str) -> tuple[int, ...]:
    """`3` is the seeds 0, 1, 2; `0,3,4` and `7,` are lists.

    Raises:
        RequestError: it is neither.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdecimal() for part in parts):
        raise RequestError(f"--seeds '{text}' is neither a number of seeds nor a list such as 0,3,4")
    numbers = [_number(part) for part in parts]
    if "," in text:
        if max(numbers) > MAX_SEED or len(numbers) > MAX_SEEDS:
            raise RequestError(f"there can be at most {MAX_SEEDS:,} seeds, each at most {MAX_SEED:,} (--seeds, --seed)")
        return tuple(dict.fromkeys(numbers))
    if not 1 <= numbers[0] <= MAX_SEEDS:
        raise RequestError(
            f"--seeds {text[:20]} asks for so many seeds, which must be at least 1 and at most {MAX_SEEDS:,};"
            f" `--seed {text[:20]}` is one seed"
        )
    return tuple(range(numbers[0]))


def _number(digits: str) -> int:
    """Of many digits some number beyond all bounds: Python reads no more than 4,300 of them."""
    return int(digits[:20])


def _run_plan(plan: Plan, request: BenchRequest) -> None:
    if any(node.stage.trains for node in plan.nodes) and (unusual := untested_line()):
        tell(unusual)
    with BenchDisplay() as display:
        summary = run_bench(plan, display)
    kinds = {method.recipe.kind for method in plan.methods}
    ablations = bool(kinds.intersection(ABLATIONS)) and STAGEWISE in kinds
    terminal = console()
    rankings = run_rankings(plan.folder)
    for _, tables in comparison_tables(rankings, ablations, terminal.width):
        for table in tables:
            terminal.print(table)
    if summary.contamination:
        print_text(contamination_line(summary.contamination), indent=12)
    print_text(str(sharing(plan.store, plan)), indent=12)
    if request.methods == "all" and plan.profile.leave_out:
        for name, why in plan.profile.leave_out.items():
            print_text(f"Left out    {name}: {why}", indent=12)
    warn(warnings(summary.rows))
    places = {"Summary": SUMMARY, "Samples": SAMPLES, "Artefacts": ARTEFACTS}
    print_fields({name: plan.folder / place for name, place in places.items()})
    results = rankings[0][1].results if rankings else []
    if model := model_line(plan, rankings[0][1] if rankings else None):
        print(model)
    if two := first_two(plan, results):
        print(f"Compare     slmr compare {shlex.quote(str(plan.folder))} {two[0]} {two[1]}")
    print(f"Leaderboard slmr leaderboard --results {shlex.quote(str(request.out))}", flush=True)
    confirm(plan, tell)


def first_two(plan: Plan, results: Sequence[MethodResult]) -> list[str]:
    """The best method of these results and the next one, or base, as `slmr compare` takes them; else nothing."""
    first = [result for result in results if result.kind != "reference"][:2]
    several = len({method.student for method in plan.methods}) > 1
    names = [f"{r.method}:{r.student}" if several else r.method for r in first]
    return names if len(names) == 2 else []


def model_line(plan: Plan, ranking: Ranking | None) -> str:
    """Where the model is that the first trained method of a ranking of this plan made, of its first seed.

    It is called the best where it alone is.
    """
    if ranking is None:
        return ""
    models = {(m.recipe.name, m.student): m.model for m in reversed(plan.methods)}
    for method in ranking.methods:
        model = models.get((method.result.method, method.result.student))
        if isinstance(model, StageNode) and model.stage.trains:
            alone = [m.name for m in best(ranking.ranked)] == [method.name]
            name = "Best model" if alone else f"Model of {method.result.method}"
            return f"{name}  {model.output(plan.store) / 'model'}"
    return ""


def comparison_tables(
    rankings: Sequence[tuple[str, Ranking]], ablations: bool, width: int | None = None
) -> list[tuple[str, list[Table]]]:
    """Of each student and edition of a run its title and tables: methods beside each other, as in `slmr report`.

    With `ablations` also what each method lacks beside `stagewise`.
    """
    sections = []
    for title, ranking in rankings:
        tables = ranking_tables(ranking, title, width)
        if ablations and any(result.method == STAGEWISE for result in ranking.results):
            differences = compare_all(ranking.results, STAGEWISE, ranking.suite)
            table = differences_table(differences, f"minus {STAGEWISE}", f"Difference to {STAGEWISE} ({title})")
            tables += fitted(table, width, ("detectable",)) if width else [table]
        sections.append((title, tables))
    return sections
