"""What the commands share: common options, and how they print."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from slmr.verify import Kind

TasksPath = Annotated[list[Path] | None, typer.Option(help="Folder with more tasks, one folder per task.")]
MethodsPath = Annotated[
    list[Path] | None, typer.Option(help="Folder with more methods, one YAML file per method.")
]
Profile = Annotated[str, typer.Option(help="lab-quick, lab, smol, paper, or the path of a profile's YAML.")]
Out = Annotated[Path, typer.Option(help="Folder of the runs.")]
ServedName = Annotated[str | None, typer.Option(help="The model's name on a server that serves several.")]
ApiKeyEnv = Annotated[
    str | None, typer.Option(help="The environment variable with the server's key.", metavar="NAME")
]
MaxTokens = Annotated[
    int | None, typer.Option(min=1, help="Tokens per completion, instead of the profile's.")
]
Engine = Annotated[str | None, typer.Option(help="transformers, vllm or server, instead of the profile's.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the results as JSON.")]


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
    typer.Option(
        help="Folder with the paper tasks' files, instead of SLMR_DATA or the hub.", callback=use_data_dir
    ),
]


def known_kind(name: str) -> Kind:
    """The kind of answer of this name.

    Raises:
        RequestError: there is none.
    """
    from slmr.errors import unknown
    from slmr.verify import Kind

    if name not in get_args(Kind):
        raise unknown("kind", name, get_args(Kind))
    return cast("Kind", name)


def print_listing(rows: Sequence[dict[str, Any]], as_json: bool) -> None:
    """Rows of equal keys as a table, or as a JSON list."""
    if as_json:
        print_json(list(rows))
        return
    widths = {key: max(len(key), *(len(str(row[key] or "")) for row in rows)) for key in rows[0]}
    for row in [{key: key for key in rows[0]}, *rows]:
        print("  ".join(str(row[key] or "").ljust(width) for key, width in widths.items()).rstrip())


def print_fields(row: dict[str, Any]) -> None:
    """One row, a field a line; the lines of a longer text are indented."""
    for key, value in row.items():
        print(f"{key:<11} {str(value).replace(chr(10), chr(10) + ' ' * 12)}")


def print_json(content: object) -> None:
    """What a script reads."""
    import json  # a part of the time of `slmr --help`

    print(json.dumps(content, indent=1))


def warn(lines: Iterable[str]) -> None:
    """What a reader of the results should know, beside them."""
    for line in lines:
        print(f"warning: {line}", file=sys.stderr)


def titled_table(title: str, columns: Sequence[str], left: Iterable[str] = ("",)) -> Table:
    """A table under its title, the columns on the right but for those that are named."""
    from rich.table import Column, Table

    heads = (Column(name, justify="left" if name in left else "right") for name in columns)
    return Table(*heads, title=title, title_justify="left")


def console() -> Console:
    """Standard output; as wide as the table needs where it is not a terminal."""
    from rich.console import Console

    terminal = Console(highlight=False)
    return terminal if terminal.is_terminal else Console(highlight=False, width=160)
