"""The stages of a bench as Ray tasks: the numbers of one process, also when a worker dies; faults in one line."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from slmr.cli.display import BenchDisplay
from slmr.errors import RequestError, WorkError
from slmr.pipeline.bench import BenchRequest, Plan, make_plan, run_bench
from slmr.pipeline.ray import run_on_ray
from slmr.results.runs.schema import Summary
from tests.pipeline.tiny import PROFILE

pytestmark = pytest.mark.slow


def plan_of(
    folder: Path,
    executor: Any,
    budget: str = "null",
    methods: str = "sft,rft,grpo",
    remote_store: str | None = None,
) -> Plan:
    (folder / "tiny.yaml").write_text(PROFILE.format(extra=f"budget: {budget}", steps=3))
    out = folder / executor
    return make_plan(
        BenchRequest(methods, str(folder / "tiny.yaml"), (), out=out, executor=executor, remote_store=remote_store)
    )


def numbers(summary: Summary) -> list[tuple[object, ...]]:
    return [(*row.identity, row.accuracy, row.accuracy_lenient, row.mean_tokens, row.tokens) for row in summary.rows]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes on the loopback, one core each."""
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    found.add_node(num_cpus=1)
    ray.init(address=found.address, log_to_driver=False)
    yield found
    ray.shutdown()
    found.shutdown()


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[object, ...]]:
    with BenchDisplay() as display:
        return numbers(run_bench(plan_of(tmp_path_factory.mktemp("local"), "local"), display))


def some(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Those of two methods, which are enough to be killed."""
    return [row for row in rows if row[0] in ("base", "sft", "grpo")]


def test_two_nodes_have_the_numbers_of_one_process(
    cluster: Any, local: list[tuple[object, ...]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = plan_of(tmp_path, "ray")
    with BenchDisplay() as display:
        assert numbers(run_bench(plan, display)) == local
    said = capsys.readouterr().err
    count = len(plan.nodes)
    assert f"{count} stages: 0 done before, {count} to do" in said and f"[{count}/{count}]" in said
    with BenchDisplay() as display:
        assert numbers(run_bench(plan, display)) == local
    assert f"{count} done before, 0 to do" in capsys.readouterr().err


def test_a_killed_workers_stage_runs_again(cluster: Any, local: list[tuple[object, ...]], tmp_path: Path) -> None:
    killed: list[str] = []

    def kill_two() -> None:
        for _ in range(600):
            for process in psutil.process_iter(["cmdline"]):
                name = " ".join(process.info["cmdline"] or [])
                if name.startswith(("ray::grpo", "ray::sft")) and len(killed) < 2:
                    os.kill(process.pid, signal.SIGKILL)
                    killed.append(name)
            if len(killed) == 2:
                return
            time.sleep(0.1)

    killer = threading.Thread(target=kill_two)
    killer.start()
    with BenchDisplay() as display:
        assert numbers(run_bench(plan_of(tmp_path, "ray", methods="sft,grpo"), display)) == some(local)
    killer.join()
    assert len(killed) == 2


def test_machines_without_a_common_folder_exchange_artefacts(
    cluster: Any, local: list[tuple[object, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLMR_CACHE", str(tmp_path / "cache"))
    remote_store = (tmp_path / "bucket").as_uri()
    plan = plan_of(tmp_path, "ray", methods="sft,grpo", remote_store=remote_store)
    with BenchDisplay() as display:
        assert numbers(run_bench(plan, display)) == some(local)
    there = {file.parent.name for file in (tmp_path / "bucket").glob("*/manifest.json")}
    assert there == {node.artefact for node in plan.nodes}
    assert list((tmp_path / "cache" / "depots").glob("*/grpo-*/model"))
    other = tmp_path / "elsewhere"  # another driver finds all of it
    other.mkdir()
    with BenchDisplay() as display:
        assert numbers(
            run_bench(plan_of(other, "ray", methods="sft,grpo", remote_store=remote_store), display)
        ) == some(local)


def test_a_stage_that_fails_says_so_in_one_line(cluster: Any, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, "ray", budget="1", methods="sft")
    with BenchDisplay() as display, pytest.raises(WorkError, match="raise `budget`") as fault:
        run_bench(plan, display)
    assert "\n" not in str(fault.value)


def test_without_a_cluster_it_says_where_none_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ray = pytest.importorskip("ray")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setenv("RAY_ADDRESS", "nonsense://nowhere")
    with BenchDisplay() as display, pytest.raises(RequestError, match="no Ray cluster at nonsense"):
        run_bench(plan_of(tmp_path, "ray"), display)


def test_a_remote_store_that_cannot_be_is_said(cluster: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for url in ("nonsense://bucket", (tmp_path / "file" / "inside").as_uri()):
        with BenchDisplay() as display, pytest.raises(RequestError, match=f"--depot {url}"):
            run_bench(plan_of(tmp_path, "ray", remote_store=url), display)


def test_the_driver_needs_ray(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import builtins

    real = builtins.__import__

    def no_ray(name: str, *more: Any) -> Any:
        if name == "ray":
            raise ImportError(name)
        return real(name, *more)

    monkeypatch.setattr(builtins, "__import__", no_ray)
    with BenchDisplay() as display, pytest.raises(RequestError, match="pip install 'slmr\\[ray\\]'"):
        run_bench(plan_of(tmp_path, "ray"), display)
    assert run_on_ray.__doc__
