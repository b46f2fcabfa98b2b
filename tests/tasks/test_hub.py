"""The hub, out of reach."""

from __future__ import annotations

import pytest

from slmr.errors import RequestError
from slmr.tasks import datasets


def test_a_hub_out_of_reach_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its client tries a name that does not resolve five times, and waits 8 seconds each time: none of that is done."""
    from huggingface_hub import constants
    from huggingface_hub.utils import _http

    tried: list[str] = []
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(_http, "get_session", lambda: tried.append("session"))
    with pytest.raises(RequestError, match=r"cannot load ChilleD/SVAMP from the hub .*name a folder"):
        list(datasets._from_hub("svamp", "test"))
    assert tried == [] and not constants.HF_HUB_OFFLINE
