"""A data folder of the paper edition."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tasks.own import write_data


@pytest.fixture(scope="module")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder of a few problems a task, where `SLMR_DATA` says."""
    folder = tmp_path_factory.mktemp("data")
    write_data(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLMR_DATA", str(folder))
        yield folder
