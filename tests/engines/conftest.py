"""Fixtures of the engines' tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slmr.engines.transformers import load_model
from slmr.lab import model_path
from tests.engines.common import SECRET
from tests.engines.model_files import make_gguf, make_lora, make_tiny


@pytest.fixture(scope="session")
def llama() -> Any:
    return load_model(model_path("lab-llama")).eval()


@pytest.fixture
def server_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key for the API, and no proxy before the loopback."""
    monkeypatch.setenv("SLMR_API_KEY", SECRET)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SLMR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama with the lab's tokenizer."""
    return make_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def lora(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_lora(tiny, tmp_path_factory.mktemp("lora"))


@pytest.fixture(scope="session")
def gguf(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_gguf(tiny, tmp_path_factory.mktemp("gguf") / "tiny.gguf")
