"""The command line. Only the command that is asked for is imported, so `slmr --help` is instant."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from io import TextIOWrapper
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from slmr import signals
from slmr.cli.extras import missing_extra
from slmr.cli.options import examples
from slmr.errors import SlmrError, WorkError, visible

if TYPE_CHECKING:
    from typer.core import TyperGroup

# Each is the module of its name here (`-` is `_`), with a function NAME_command, or an `app` of several commands.
COMMANDS = {
    "bench": "Train methods uniformly, evaluate and compare them.",
    "eval": "Evaluate one model on tasks.",
    "probe": "How often a model is right on the training pool.",
    "verify": "Check answers: one verdict a line.",
    "audit-reward": "Audit a reward function against labelled answers.",
    "serve-reward": "Serve a checker as a reward over HTTP.",
    "tasks": "The benchmark tasks.",
    "methods": "The training methods.",
    "compare": "Compare two runs on the same items.",
    "gate": "Exit with 1 where a run is shown to be worse than another.",
    "rescore": "Verify a run's completions again with today's checkers.",
    "show": "Show what a stage made.",
    "report": "Write a report about runs, with figures.",
    "publish": "Copy runs into results/, with what reproduces them.",
    "export": "Write a run as another tool keeps it.",
    "leaderboard": "Serve the leaderboard over a folder of results.",
    "lab": "The lab edition and its students.",
    "doctor": "Say what this machine can run; repair damaged runs.",
}
_LONGEST = 8000  # characters of a message: what it names may be of any length
_EXAMPLES = ("slmr doctor", "slmr bench --method base,sft,grpo", "slmr bench --help")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"slmr {version('slmr')}")
        raise typer.Exit


def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train, compare and evaluate small reasoning models on tasks with verifiable answers."""


def _not_imported() -> None:
    """Stands for the commands that are not asked for."""


def command_line(arguments: Sequence[str]) -> TyperGroup:
    """The command line, with all of the command that these arguments ask for and the names of the others."""
    app = typer.Typer(
        no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
    )
    app.callback(epilog=examples(*_EXAMPLES))(_main)
    chosen = next((word for word in arguments if not word.startswith("-")), None)
    for name, about in COMMANDS.items():
        if name != chosen:
            app.command(name, help=about)(_not_imported)
            continue
        identifier = name.replace("-", "_")
        module = import_module(f"slmr.cli.{identifier}")
        epilog = examples(*module.EXAMPLES)
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name, help=about, no_args_is_help=True, epilog=epilog)
        else:
            app.command(name, epilog=epilog)(getattr(module, f"{identifier}_command"))
    return typer.main.get_group(app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: faults become one clear line and an exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that lacks a sign shows its escape
            stream.reconfigure(errors="backslashreplace")
    try:
        with _output_is_taken(), signals.listening():
            command_line(words)(args=words, prog_name="slmr")
    except SlmrError as error:
        _end(str(error), error.exit_code)
    except ModuleNotFoundError as error:
        fault = missing_extra(error, next(iter(words), ""))
        if fault is None:
            raise
        _end(str(fault), fault.exit_code)
    except (signals.Stopped, KeyboardInterrupt):
        signals.end_at_once()
        _end("stopped; the same command goes on from here", 1)


def _end(line: str, code: int) -> NoReturn:
    print(f"slmr: {visible(line)[:_LONGEST]}", file=sys.stderr)
    sys.exit(code)


@contextmanager
def _output_is_taken() -> Iterator[None]:
    """Raises WorkError where standard output does not take what was printed, as on a full disk."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as error:
        if error.filename is not None or error.errno not in (
            errno.ENOSPC,
            errno.EPIPE,
            errno.EIO,
            errno.EBADF,
        ):
            raise
        with open(os.devnull, "w") as nowhere:  # what is buffered still would be told at the very end
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        if error.errno == errno.EPIPE:  # the reader, such as `head`, has enough
            sys.exit(1)
        raise WorkError(f"standard output cannot be written: {error.strerror}") from None
