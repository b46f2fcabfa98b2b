"""Artefacts at a URL: whole or absent, brought and taken once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from slmr.artifacts import MANIFEST
from slmr.errors import RequestError
from slmr.pipeline.remote_store import RemoteStore


def artefact(root: Path, name: str) -> Path:
    folder = root / name
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "weights").write_bytes(b"123")
    (folder / "stats.json").write_text("{}")
    (folder / MANIFEST).write_text("{}")
    return folder


@pytest.fixture(params=["file", "memory"])
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> RemoteStore:
    found = RemoteStore((tmp_path / "there").as_uri() if request.param == "file" else f"memory://{tmp_path.name}")
    found.check()
    return found


def test_what_is_pushed_is_pulled_whole(remote: RemoteStore, tmp_path: Path) -> None:
    made = artefact(tmp_path / "a", "sft-1")
    assert not remote.has("sft-1")
    remote.push("sft-1", made.parent)
    assert remote.has("sft-1")
    remote.pull(["sft-1", "sft-2"], tmp_path / "b")
    files = sorted(p.relative_to(made) for p in made.rglob("*") if p.is_file())
    assert (
        sorted(p.relative_to(tmp_path / "b" / "sft-1") for p in (tmp_path / "b" / "sft-1").rglob("*") if p.is_file())
        == files
    )
    assert (tmp_path / "b" / "sft-1" / "model" / "weights").read_bytes() == b"123"
    assert not (tmp_path / "b" / "sft-2").exists()


def test_without_its_manifest_it_is_absent_and_can_be_discarded(remote: RemoteStore, tmp_path: Path) -> None:
    made = artefact(tmp_path / "a", "sft-1")
    remote.push("sft-1", made.parent)
    remote.discard("sft-1")
    remote.discard("sft-1")
    remote.pull(["sft-1"], tmp_path / "b")
    assert not remote.has("sft-1") and not (tmp_path / "b" / "sft-1").exists()


def test_what_is_here_is_not_brought_again(remote: RemoteStore, tmp_path: Path) -> None:
    remote.push("sft-1", artefact(tmp_path / "a", "sft-1").parent)
    here = artefact(tmp_path / "b", "sft-1")
    (here / "stats.json").write_text("mine")
    remote.pull(["sft-1"], tmp_path / "b")
    assert (here / "stats.json").read_text() == "mine"


def test_half_of_one_is_replaced(remote: RemoteStore, tmp_path: Path) -> None:
    remote.push("sft-1", artefact(tmp_path / "a", "sft-1").parent)
    (tmp_path / "b" / "sft-1").mkdir(parents=True)
    (tmp_path / "b" / "sft-1" / "junk").write_text("")
    remote.pull(["sft-1"], tmp_path / "b")
    assert (tmp_path / "b" / "sft-1" / MANIFEST).is_file() and not (tmp_path / "b" / "sft-1" / "junk").exists()


def test_a_place_that_cannot_be_is_said(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="--depot nonsense://x"):
        RemoteStore("nonsense://x").check()
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match="--depot file://"):
        RemoteStore((tmp_path / "file" / "x").as_uri()).check()


def test_workers_of_one_machine_that_want_the_same_artefact_bring_it_once(
    remote: RemoteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.push("sft-1", artefact(tmp_path / "a", "sft-1").parent)
    brought: list[str] = []
    fetch = RemoteStore._fetch

    def slowly(self: RemoteStore, name: str, partial: Path, final: Path) -> None:
        brought.append(name)
        time.sleep(0.2)
        fetch(self, name, partial, final)

    monkeypatch.setattr(RemoteStore, "_fetch", slowly)
    with ThreadPoolExecutor(4) as workers:
        list(workers.map(lambda _: remote.pull(["sft-1"], tmp_path / "b"), range(4)))
    assert brought == ["sft-1"] and (tmp_path / "b" / "sft-1" / "model" / "weights").read_bytes() == b"123"
