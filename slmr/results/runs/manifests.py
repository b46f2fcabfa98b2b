"""The manifests of the evaluations that rows are from."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from slmr.artifacts import MANIFEST, STATS
from slmr.errors import RequestError, one_line
from slmr.io import read_json
from slmr.results.runs.files import MANIFESTS, evaluation_folder
from slmr.results.runs.method_results import RunRow


def manifests_of(run_rows: Iterable[RunRow]) -> dict[str, dict[str, Any]]:
    """Key → manifest of the evaluation that the rows are from, with its statistics.

    They are looked for in a published folder's list and among a run's artefacts; what is in neither is left out.

    Raises:
        RequestError: one of these files is damaged.
    """
    manifests: dict[str, dict[str, Any]] = {}
    for key, run in dict.fromkeys((row.manifest, run) for row, run in run_rows):
        folder = evaluation_folder(run, key)
        if (folder / MANIFEST).is_file():
            manifest = {name: value for name, value in _read_json(folder / MANIFEST).items() if name != "files"}
            manifests[key] = {**manifest, "stats": _read_json(folder / STATS)}
        elif key in (published := _read_json(run / MANIFESTS)):
            manifests[key] = published[key]
    return manifests


def _read_json(file: Path) -> dict[str, Any]:
    """The content of a file; empty if there is none."""
    try:
        return read_json(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise RequestError(f"{file} is damaged: {one_line(error)}") from None
