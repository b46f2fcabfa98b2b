"""Helpers of the studies that train: stages run once and results are kept in files, so a study can be resumed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slmr.artifacts import Store
from slmr.cli.display import BenchDisplay
from slmr.config import Profile
from slmr.pipeline.executors import run_stages
from slmr.pipeline.planner import StageNode
from slmr.pipeline.runner import Execution


def made(nodes: list[StageNode], profile: Profile, folder: Path) -> Store:
    """A store with the nodes' artefacts in the folder; missing ones are made."""
    execution = Execution(folder / "artefacts", tuple(nodes), profile)
    with BenchDisplay() as display:
        run_stages(execution, display)
    return execution.store


def kept(file: Path, settings: dict[str, Any], find: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The result of `find`, cached in the file; exits if the file was made with other settings."""
    if not file.is_file():
        file.write_text(json.dumps({"settings": settings, **find()}))
    result = json.loads(file.read_text())
    if result["settings"] != settings:
        raise SystemExit(f"{file} was made with {result['settings']}; name another --out")
    return result
