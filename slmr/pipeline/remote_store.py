"""A store of artefacts for machines without a common folder: any URL that fsspec supports, such as a bucket."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from slmr.artifacts import MANIFEST
from slmr.errors import RequestError, one_line
from slmr.io import replacing_folder


@dataclass(frozen=True)
class RemoteStore:
    """A URL with a run's artefacts, each complete or absent: the manifest is written last."""

    url: str

    def _at(self, name: str = "") -> tuple[Any, str]:
        """The file system, and the path of `name` in it."""
        import fsspec

        try:
            system, path = fsspec.core.url_to_fs(self.url)
        except (ValueError, ImportError) as error:
            raise RequestError(f"--depot {self.url}: {one_line(error)}") from None
        return system, f"{path.rstrip('/')}/{name}".rstrip("/")

    def check(self) -> None:
        """Checks that the store can be written to.

        Raises:
            RequestError: the URL is not supported, or it refuses.
        """
        system, path = self._at()
        try:
            system.makedirs(path, exist_ok=True)
        except OSError as error:
            raise RequestError(f"--depot {self.url}: {one_line(error)}") from None

    def has(self, name: str) -> bool:
        system, path = self._at(f"{name}/{MANIFEST}")
        return system.exists(path)

    def pull(self, names: Iterable[str], root: Path) -> None:
        """Downloads artefacts that are in the store and not in `root`, each completely or not at all."""
        for name in names:
            if (root / name / MANIFEST).is_file() or not self.has(name):
                continue
            partial = root / ".pulling" / name
            partial.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{partial}.lock"):  # the workers of one machine share its folder
                if not (root / name / MANIFEST).is_file():
                    self._fetch(name, partial, root / name)

    def _fetch(self, name: str, partial: Path, final: Path) -> None:
        system, path = self._at(name)
        with replacing_folder(final, partial):
            system.get(path, str(partial), recursive=True)

    def push(self, name: str, root: Path) -> None:
        """Uploads an artefact; the manifest comes last, because without it the artefact counts as absent."""
        system, path = self._at(name)
        manifest = root / name / MANIFEST
        for file in sorted(p for p in (root / name).rglob("*") if p.is_file() and p != manifest):
            target = f"{path}/{file.relative_to(root / name).as_posix()}"
            system.makedirs(target.rpartition("/")[0], exist_ok=True)
            system.put_file(str(file), target)
        system.makedirs(path, exist_ok=True)
        system.put_file(str(manifest), f"{path}/{MANIFEST}")

    def discard(self, name: str) -> None:
        """Removes an artefact, if it exists; the manifest first."""
        system, path = self._at(name)
        if system.exists(f"{path}/{MANIFEST}"):
            system.rm_file(f"{path}/{MANIFEST}")
        if system.exists(path):
            system.rm(path, recursive=True)
