"""The commands about results that are there already. Each imports what it needs when it runs."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from slmr.commands import AsJson, TasksPath, console, print_json
from slmr.errors import RequestError


def add_to(app: typer.Typer) -> None:
    """Adds the commands, in this order."""
    for name, command in COMMANDS.items():
        app.command(name)(command)


def show_command(
    artefact: Annotated[str, typer.Argument(help="Folder of an artefact, or the start of its name or hash.")],
    runs: Annotated[Path, typer.Option(help="A run, or a folder of runs, to look in.")] = Path("runs"),
    n: Annotated[int, typer.Option("-n", min=0, help="Examples.")] = 10,
    figure: Annotated[Path | None, typer.Option(help="Write the training curve as a page (HTML).")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a stage made: where it comes from, what it is made of, and readable examples."""
    from slmr.show import find_artefact, lines, read_artefact
    from slmr.store import disk_faults

    found = read_artefact(find_artefact(artefact, runs), n)
    if figure is not None:
        if not found.curve:
            raise RequestError(f"{found.folder.name} has no training curve to draw")
        from slmr.train.curve import plot_curve

        with disk_faults(figure):
            plot_curve(found.curve).write_html(figure, include_plotlyjs=True)
    if as_json:
        content = found.manifest.model_dump(mode="json") | {
            "stats": found.stats, "composition": found.composition,
            "examples": [dict(example) for example in found.examples],
        }  # fmt: skip
        print_json([{"name": found.folder.name, **content}])
    else:
        print("\n".join(lines(found)))
    if figure is not None:
        print(f"Figure      {figure}", file=sys.stderr)


def rescore_command(
    run: Annotated[Path, typer.Argument(help="The folder of a run.")],
    tasks_path: TasksPath = None,
    as_json: AsJson = False,
) -> None:
    """Verify a run's completions again with today's checkers; nothing is generated."""
    from dataclasses import asdict

    from slmr.evaluate.rescore import rescore
    from slmr.store import disk_faults

    with disk_faults(run):
        changes = rescore(run, tuple(tasks_path or ()))
    if as_json:
        print_json([{"name": f"{c.method}/{c.task}", **asdict(c)} for c in changes])
        return
    for change in changes:
        print(change.line())


def compare_command(
    run_a: Annotated[
        str, typer.Argument(help="FOLDER; FOLDER:METHOD or FOLDER:METHOD:STUDENT where it holds several.")
    ],
    run_b: Annotated[str, typer.Argument(help="Likewise.")],
    as_json: AsJson = False,
) -> None:
    """Compare two runs on the same items: paired differences with intervals and corrected p-values."""
    from dataclasses import asdict

    from slmr.compare import compare, comparison_table, detectable, verdict

    found = compare(run_a, run_b)
    if as_json:
        rows = [{"name": task.task, "seeds": found.seeds, **asdict(task)} for task in found.tasks]
        if mean := found.mean:
            rows.append({"name": "mean", "seeds": found.seeds, "difference": asdict(mean), "p": mean.p,
                         "detectable": detectable(mean)})  # fmt: skip
        print_json(rows)
        return
    console().print(comparison_table(found))
    for notice in found.notices:
        print(f"warning: {notice}", file=sys.stderr)
    print(verdict(found))


def report_command(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs, or of published results.")],
    out: Annotated[Path, typer.Option(help="Folder for report.md and the figures.")],
    against: Annotated[
        str | None, typer.Option(help="A method: the paired difference of every other one to it.")
    ] = None,
    html: Annotated[
        bool, typer.Option("--html", help="The whole as one self-contained page, report.html.")
    ] = False,
) -> None:
    """Write a report: who leads and how surely, accuracy, cost, what was learnt and forgotten, figures."""
    from slmr.report import write_report
    from slmr.store import disk_faults

    with disk_faults(out):
        print(write_report(runs, out, against, html))


def publish_command(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs.")],
    results: Annotated[Path, typer.Option(help="Where the published results are.")] = Path("results"),
    name: Annotated[str | None, typer.Option(help="Name of the published folder, for one run.")] = None,
    texts: Annotated[
        int | None,
        typer.Option(
            help="Keep the texts of so many completions of each item (all by default); verdicts are kept of all.",
            min=0,
        ),
    ] = None,
) -> None:
    """Copy runs' summaries, manifests and samples into results/, with the commands that reproduce them."""
    from slmr.publish import publish
    from slmr.store import disk_faults

    if name and len(runs) > 1:
        raise RequestError("--name is for one run; several keep their own names")
    for run in runs:
        with disk_faults(results):
            print(publish(run, results, name, texts))


COMMANDS = {
    "show": show_command,
    "compare": compare_command,
    "rescore": rescore_command,
    "report": report_command,
    "publish": publish_command,
}
