"""Commands that take their options from a request: names, types and defaults are those of the fields."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import typer

from slmr.cli.request import request_command


@dataclass(frozen=True)
class Request:
    model: str
    k: int = 8
    paths: tuple[Path, ...] = ()
    inner: str = "not on the command line"


def run(*words: str) -> tuple[Request, bool]:
    """What a command gets of these words."""
    calls = []
    app = typer.Typer()

    @app.command()
    @request_command(
        Request,
        model=typer.Argument(),
        k=Annotated[int, typer.Option(min=1)],
        paths=typer.Option("--path"),
    )
    def command(request: Request, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
        calls.append((request, as_json))

    app(words, standalone_mode=False)
    return calls[0]


def test_a_request_is_built_from_the_command_line() -> None:
    assert run("m") == (Request("m"), False)
    request = Request("m", 2, (Path("a"), Path("b")))
    assert run("m", "--k", "2", "--path", "a", "--path", "b", "--json") == (request, True)


def test_bounds_hold_and_an_argument_is_required() -> None:
    with pytest.raises(typer.BadParameter, match="greater than or equal to 1"):
        run("m", "--k", "0")
    with pytest.raises(Exception, match="Missing"):
        run()
