"""The command line. Each command imports what it needs when it runs, so `slmr --help` is instant."""

import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer

from slmr import signals
from slmr.cli import bench, compare, doctor, eval, leaderboard, probe, publish, report, rescore, show, verify
from slmr.cli.extras import missing_extra
from slmr.errors import SlmrError

app = typer.Typer(
    name="slmr", no_args_is_help=True, add_completion=False, rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Train, compare and evaluate small reasoning models on tasks with verifiable answers.",
)  # fmt: skip
GROUPS = {
    "tasks": "The benchmark tasks.",
    "methods": "The training methods.",
    "lab": "The lab edition and its students.",
}

COMMANDS: dict[str, Callable[..., None]] = {
    "bench": bench.bench_command,
    "eval": eval.eval_command,
    "probe": probe.probe_command,
    "verify": verify.verify_command,
    "compare": compare.compare_command,
    "report": report.report_command,
    "leaderboard": leaderboard.leaderboard_command,
    "show": show.show_command,
    "rescore": rescore.rescore_command,
    "publish": publish.publish_command,
    "doctor": doctor.doctor_command,
}
for _name, _command in COMMANDS.items():
    app.command(_name)(_command)


def add_groups(arguments: Sequence[str]) -> None:
    """Adds the groups of commands; of a group that is not asked for only the name and what it is about.

    Reading the signatures of all commands would be a part of what `slmr --help` takes.
    """
    app.registered_groups.clear()
    for name, about in GROUPS.items():
        asked = name in arguments[:1]
        group = (
            importlib.import_module(f"slmr.cli.{name}").app if asked else typer.Typer(rich_markup_mode=None)
        )
        app.add_typer(group, name=name, help=about, no_args_is_help=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: faults become one clear line and an exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    add_groups(arguments)
    run: Callable[..., Any] = app
    try:
        with signals.listening():
            run(args=arguments, prog_name="slmr")
    except SlmrError as error:
        print(f"slmr: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except ModuleNotFoundError as error:
        fault = missing_extra(error)
        if fault is None:
            raise
        print(f"slmr: {fault}", file=sys.stderr)
        sys.exit(fault.exit_code)
    except (signals.Stopped, KeyboardInterrupt):
        print("slmr: stopped; the same command goes on from here", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
