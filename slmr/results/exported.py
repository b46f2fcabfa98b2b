"""Checks whether a run's files of one method, student and seed are complete and unchanged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slmr.artifacts import file_records
from slmr.io import read_json, write_json
from slmr.results.schema import EXAMPLES, TABLES, run_file, samples_folder

MARKER = "evaluation"  # beside the completions


def is_exported(run: Path, made: Sequence[str], method: str, student: str, seed: int) -> bool:
    """Whether the files of these artefacts exist and are as they were written.

    `made` names each artefact with the hash of its completions.
    """
    return _marked(run, method, student, seed) == _marker(run, made, method, student, seed)


def mark_exported(run: Path, made: Sequence[str], method: str, student: str, seed: int) -> None:
    """Records the present files as those of these artefacts."""
    write_json(samples_folder(run, method, student, seed) / MARKER, _marker(run, made, method, student, seed))


def mark_again(run: Path, method: str, student: str, seed: int) -> None:
    """Records the files again after an intended change, for the same artefacts, if any were recorded."""
    if marker := _marked(run, method, student, seed):
        mark_exported(run, marker["made"], method, student, seed)


def _marked(run: Path, method: str, student: str, seed: int) -> dict[str, Any] | None:
    try:
        marker = read_json(samples_folder(run, method, student, seed) / MARKER)
    except (OSError, ValueError):
        return None
    return marker if isinstance(marker, dict) and isinstance(marker.get("made"), list) else None


def _marker(run: Path, made: Sequence[str], method: str, student: str, seed: int) -> dict[str, Any]:
    """The record of the artefacts and the present files."""
    tables = [run_file(run, what, method, student, seed) for what in (*TABLES, *EXAMPLES)]
    samples = sorted(samples_folder(run, method, student, seed).glob("*.parquet"))
    files = [file for file in (*samples, *tables) if file.is_file()]
    records = {name: record.model_dump() for name, record in file_records(run, files).items()}
    return {"made": list(made), "files": records}
