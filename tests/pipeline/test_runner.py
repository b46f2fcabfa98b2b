"""Which artefacts are missing, what one is made with, and what is refused before any work."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from slmr.artifacts import MANIFEST, Cost, Manifest, Store
from slmr.config import load_profile
from slmr.errors import WorkError
from slmr.pipeline.planner import StageNode, StudentNode
from slmr.pipeline.recipe import stages
from slmr.pipeline.runner import (
    Execution,
    SilentWatcher,
    StageResult,
    missing_nodes,
    model_bytes,
    plan_missing,
    run_node,
)


def node(name: str, *sources: Any, kind: str = "consolidate") -> StageNode:
    stage = stages()[kind]
    return StageNode(name, name, stage, stage.params(), {"all": sources}, 0)


def made(store: Store, node: StageNode, tokens: int = 0) -> None:
    folder = store.path(node.kind, node.key)
    folder.mkdir(parents=True)
    manifest = Manifest(
        stage=node.kind,
        stage_version=1,
        key=node.key,
        parameters={},
        inputs={},
        seed=0,
        versions={},
        git_revision=None,
        device="cpu",
        threads=1,
        cost=Cost(train_tokens=tokens),
    )
    (folder / MANIFEST).write_text(manifest.model_dump_json())


def execution(folder: Path, *nodes: StageNode, **changes: Any) -> Execution:
    profile = load_profile("lab").model_copy(update=changes)
    return Execution(folder / "artefacts", nodes, profile, (), {n.key: ("sft",) for n in nodes})


def chain() -> list[StageNode]:
    a = node("a")
    b = node("b", a)
    return [a, b, node("c", b)]


def test_what_depends_on_something_missing_is_missing_and_is_removed(tmp_path: Path) -> None:
    a, b, c = nodes = chain()
    bench = execution(tmp_path, *nodes)
    for each in nodes:
        made(bench.store, each)
    assert missing_nodes(bench.store, nodes) == []
    shutil.rmtree(b.output(bench.store))
    assert plan_missing(bench, SilentWatcher()) == [b, c]
    assert bench.store.has(a.kind, a.key) and not bench.store.has(c.kind, c.key)


class Usage(NamedTuple):
    free: int


def test_a_disk_without_room_for_the_models_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    student = tmp_path / "student"
    student.mkdir()
    (student / "model.safetensors").write_bytes(b"0" * 2**20)
    trained = node("t", StudentNode("s", "student", student), kind="sft")
    assert model_bytes([trained]) == 2**20
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(5 * 2**20))
    assert plan_missing(execution(tmp_path, trained), SilentWatcher()) == [trained]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(5 * 2**20 - 1))
    with pytest.raises(WorkError, match="too little disk space: 1 models of 1 MiB"):
        plan_missing(execution(tmp_path, trained), SilentWatcher())


@pytest.mark.parametrize(("budget", "remaining"), [(None, None), (100, 60)])
def test_a_stage_may_spend_what_those_before_it_have_left(
    budget: int | None, remaining: int | None, tmp_path: Path
) -> None:
    a, b, *_ = nodes = chain()
    bench = execution(tmp_path, *nodes, budget=budget, threads=3)
    made(bench.store, a, tokens=40)

    def run(stage: Any, context: Any, params: Any) -> float:
        assert context.remaining_tokens == remaining and context.threads == 3
        assert context.inputs == {"all": [a.output(bench.store)]}
        return 1.5

    assert run_node(bench, b, lambda *_: None, run).reused is False
    manifest = bench.store.manifest(b.kind, b.key)
    assert manifest.cost.wall_s == 1.5 and manifest.threads == 3
    assert run_node(bench, b, lambda *_: None, run)[:2] == StageResult(b, True, 0.0)[:2]


def test_a_stage_for_which_nothing_is_left_is_refused(tmp_path: Path) -> None:
    a, b, *_ = nodes = chain()
    bench = execution(tmp_path, *nodes, budget=40)
    made(bench.store, a, tokens=40)
    with pytest.raises(WorkError, match=r"stage b \(sft\): earlier stages have spent 40 tokens"):
        run_node(bench, b, lambda *_: None)
