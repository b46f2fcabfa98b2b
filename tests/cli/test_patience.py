"""A command that loads for long says so, once, and only where nothing else was said."""

from __future__ import annotations

import pytest

from slmr.cli import patience


def test_a_line_is_said_where_nothing_else_was(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(patience, "_SILENCE_S", 0.0)
    with patience.loading("eval"):
        pass
    with patience.loading("eval"):
        patience._spoken.wait(0.2)
    assert capfd.readouterr().err.splitlines()[-1] == "slmr eval: loading its libraries"


def test_no_line_is_said_where_something_was(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(patience, "_SILENCE_S", 60.0)
    with patience.loading("eval"):
        patience.spoken()
    assert capfd.readouterr().err == ""
