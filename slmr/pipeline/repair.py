"""Finds and repairs damage in a folder of runs, left by a killed machine, a full disk or a manual change."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from slmr.artifacts import MANIFEST, fault_of_artefact, remove
from slmr.errors import RequestError, one_line
from slmr.io import LOCK, PARTIAL, disk_faults
from slmr.results.runs.files import ARTEFACTS, SUMMARY
from slmr.results.runs.schema import read_summary

Cure = Literal["remove", "set aside", "none"]


@dataclass(frozen=True, slots=True)
class Damage:
    """One damaged file or folder.

    Attributes:
        cure: `remove`: the same bench will make it again; `set aside`: rename it to `NAME.damaged`; `none`: only
            another copy would help.
    """

    path: Path
    what: str
    cure: Cure


def find_damage(runs: Path) -> list[Damage]:
    """All damage in the runs in or below a folder.

    Raises:
        RequestError: there is no such folder.
    """
    if not runs.is_dir():
        raise RequestError(f"--runs {runs}: there is no such folder")
    return [damage for run in _runs(runs) for damage in _of_run(run)]


def repair(damages: list[Damage]) -> list[Damage]:
    """Applies each cure; returns the damage without one. Must not be called while `busy_runs` lists one of the runs.

    Raises:
        WorkError: the disk refuses.
    """
    for damage in damages:
        with disk_faults(damage.path):
            if damage.cure == "set aside":
                damage.path.replace(damage.path.with_name(damage.path.name + ".damaged"))
            elif damage.cure == "remove":
                remove(damage.path)
    return [damage for damage in damages if damage.cure == "none"]


def busy_runs(runs: Path) -> list[Path]:
    """The runs in or below a folder to which a running process is writing artefacts."""
    return [run for run in _runs(runs) if any(map(_is_held, (run / ARTEFACTS / ".partial").glob("*.lock")))]


def _is_held(lock: Path) -> bool:
    if lock.is_dir():  # damage, see `_of_unfinished`
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True


def _runs(folder: Path) -> Iterator[Path]:
    """Folders with artefacts or a summary, at any depth."""
    for path, folders, files in os.walk(folder):
        if ARTEFACTS in folders or SUMMARY in files:
            yield Path(path)
            folders.clear()
        folders[:] = sorted(name for name in folders if not name.startswith("."))


def _of_run(run: Path) -> Iterator[Damage]:
    for folder in sorted((run / ARTEFACTS).glob("[!.]*")):
        fault = _fault_of_artefact(folder)
        if fault:
            yield Damage(folder, fault, "remove")
    for folder in sorted((run / ARTEFACTS / ".partial").glob("*/")):
        if folder.is_dir() and (run / ARTEFACTS / folder.name / MANIFEST).is_file():
            yield Damage(folder, "left over from an artefact that is finished", "remove")
    yield from _of_unfinished(run / ARTEFACTS / ".partial")
    for folder in (run, *(folder for folder in sorted(run.glob("*/")) if folder.name != ARTEFACTS)):
        for file in sorted(folder.glob(f"*{PARTIAL}") if folder == run else folder.rglob(f"*{PARTIAL}")):
            yield Damage(file, "half written", "remove")
    if (run / LOCK).is_dir():
        yield Damage(run / LOCK, "a folder where a lock file belongs", "remove")
    yield from _of_results(run)


def _of_unfinished(partial: Path) -> Iterator[Damage]:
    """Damage that would keep a stopped stage from resuming: a lock that is a folder, damaged completions."""
    for lock in sorted(partial.glob("*.lock")):
        if lock.is_dir():
            yield Damage(lock, "a folder where a lock file belongs", "remove")
    for file in sorted(partial.glob("*/parts/*.parquet")):
        if fault := _fault_of_file(file):
            yield Damage(file, f"completions of a stage that was stopped: {fault}", "remove")


def _fault_of_artefact(folder: Path) -> str | None:
    """What is wrong with an artefact, in one line; also checks that its files can be read."""
    if fault := fault_of_artefact(folder):
        return fault
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        if fault := _fault_of_file(file):
            return f"{file.relative_to(folder)}: {fault}"
    return None


def _fault_of_file(file: Path) -> str | None:
    """Why a file cannot be read completely; None if it can, or if its type cannot be checked."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from safetensors import SafetensorError, safe_open

    try:
        if file.suffix == ".json":
            json.loads(file.read_text(encoding="utf-8"))
        elif file.suffix == ".parquet":
            with pq.ParquetFile(file) as opened:
                for i in range(opened.num_row_groups):
                    opened.read_row_group(i)
        elif file.suffix == ".safetensors":
            with safe_open(file, "np"):  # compares the header with the file's length
                pass
    except (OSError, ValueError, pa.ArrowException, SafetensorError) as error:
        return one_line(error)[:200]
    return None


def _of_results(run: Path) -> Iterator[Damage]:
    """Damage of the summary and of its rows' samples; both can be written again from the artefacts."""
    if not (run / SUMMARY).is_file():
        return
    trained_here = (run / ARTEFACTS).is_dir()
    try:
        rows = read_summary(run / SUMMARY).rows
    except RequestError as error:
        yield Damage(run / SUMMARY, one_line(error)[:200], "set aside" if trained_here else "none")
        return
    for row in rows:
        file = row.samples_file(run)
        fault = _fault_of_file(file) if file.is_file() else "missing, although the summary has a row for it"
        if fault and trained_here:  # removing the folder's mark, too, so that it is exported again
            yield Damage(file.parent, f"{file.name}: {fault}", "remove")
        elif fault:
            yield Damage(file, fault, "none")
