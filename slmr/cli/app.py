"""The command line. Only the command that is asked for is imported, so `slmr --help` is instant."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import import_module
from io import TextIOWrapper
from typing import TYPE_CHECKING, Annotated, NoReturn, cast

import typer

from slmr import signals
from slmr.cli.extras import missing_extra
from slmr.cli.loading_notice import loading_notice
from slmr.cli.options import examples
from slmr.errors import SlmrError, WorkError, in_one_line, visible
from slmr.io import disk_faults

if TYPE_CHECKING:
    from typer.core import TyperGroup

# Each is the module of its name here (`-` is `_`), with a function NAME_command, or an `app` of several commands.
COMMANDS = {
    "bench": "Train methods uniformly, evaluate and compare them.",
    "eval": "Evaluate one model on tasks.",
    "probe": "Measure how often a model solves each training problem.",
    "preflight": "Say what is known before a training is paid for.",
    "verify": "Check answers: one verdict per line.",
    "audit-reward": "Audit a reward function against labelled answers.",
    "serve-reward": "Serve a checker as a reward over HTTP.",
    "tasks": "The benchmark tasks.",
    "methods": "The training methods.",
    "compare": "Compare two methods or runs on the same items.",
    "gate": "Exit with 1 if a run is shown to be worse than another.",
    "rescore": "Verify a run's completions again with today's checkers.",
    "verify-run": "Redo a random part of a run's evaluation.",
    "show": "Show what a stage made.",
    "report": "Write a report about runs, with figures.",
    "publish": "Copy runs into results/ with their commands.",
    "diagnose": "Find known faults in a training.",
    "export": "Convert a run to another tool's format.",
    "leaderboard": "Serve the leaderboard over a folder of results.",
    "lab": "The lab edition and its students.",
    "doctor": "Say what this machine can run; repair damaged runs.",
}
_RESUMABLE = {"bench", "eval", "probe", "preflight", "lab"}  # the commands that keep what is finished
_STOPPING = "slmr: stopping once the work under way is saved; a second signal stops at once"
# The base of what is wrong with a command line: click's, or the one of typer's own copy of click.
UsageError: type[typer.BadParameter] = typer.BadParameter.__base__  # type: ignore[assignment]
_EXAMPLES = ("slmr doctor", "slmr bench --method base,sft,grpo", "slmr bench --help")


def _print_version(value: bool) -> None:
    if value:
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
    app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.callback(epilog=examples(*_EXAMPLES))(_main)
    command = next((word for word in arguments if not word.startswith("-")), None)
    for name, about in COMMANDS.items():
        if name != command:
            app.command(name, help=about)(_not_imported)
            continue
        identifier = name.replace("-", "_")
        module = import_module(f"slmr.cli.{identifier}")
        epilog = examples(*module.EXAMPLES)
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name, help=about, no_args_is_help=True, epilog=epilog)
        else:
            app.command(name, epilog=epilog)(getattr(module, f"{identifier}_command"))
    return _with_readable_types(typer.main.get_group(app))


def _notice_if_slow(words: Sequence[str]) -> AbstractContextManager[None]:
    slow = words[:1] and words[0] in ("bench", "eval", "probe", "preflight") and "--help" not in words
    return loading_notice(words[0]) if slow else nullcontext()


def usage_fault(message: str, words: Sequence[str]) -> str:
    """A fault of the command line as one line that ends with what to do, or the help where nothing was asked for."""
    if "\n" in message:  # the help
        return message
    message = in_one_line(message)
    command = " ".join(["slmr", *words[:1]]) if words and words[0] in COMMANDS else "slmr"
    extra = re.fullmatch(r"Got unexpected extra argument.*\((.*)\)", message)
    if extra and command == "slmr bench":
        methods = ",".join(extra[1].split())
        return f"slmr: bench takes its methods by an option: slmr bench --method {methods}"
    if extra:
        message = f"Too many arguments: {extra[1]}"
    text = message[:1].lower() + message[1:].rstrip(".")
    text = re.sub(r"\. Did you mean (.*)\?$", r"; did you mean \1?", text)
    for wording, plain in _WORDINGS.items():
        text = text.replace(wording, plain)
    return f"slmr: {text}{'' if text.endswith('?') else ';'} `{command} --help` has examples"


# What pydantic and click say, and what a reader understands.
_WORDINGS = {
    "Value error, ": "",
    "Input should be a valid integer, unable to parse string as an integer": "it should be a whole number",
    "Input should be a valid number, unable to parse string as a number": "it should be a number",
    "Input should be greater than or equal to": "it should be at least",
    "Input should be less than or equal to": "it should be at most",
}
_OUTPUT_ERRORS = (errno.ENOSPC, errno.EPIPE, errno.EIO, errno.EBADF)
_METAVARS = {"int": "N", "float": "X", "str": "TEXT", "Path": "PATH"}


def _with_readable_types(group: TyperGroup) -> TyperGroup:
    """Options whose values are named as in a man page, `N` or `PATH`, not by their Python types."""
    for command in group.commands.values():
        if hasattr(command, "commands"):
            _with_readable_types(cast("TyperGroup", command))
        for parameter in command.params:
            if parameter.param_type_name == "argument":
                parameter.metavar = parameter.metavar or (parameter.name or "").upper()
            elif not getattr(parameter, "is_flag", False):
                parameter.metavar = parameter.metavar or _metavar(parameter)
    return group


def _metavar(parameter: object) -> str:
    """By the type, which Typer keeps under another name since it no longer stands on Click."""
    kind = getattr(parameter, "type_descriptor", None) or getattr(parameter, "type", None)
    name = repr(kind).lower().partition("parameter_info")[0]
    return next((metavar for word, metavar in _METAVARS.items() if word.lower() in name), "TEXT")


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: faults become one clear line and an exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed, as `>&-` does
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that lacks a sign shows its escape
            stream.reconfigure(errors="backslashreplace")
    try:
        # Most places report themselves what the disk refuses; this is for those that do not.
        with disk_faults(), _output_faults(), signals.listening(_STOPPING), _notice_if_slow(words):
            sys.exit(command_line(words)(args=words, prog_name="slmr", standalone_mode=False) or 0)
    except UsageError as error:
        print(visible(usage_fault(error.format_message(), words)), file=sys.stderr)
        sys.exit(2)
    except SlmrError as error:
        _end(str(error), error.exit_code)
    except ModuleNotFoundError as error:
        fault = missing_extra(error, next(iter(words), ""))
        if fault is None:
            raise
        _end(str(fault), fault.exit_code)
    except (signals.Stopped, KeyboardInterrupt, typer.Abort):
        signals.end_at_once()
        _end("stopped; the same command goes on from here" if set(words[:1]) & _RESUMABLE else "stopped", 1)


def _end(line: str, code: int) -> NoReturn:
    print(f"slmr: {visible(line)}", file=sys.stderr)
    sys.exit(code)


@contextmanager
def _output_faults() -> Iterator[None]:
    """Raises WorkError where standard output does not take what was printed, as on a full disk."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as error:
        if error.filename is not None or error.errno not in _OUTPUT_ERRORS:
            raise
        with open(os.devnull, "w") as nowhere:  # Python would report what is still buffered at its very end
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        if error.errno == errno.EPIPE:  # the reader, such as `head`, has enough
            sys.exit(1)
        raise WorkError(f"standard output cannot be written: {error.strerror}") from None
