"""Loads data sets from the hub, without long waits if it cannot be reached."""

from __future__ import annotations

from functools import cache
from typing import Any


def load_from_hub(path: str, name: str | None, **arguments: Any) -> Any:
    """As `datasets.load_dataset`; if the hub cannot be reached, loads from its cache, or fails at once.

    The hub's client would otherwise retry for 24 seconds, for each file.
    """
    import datasets
    from datasets import config as settings
    from huggingface_hub import constants

    offline = constants.HF_HUB_OFFLINE or _unreachable(constants.ENDPOINT)
    original = constants.HF_HUB_OFFLINE, settings.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = settings.HF_HUB_OFFLINE = offline
    try:
        return datasets.load_dataset(path, name, **arguments)
    finally:
        constants.HF_HUB_OFFLINE, settings.HF_HUB_OFFLINE = original


@cache
def _unreachable(endpoint: str) -> bool:
    """Whether the endpoint does not answer; always False behind a proxy."""
    import socket
    from urllib.parse import urlsplit
    from urllib.request import getproxies

    url = urlsplit(endpoint)
    if url.scheme in getproxies():
        return False
    try:
        with socket.create_connection((url.hostname or "", url.port or 443), timeout=3):
            return False
    except OSError:
        return True
