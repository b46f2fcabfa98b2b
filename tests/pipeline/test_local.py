"""Stages side by side in worker processes: the verdicts of one process, and however it ends nobody is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from slmr.config import EngineSettings, Profile, TrainingSettings, load_profile
from slmr.errors import RequestError, WorkError
from slmr.io import read_rows
from slmr.pipeline.bench import BenchRequest, Plan, make_plan, run_bench
from slmr.pipeline.local import LocalWorkers, Slot, slots_for
from slmr.pipeline.planner import StageNode
from slmr.pipeline.recipe import stages
from slmr.pipeline.runner import Execution, SilentWatcher
from tests.pipeline.tiny import PROFILE


def plan_of(folder: Path, jobs: int | None, methods: str = "sft,grpo", extra: str = "") -> Plan:
    folder.mkdir(exist_ok=True)
    (folder / "tiny.yaml").write_text(PROFILE.format(extra=extra, steps=2))
    return make_plan(BenchRequest(methods, str(folder / "tiny.yaml"), out=folder / "runs", jobs=jobs))


class Listener(SilentWatcher):
    """Keeps the order in which stages and methods were finished."""

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.lines: list[str] = []

    def finished(self, node: StageNode, reused: bool, seconds: float) -> None:
        self.kinds.append(node.label)

    def result(self, line: str) -> None:
        self.lines.append(line)


def workers() -> list[psutil.Process]:
    """The worker processes of this test process."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if "slmr.pipeline.worker" in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.mark.slow
def test_two_side_by_side_have_the_verdicts_of_one_and_a_fixed_number_of_threads(tmp_path: Path) -> None:
    one, two = plan_of(tmp_path / "one", 1), plan_of(tmp_path / "two", 2)
    run_bench(one, SilentWatcher())
    listener = Listener()
    run_bench(two, listener)
    assert not workers()
    assert [node.key for node in one.nodes] == [node.key for node in two.nodes]
    for node in two.nodes:
        manifest = two.store.manifest(node.kind, node.key)
        assert manifest.threads == one.store.manifest(node.kind, node.key).threads == 1
        for file in sorted(node.output(one.store).rglob("*.parquet")):
            assert read_rows(file) == read_rows(node.output(two.store) / file.relative_to(node.output(one.store)))
        for file in sorted(node.output(one.store).rglob("*.safetensors")):
            other = node.output(two.store) / file.relative_to(node.output(one.store))
            assert file.read_bytes() == other.read_bytes()
    assert sorted(line.split(":")[0] for line in listener.lines) == ["base", "grpo", "sft"]
    assert all("accuracy" in line and " to " in line and " tokens, " in line for line in listener.lines)
    again = Listener()
    run_bench(two, again)  # nothing is made, and nobody is started
    assert len(again.kinds) == len(two.nodes) and not again.lines


@pytest.mark.slow
def test_a_stage_that_fails_ends_the_bench_and_finished_stages_are_kept(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, 2, "sft", "budget: 10")
    with pytest.raises(WorkError, match=r"stage sft \(sft\): .* budget is 10") as fault:
        run_bench(plan, SilentWatcher())
    assert "\n" not in str(fault.value) and not workers()
    assert list((tmp_path / "runs").rglob("pool-*/manifest.json"))


@pytest.mark.slow
def test_a_fault_in_a_worker_is_the_benchs(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, 2, "base")
    (node,) = plan.nodes
    execution = Execution(tmp_path / "artefacts", (node,), plan.profile, (Path("nowhere"),), {node.key: ("base",)})
    with (
        LocalWorkers(execution, [Slot(None), Slot(None)]) as pool,
        pytest.raises(RequestError, match="nowhere"),
    ):
        assert pool.start(node)
        while True:
            pool.wait(SilentWatcher())
    assert not workers()


def test_no_more_workers_are_started_ahead_than_there_are_stages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    class Child:
        def __init__(self, log: Path, environment: dict[str, str]) -> None:
            self.gpu = environment["CUDA_VISIBLE_DEVICES"]
            started.append(self.gpu)

        def end(self) -> None:
            started.remove(self.gpu)

    monkeypatch.setattr("slmr.pipeline.local.Child", Child)
    execution = Execution(tmp_path, (), load_profile("lab"), (), {})
    with LocalWorkers(execution, [Slot("0"), Slot("1"), Slot("2")]) as pool:
        pool.load(0)
        assert not started
        pool.load(2)
        pool.load(1)
        assert started == ["0", "1"]
    assert not started


