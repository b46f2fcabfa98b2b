"""Reads completions to check from a JSONL file."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from slmr.errors import RequestError
from slmr.io import json_lines
from slmr.parsing import parse
from slmr.tasks.registry import load_task
from slmr.verify import Kind, Verdict, verify


class Case(BaseModel):
    """A completion and the right answer, a text or a number; `task` can replace `kind`. Other fields are ignored.

    A case without an id is named by its place in the file, from 0 on.
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)

    id: object = None
    completion: str
    gold: str
    kind: Kind | None = None
    task: str | None = None

    def verdict(self) -> Verdict:
        """The verdict of the checker for its kind, which `read_cases` has filled in."""
        assert self.kind is not None
        return verify(self.completion, self.gold, self.kind)


def read_cases(file: Path) -> list[Case]:
    """The cases of a JSONL file, each with its kind.

    Raises:
        RequestError: the file cannot be read, or a line is not a case; the message names file and line.
    """
    cases = []
    for i, (where, line) in enumerate(json_lines(file)):
        case = parse(Case, line, where)
        case.id = case.id if "id" in case.model_fields_set else i
        if case.kind is None:
            if case.task is None:
                raise RequestError(f"{where}: kind or task is missing")
            try:
                case.kind = load_task(case.task).kind
            except RequestError as error:
                raise RequestError(f"{where}: {error}") from None
        cases.append(case)
    return cases
