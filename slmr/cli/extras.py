"""Which extra of slmr brings a package that a command lacks."""

from __future__ import annotations

from slmr.errors import RequestError
from slmr.pipeline.versions import declared, normal

_SMALLEST_FIRST = ("eval", "train", "board", "vllm", "ray")
_NEEDS = {"bench": "train", "leaderboard": "board"}  # more than what a command happens to import first


def missing_extra(error: ModuleNotFoundError, command: str = "") -> RequestError | None:
    """The line that installs what a command could not import; None where no part of slmr asks for such a package."""
    package = (error.name or "").partition(".")[0]
    extras = {extra for name, extra in declared() if name == normal(package)}
    extra = next((name for name in _SMALLEST_FIRST if name in extras), None)
    if extra is not None:
        extra = _NEEDS.get(command, extra)
        return RequestError(f"this command needs {package}: pip install 'slmr[{extra}]'")
    if normal(package) in {name for name, extra in declared() if not extra}:
        return RequestError(f"{package}, which slmr needs, is not installed: pip install slmr")
    return None
