"""The files of a run's folder: completions, items and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slmr.errors import RequestError, first_line
from slmr.io import read_rows, write_rows

SUMMARY = "summary.json"
MANIFESTS = "manifests.json"  # of a published run, in place of its artefacts
ARTEFACTS, SAMPLES, ITEMS = "artefacts", "samples", "items"  # folders
TABLES = ("capability", "course", "moves", "stages")  # what a run keeps beside its samples
EXAMPLES = ("bridged", "critiques")  # likewise; with texts of the training problems


@dataclass(frozen=True, slots=True)
class RunFiles:
    """The files of one method, student and seed in a run's folder; they need not exist."""

    run: Path
    method: str
    student: str
    seed: int

    @property
    def samples(self) -> Path:
        """The folder of the completions, with a file per task."""
        return self.run.joinpath(SAMPLES, self.method, self._student, f"seed-{self.seed}")

    def table(self, name: str) -> Path:
        """The file of one of `TABLES` or `EXAMPLES`."""
        return self.run.joinpath(name, self.method, self._student, f"seed-{self.seed}.parquet")

    def write_table(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Writes such a table, unless it has no rows."""
        if rows:
            write_rows(self.table(name), rows)

    @property
    def _student(self) -> str:
        return self.student.replace("/", "--")


def items_file(run: Path, task: str) -> Path:
    """The file of a task's items in a published run: item_id, prompt, gold."""
    return run / ITEMS / f"{task}.parquet"


def evaluation_folder(run: Path, key: str) -> Path:
    """The artefact of the evaluation with that key, as in a summary's rows."""
    return run / ARTEFACTS / f"evaluate-{key}"


def read_table(file: Path) -> list[dict[str, Any]]:
    """The rows of a table, or of completions.

    Raises:
        RequestError: the file is damaged.
    """
    try:
        return read_rows(file)
    except (OSError, ValueError) as error:
        raise RequestError(f"{file} is damaged: {first_line(error)}") from None
