"""Data sets of the hub, without a wait where it is out of reach."""

from __future__ import annotations

from functools import cache
from typing import Any


def load_from_hub(path: str, name: str | None, **arguments: Any) -> Any:
    """As `datasets.load_dataset`; where the hub is out of reach, what its cache holds, or an error at once.

    Its client would try again for 24 seconds, and for each file.
    """
    import datasets
    from datasets import config as settings
    from huggingface_hub import constants

    offline = constants.HF_HUB_OFFLINE or _out_of_reach(constants.ENDPOINT)
    before = constants.HF_HUB_OFFLINE, settings.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = settings.HF_HUB_OFFLINE = offline
    try:
        return datasets.load_dataset(path, name, **arguments)
    finally:
        constants.HF_HUB_OFFLINE, settings.HF_HUB_OFFLINE = before


@cache
def _out_of_reach(endpoint: str) -> bool:
    """Whether nothing answers there; a proxy, which may reach it, is not asked."""
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
