"""Fixtures of the engines' tests."""

from __future__ import annotations

from typing import Any

import pytest

from slmr.engines.transformers import load_model
from slmr.lab import model_path
from tests.engines.common import SECRET


@pytest.fixture(scope="session")
def llama() -> Any:
    return load_model(model_path("lab-llama")).eval()


@pytest.fixture
def server_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key for the API, and no proxy before the loopback."""
    monkeypatch.setenv("SLMR_API_KEY", SECRET)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
