"""The notice of a command that loads for long: printed once, and only if there was no other output."""

from __future__ import annotations

import pytest

from slmr.cli import loading_notice as module
from slmr.cli.loading_notice import cancel_loading_notice, loading_notice


def test_a_command_that_loads_for_long_prints_a_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "_DELAY_S", 0.0)
    with loading_notice("eval"):
        pass
    with loading_notice("eval"):
        module._cancelled.wait(0.2)
    assert capfd.readouterr().err.splitlines()[-1] == "slmr eval: loading its libraries"


def test_other_output_cancels_the_line(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(module, "_DELAY_S", 60.0)
    with loading_notice("eval"):
        cancel_loading_notice()
    assert capfd.readouterr().err == ""
