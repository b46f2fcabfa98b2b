"""`slmr show`: an artefact in words, as JSON, and its curve."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from slmr.artifacts import MANIFEST, Cost, Manifest
from slmr.io import write_json, write_rows
from tests.cli.commands import Command


def artefact(runs: Path) -> Path:
    """A pool of two problems."""
    folder = runs / "run" / "artefacts" / "pool-0123456789abcdef"
    manifest = Manifest(
        stage="pool",
        stage_version=1,
        key="0123456789abcdef",
        parameters={"size": 2},
        inputs={},
        seed=0,
        versions={},
        git_revision=None,
        device="cpu",
        threads=1,
        cost=Cost(wall_s=1.5),
    )
    rows = [
        {
            "id": f"lab_gsm8k/train/0/{i}",
            "task": "lab_gsm8k",
            "kind": "numeric",
            "problem": f"What is {i}?",
            "prompt": f"What is {i}?",
            "gold": str(i),
            "difficulty": 1,
            "solution": None,
        }
        for i in range(2)
    ]
    write_rows(folder / "problems.parquet", rows)
    write_json(folder / "stats.json", {"problems": 2})
    write_json(folder / MANIFEST, manifest.model_dump(mode="json"))
    return folder


def test_an_artefact_by_the_start_of_its_name(tmp_path: Path, here: Command) -> None:
    folder = artefact(tmp_path / "runs")
    (shown,) = json.loads(here("show", "pool-0123", "-n", "1", "--json").stdout)
    assert (shown["name"], shown["stage"], shown["stats"]) == (folder.name, "pool", {"problems": 2})
    assert len(shown["examples"]) == 1
    assert "What is 0?" in here("show", str(folder)).stdout


def test_a_run_of_one_artefact_stands_for_it_and_one_of_several_lists_them(tmp_path: Path, here: Command) -> None:
    folder = artefact(tmp_path / "runs")
    run = folder.parents[1]
    assert here("show", str(run)).stdout == here("show", str(folder)).stdout
    shutil.copytree(folder, folder.with_name("pool-fedcba9876543210"))
    done = here("show", str(run))
    said = "is a run of 2 artefacts, name one, as in `slmr show pool-0123456789abcdef --runs"
    assert done.returncode == 2 and said in done.stderr and "pool-fedcba9876543210" in done.stderr
    assert "neither an artefact nor a run" in here("show", str(tmp_path)).stderr


def test_what_is_not_there_is_said(tmp_path: Path, here: Command) -> None:
    artefact(tmp_path / "runs")
    assert here("show", "sft-").returncode == 2
    done = here("show", "pool-", "--figure", "curve.html")
    assert done.returncode == 2 and "has no training curve to draw" in done.stderr
    assert not (tmp_path / "curve.html").exists()
