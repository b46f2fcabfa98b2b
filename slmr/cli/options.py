"""What the commands share: common options, and how they print."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer

from slmr.cli.layout import listing, output_width, wrapped

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from slmr.verify import Kind

TasksPath = Annotated[
    list[Path] | None, typer.Option("--tasks-path", help="Folder with more tasks, one folder per task.")
]
MethodsPath = Annotated[
    list[Path] | None, typer.Option("--methods-path", help="Folder with more methods, one YAML file per method.")
]
Profile = Annotated[
    str,
    typer.Option(help="lab-quick, lab, lab-mild, lab-third, lab-long, smol, paper, or a YAML file's path."),
]
Out = Annotated[Path, typer.Option(help="Folder of the runs.")]
ServedName = Annotated[str | None, typer.Option(help="The model's name on a server that serves several.")]
ApiKeyEnv = Annotated[str | None, typer.Option(help="The environment variable with the server's key.", metavar="NAME")]
MAX_SEED = 2**32 - 1  # numpy takes no larger seed
Seed = Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Seed of the draws.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the results as JSON.")]
# What the commands that sample the training problems have in common, by the field of their requests.
SAMPLING_OPTIONS: dict[str, Any] = {
    "max_tokens": typer.Option(min=1, help="Tokens per completion, instead of the profile's."),
    "engine": typer.Option(help="transformers, vllm or server, instead of the profile's."),
    "served_name": ServedName,
    "api_key_env": ApiKeyEnv,
    "profile": Profile,
    "seed": Seed,
    "out": Out,
    "tasks_paths": TasksPath,
}


def examples(*commands: str) -> str:
    """The end of a `--help`: a command line a line, as it stands."""
    return "\n".join(["\b", "Examples:", *(f"  {command}" for command in commands)])


def use_data_dir(folder: Path | None) -> Path | None:
    """Takes the paper tasks' data from there; without a folder SLMR_DATA and the hub decide.

    Raises:
        RequestError: it is no folder.
    """
    if folder is not None:
        from slmr.tasks.datasets import use_data_folder

        use_data_folder(folder)
    return folder


# Takes effect as soon as it is read: a command need not look at it.
DataDir = Annotated[
    Path | None,
    typer.Option(help="Folder with the paper tasks' files, instead of SLMR_DATA or the hub.", callback=use_data_dir),
]


def known_kind(name: str) -> Kind:
    """The kind of answer of this name.

    Raises:
        RequestError: there is none.
    """
    from slmr.errors import check_known
    from slmr.verify import Kind

    check_known("kind", name, get_args(Kind))
    return cast("Kind", name)


def print_listing(rows: Sequence[dict[str, Any]], as_json: bool, spare: Sequence[str] = ()) -> None:
    """Rows of equal keys as a table as wide as the terminal, or as a JSON list."""
    if as_json:
        print_json(list(rows))
        return
    print(*listing(rows, output_width(), spare), sep="\n")


def print_fields(row: dict[str, Any]) -> None:
    """One row, a field a line; the lines of a longer text are indented."""
    for key, value in row.items():
        print_text(f"{key:<11} {value}", indent=12, whole=str(value).startswith("slmr "))


def print_text(text: str, indent: int = 0, whole: bool = False) -> None:
    """A text as wide as the terminal, its further lines indented; a command is left whole, to be copied."""
    print(*wrapped(text, None if whole else output_width(), indent), sep="\n")


def print_table(table: Table, spare: Sequence[str] = (), prose: Collection[str] = (), keys: int = 1) -> None:
    """A table as wide as the terminal; see `fitted`."""
    from slmr.results.render.text_tables import fitted

    terminal = console()
    for part in fitted(table, terminal.width, spare, prose, keys):
        terminal.print(part)


def print_json(content: object) -> None:
    """What a script reads."""
    import json  # a part of the time of `slmr --help`

    print(json.dumps(content, indent=1))


def warn(lines: Iterable[str]) -> None:
    """What a reader of the results should know, beside them."""
    for line in lines:
        print(f"warning: {line}", file=sys.stderr)


def console() -> Console:
    """Standard output; as wide as most tables need where it is no terminal and COLUMNS asks for no width."""
    from rich.console import Console

    return Console(highlight=False, width=output_width() or 160)
