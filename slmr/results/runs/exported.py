"""Checks whether a run's files of one method, student and seed are complete and unchanged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from slmr.artifacts import file_records
from slmr.io import read_json, write_json
from slmr.results.runs.files import EXAMPLES, TABLES, RunFiles

MARKER = "evaluation"  # beside the completions


def is_exported(files: RunFiles, artefacts: Sequence[str]) -> bool:
    """Whether the files of these artefacts exist and are as they were written.

    `artefacts` names each artefact with the hash of its completions.
    """
    return _marked(files) == _marker(files, artefacts)


def mark_exported(files: RunFiles, artefacts: Sequence[str]) -> None:
    """Records the present files as those of these artefacts."""
    write_json(files.samples / MARKER, _marker(files, artefacts))


def mark_again(files: RunFiles) -> None:
    """Records the files again after an intended change, for the same artefacts, if any were recorded."""
    if marker := _marked(files):
        mark_exported(files, marker["made"])


def _marked(files: RunFiles) -> dict[str, Any] | None:
    try:
        marker = read_json(files.samples / MARKER)
    except (OSError, ValueError):
        return None
    return marker if isinstance(marker, dict) and isinstance(marker.get("made"), list) else None


def _marker(files: RunFiles, artefacts: Sequence[str]) -> dict[str, Any]:
    """The record of the artefacts and the present files."""
    tables = [files.table(name) for name in (*TABLES, *EXAMPLES)]
    present = [file for file in (*sorted(files.samples.glob("*.parquet")), *tables) if file.is_file()]
    records = {name: record.model_dump() for name, record in file_records(files.run, present).items()}
    return {"made": list(artefacts), "files": records}
