"""Artefacts at a URL: whole or absent, brought and taken once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from slmr.artifacts import MANIFEST
from slmr.errors import RequestError
from slmr.pipeline.remote_store import Depot


def artefact(root: Path, name: str) -> Path:
    folder = root / name
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "weights").write_bytes(b"123")
    (folder / "stats.json").write_text("{}")
    (folder / MANIFEST).write_text("{}")
    return folder


@pytest.fixture(params=["file", "memory"])
def depot(request: pytest.FixtureRequest, tmp_path: Path) -> Depot:
    found = Depot((tmp_path / "there").as_uri() if request.param == "file" else f"memory://{tmp_path.name}")
    found.check()
    return found


def test_what_is_pushed_is_pulled_whole(depot: Depot, tmp_path: Path) -> None:
    made = artefact(tmp_path / "a", "sft-1")
    assert not depot.has("sft-1")
    depot.push("sft-1", made.parent)
    assert depot.has("sft-1")
    depot.pull(["sft-1", "sft-2"], tmp_path / "b")
    files = sorted(p.relative_to(made) for p in made.rglob("*") if p.is_file())
    assert (
        sorted(
            p.relative_to(tmp_path / "b" / "sft-1")
            for p in (tmp_path / "b" / "sft-1").rglob("*")
            if p.is_file()
        )
        == files
    )
    assert (tmp_path / "b" / "sft-1" / "model" / "weights").read_bytes() == b"123"
    assert not (tmp_path / "b" / "sft-2").exists()


def test_without_its_manifest_it_is_absent_and_can_be_discarded(depot: Depot, tmp_path: Path) -> None:
    made = artefact(tmp_path / "a", "sft-1")
    depot.push("sft-1", made.parent)
    depot.discard("sft-1")
    depot.discard("sft-1")
    depot.pull(["sft-1"], tmp_path / "b")
    assert not depot.has("sft-1") and not (tmp_path / "b" / "sft-1").exists()


def test_what_is_here_is_not_brought_again(depot: Depot, tmp_path: Path) -> None:
    depot.push("sft-1", artefact(tmp_path / "a", "sft-1").parent)
    here = artefact(tmp_path / "b", "sft-1")
    (here / "stats.json").write_text("mine")
    depot.pull(["sft-1"], tmp_path / "b")
    assert (here / "stats.json").read_text() == "mine"


def test_half_of_one_is_replaced(depot: Depot, tmp_path: Path) -> None:
    depot.push("sft-1", artefact(tmp_path / "a", "sft-1").parent)
    (tmp_path / "b" / "sft-1").mkdir(parents=True)
    (tmp_path / "b" / "sft-1" / "junk").write_text("")
    depot.pull(["sft-1"], tmp_path / "b")
    assert (tmp_path / "b" / "sft-1" / MANIFEST).is_file() and not (
        tmp_path / "b" / "sft-1" / "junk"
    ).exists()


def test_a_place_that_cannot_be_is_said(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="--depot nonsense://x"):
        Depot("nonsense://x").check()
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match="--depot file://"):
        Depot((tmp_path / "file" / "x").as_uri()).check()


def test_workers_of_one_machine_that_want_the_same_artefact_bring_it_once(
    depot: Depot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    depot.push("sft-1", artefact(tmp_path / "a", "sft-1").parent)
    brought: list[str] = []
    bring = Depot._bring

    def slowly(self: Depot, name: str, partial: Path, final: Path) -> None:
        brought.append(name)
        time.sleep(0.2)
        bring(self, name, partial, final)

    monkeypatch.setattr(Depot, "_bring", slowly)
    with ThreadPoolExecutor(4) as workers:
        list(workers.map(lambda _: depot.pull(["sft-1"], tmp_path / "b"), range(4)))
    assert brought == ["sft-1"] and (tmp_path / "b" / "sft-1" / "model" / "weights").read_bytes() == b"123"
