"""`slmr leaderboard`: hands folder and port to what serves the board."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.cli import leaderboard
from tests.cli.commands import Command


def test_folder_and_port_are_handed_on(monkeypatch: pytest.MonkeyPatch, here: Command) -> None:
    asked: list[tuple[Path | None, int | None]] = []
    monkeypatch.setattr(leaderboard, "serve", lambda folder, port: asked.append((folder, port)))
    here("leaderboard")
    here("leaderboard", "--results", "results", "--port", "8600")
    assert asked == [(None, None), (Path("results"), 8600)]
    assert here("leaderboard", "--port", "0").returncode == 2 and len(asked) == 2
