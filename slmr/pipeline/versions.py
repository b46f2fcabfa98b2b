"""The library versions that slmr was tested with, and the packages that each extra lacks on this machine."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import PackageNotFoundError, requires
from itertools import takewhile

# Package → the lowest and the newest version with which `make test-lowest` and `make test-newest` passed; both
# compare the installed versions with this table.
TESTED = {
    "accelerate": ("1.4.0", "1.15.0"),
    "datasets": ("4.7.0", "5.2.0"),
    "lm-eval": ("0.4.12", "0.4.13"),
    "openai": ("2.0.0", "3.57.0"),
    "peft": ("0.18.0", "0.21.2"),
    "torch": ("2.13.0", "2.13.0"),
    "transformers": ("5.2.0", "5.24.0"),
    "trl": ("1.9.0", "1.16.0"),
}


def untested(package: str) -> str | None:
    """The tested versions, if the installed one is outside them; None if it is not, or if the package is unknown."""
    version, tested = installed_version(package), TESTED.get(normal(package))
    if version is None or tested is None:
        return None
    lowest, newest = tested
    # A later patch of the newest minor version counts as tested.
    if _numbers(lowest) <= _numbers(version) and _numbers(version)[:2] <= _numbers(newest)[:2]:
        return None
    return f"tested with {lowest}" + (f" to {newest}" if newest != lowest else "")


def untested_line() -> str | None:
    """One line with all libraries outside the tested versions; None if there are none."""
    notes = [f"{name} {installed_version(name)} ({note})" for name in TESTED if (note := untested(name))]
    return f"not tested with this version: {', '.join(notes)}" if notes else None


def installed_version(package: str) -> str | None:
    """As in `slmr.artifacts`, imported late because it needs pydantic, which would slow down `slmr --help`."""
    from slmr import artifacts

    return artifacts.installed_version(package)


def _numbers(version: str) -> tuple[int, ...]:
    """`2.13.0+cpu` → (2, 13, 0)."""
    return tuple(int(part) for part in takewhile(str.isdigit, version.partition("+")[0].split(".")))


def lacking(extra: str) -> list[str]:
    """The packages of an extra that are not installed."""
    return sorted(name for name, of in declared() if of == extra and not installed_version(name))


@cache
def declared() -> tuple[tuple[str, str], ...]:
    """(package, extra) of every requirement of slmr; the extra is empty for a requirement of every installation."""
    try:
        lines = requires("slmr") or []
    except PackageNotFoundError:  # a checkout that is not installed
        return ()
    matches = [re.match(r"([\w.-]+)(?:.*extra\s*==\s*['\"]([\w-]+)['\"])?", line) for line in lines]
    return tuple((normal(match[1]), match[2] or "") for match in matches if match)


def normal(package: str) -> str:
    """A package's name on the index, from its import name: `lm_eval` → `lm-eval`, `yaml` → `pyyaml`."""
    name = re.sub(r"[-_.]+", "-", package).lower()
    return {"yaml": "pyyaml"}.get(name, name)
