"""Which extra of slmr brings a package that a command lacks."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, requires

from slmr.errors import RequestError

_SMALLEST_FIRST = ("eval", "train", "board", "vllm", "ray")
_NEEDS = {"bench": "train", "leaderboard": "board"}  # more than what a command happens to import first


def missing_extra(error: ModuleNotFoundError, command: str = "") -> RequestError | None:
    """The line that installs what a command could not import; None where no part of slmr asks for such a package."""
    package = (error.name or "").partition(".")[0]
    extras = {extra for name, extra in _declared() if name == _normal(package)}
    extra = next((name for name in _SMALLEST_FIRST if name in extras), None)
    if extra is not None:
        extra = _NEEDS.get(command, extra)
        return RequestError(f"this command needs {package}: pip install 'slmr[{extra}]'")
    if _normal(package) in {name for name, extra in _declared() if not extra}:
        return RequestError(f"{package}, which slmr needs, is not installed: pip install slmr")
    return None


def _declared() -> list[tuple[str, str]]:
    """(package, extra) of every requirement of slmr; the extra is empty where all installations have the package."""
    try:
        lines = requires("slmr") or []
    except PackageNotFoundError:  # a checkout that is not installed
        return []
    found = []
    for line in lines:
        name = re.match(r"[\w.-]+", line)
        extra = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", line)
        if name:
            found.append((_normal(name[0]), extra[1] if extra else ""))
    return found


def _normal(package: str) -> str:
    """`lm_eval` → `lm-eval`, `yaml` → `pyyaml`: the name of an index for that of an import."""
    name = re.sub(r"[-_.]+", "-", package).lower()
    return {"yaml": "pyyaml"}.get(name, name)
