"""A command in this process, a small disk, and made-up results."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import in_process
from tests.cli.commands import Command


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """The folder `results` of made-up runs, in the test's folder."""
    from tests.made_results import make_results  # the light install has none of what it needs

    return make_results(tmp_path / "results")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """As `slmr` in the test's folder, but in this process, which has imported everything by then."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(tmp_path)
        capsys.readouterr()
        code = in_process.slmr(*arguments)
        return subprocess.CompletedProcess(arguments, int(code or 0), *capsys.readouterr())

    return run


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 64 megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], check=False).returncode:
        pytest.skip("mounting a file system is not allowed here")
    yield folder
    subprocess.run(["umount", folder], check=True)
