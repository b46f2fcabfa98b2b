"""A command in this process: quicker than another Python, where nothing depends on that."""

from __future__ import annotations

import pytest

from slmr.cli.app import main


def slmr(*arguments: str) -> int | str | None:
    """Runs `slmr` with these arguments; its exit code."""
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    return stop.value.code
