"""Settings in YAML files, of which one may stand over another: recipes and profiles."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

try:  # libyaml's, ten times as fast
    from yaml import CSafeLoader as Loader
except ImportError:
    from yaml import SafeLoader as Loader

from slmr.errors import RequestError, one_line


def read_settings(file: Path, what: str) -> dict[str, Any]:
    """The mapping that a file holds.

    Raises:
        RequestError: it is not YAML, or no mapping; `what` says what it should be.
    """
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader)
    except yaml.YAMLError as error:
        raise RequestError(f"{file} is not YAML: {one_line(error)}") from None
    if not isinstance(content, dict):
        raise RequestError(f"{file}: {what} is a mapping of settings")
    return content


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the changes: mappings key by key, None removes, everything else takes the place."""
    result = dict(base)
    for key, value in changes.items():
        old = result.get(key)
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(old, Mapping):
            result[key] = merged(old, value)
        else:
            result[key] = value
    return result
