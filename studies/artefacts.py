"""What the studies that train share: stages are made once, findings are kept in files, so a stopped study goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slmr.artifacts import Store
from slmr.cli.display import BenchDisplay
from slmr.config import Profile
from slmr.pipeline.bench import BenchRequest, Plan, make_artefacts
from slmr.pipeline.planner import StageNode


def made(nodes: list[StageNode], profile: Profile, folder: Path) -> Store:
    """The nodes' artefacts in the folder, made where they are missing."""
    with BenchDisplay() as display:
        return make_artefacts(Plan(profile, [], [], folder, BenchRequest(out=folder), nodes), display)


def kept(file: Path, settings: dict[str, Any], find: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `find` finds, from the file if it is there; made with other settings, that is refused."""
    if not file.is_file():
        file.write_text(json.dumps({"settings": settings, **find()}))
    found = json.loads(file.read_text())
    if found["settings"] != settings:
        raise SystemExit(f"{file} was made with {found['settings']}; name another --out")
    return found