@contextmanager
def running(folder: Path, until: Callable[[list[psutil.Process]], bool]) -> Iterator[subprocess.Popen[str]]:
    """A bench of two jobs in a process group of its own, as soon as its workers are so."""
    (folder / "tiny.yaml").write_text(PROFILE.format(extra="", steps=400))
    command = [
        sys.executable,
        "-m",
        "slmr.cli",
        "bench",
        "--method",
        "sft,grpo",
        "--profile",
        str(folder / "tiny.yaml"),
        "--out",
        str(folder / "runs"),
        "--jobs",
        "2",
    ]
    bench = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        for _ in range(1200):
            if until(workers()):
                break
            assert bench.poll() is None, bench.communicate()[1]
            time.sleep(0.1)
        else:
            pytest.fail("the bench did not come so far")
        yield bench
    finally:
        if bench.poll() is None:
            bench.kill()
        bench.wait()


def training(folder: Path) -> Callable[[list[psutil.Process]], bool]:
    """Whether a step of GRPO has been made."""
    return lambda found: bool(found) and any((folder / "runs").rglob(".partial/grpo-*/trainer"))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_group_saves_and_ends_all(number: int, tmp_path: Path) -> None:
    with running(tmp_path, training(tmp_path)) as bench:
        children = workers()
        os.killpg(bench.pid, number)
        _, said = bench.communicate(timeout=120)
    assert bench.returncode == 1
    assert said.strip().splitlines()[-1] == "slmr: stopped; the same command goes on from here"
    assert "Traceback" not in said
    assert not psutil.wait_procs(children, timeout=10)[1]


@pytest.mark.slow
def test_a_killed_worker_ends_the_bench_with_one_line(tmp_path: Path) -> None:
    with running(tmp_path, training(tmp_path)) as bench:
        children = workers()
        for child in children:
            child.kill()
        _, said = bench.communicate(timeout=120)
    assert bench.returncode == 1
    last = said.strip().splitlines()[-1]
    assert last.startswith("slmr: stage ") and "its process was killed by SIGKILL (out of memory?)" in last
    assert "Traceback" not in said
    assert not psutil.wait_procs(children, timeout=10)[1]


@pytest.mark.slow
def test_workers_do_not_outlive_a_bench_that_is_killed(tmp_path: Path) -> None:
    with running(tmp_path, lambda found: len(found) >= 1) as bench:
        children = workers()
        bench.kill()
        assert not psutil.wait_procs(children, timeout=30)[1]


# ------------------------------------------------------------------------------- room for stages


def profile(**changes: object) -> Profile:
    cpu = {"engine": EngineSettings(device="cpu")}
    return load_profile("lab").model_copy(update=cpu | changes)


def test_as_many_jobs_as_the_cores_and_the_memory_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    memory = type("Memory", (), {"available": 100 * 2**30})
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    assert len(slots_for(profile(), None, 0)) == 16
    assert len(slots_for(profile(threads=3), None, 0)) == 5
    assert len(slots_for(profile(threads=None), None, 0)) == 1
    assert len(slots_for(profile(), None, 5 * 2**30)) == 3
    assert len(slots_for(profile(), 7, 5 * 2**30)) == 7  # who asks for so many gets them


def test_a_job_has_a_gpu_or_its_share_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    on_gpus = profile(engine=EngineSettings(device="cuda"))
    monkeypatch.setattr("slmr.engines.transformers.usable_device", lambda _: "cuda")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert slots_for(on_gpus, None, 0) == [Slot("0"), Slot("1")]
    assert slots_for(on_gpus, 3, 0) == [Slot("0", 0.5), Slot("1", 0.5), Slot("0", 0.5)]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7")
    assert slots_for(on_gpus, None, 0) == [Slot("5"), Slot("7")]
    assert Slot("5", 0.5).environment() == {"CUDA_VISIBLE_DEVICES": "5", "SLMR_GPU_SHARE": "0.5"}


@pytest.mark.parametrize(
    ("gpus", "busy", "processes", "room"),
    [
        ((None,) * 4, 0, 2, 2),  # a core each
        ((None,) * 4, 3, 2, 0),
        ((None,) * 2, 0, 4, 2),  # more than there are jobs: all of them
        (("0", "1", "2"), 1, 2, 2),
        (("0", "1", "2"), 2, 2, 0),
        (("0", "1", "0", "1"), 0, 2, 4),  # whole GPUs
        (("0", "1", "0", "1"), 1, 2, 0),
        (("0",), 0, 2, 1),  # fewer jobs than GPUs
    ],
)
def test_a_training_of_several_processes_takes_the_room_of_as_many_jobs(
    gpus: tuple[str | None, ...], busy: int, processes: int, room: int, tmp_path: Path
) -> None:
    kind = stages()["sft"]
    node = StageNode("k", "sft", kind, kind.params(), {}, 0)
    settings = profile(training=TrainingSettings(processes=processes))
    pool = LocalWorkers(Execution(tmp_path, (node,), settings, (), {}), [Slot(gpu) for gpu in gpus])
    pool._free = pool._free[busy:]
    assert len(pool._room_for(node)) == room
