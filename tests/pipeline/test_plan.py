"""What a request for a bench has to be, before any work starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.errors import RequestError
from slmr.pipeline.plan import BenchRequest, make_plan
from tests.pipeline.test_bench import PROFILE, plan_of


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("tuned: {grop: {grpo: {learning_rate: 1}}}", "did you mean 'grpo'"),
        ("tuned: {grpo: {grop: {learning_rate: 1}}}", "did you mean 'grpo'"),
        ("leave_out: {gdk: why}", "did you mean 'gkd'"),
        ("training: {stages: {grop: {accumulation: 2}}}", "did you mean 'grpo'"),
        ("training: {stages: {probe: {accumulation: 2}}}", "unknown stage that trains 'probe'"),
        ("training: {stages: {grpo: {accumulation: 3}}}", "it must be a multiple of 3"),
        ("training: {stages: {grpo: {accumulatoin: 2}}}", "accumulatoin"),
    ],
)
def test_names_in_a_profile_are_checked(extra: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=message):
        plan_of(tmp_path, "grpo", extra)


def test_a_bench_is_of_one_edition(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(
        PROFILE.format(extra="").replace("tasks: lab_gsm8k\n", "tasks: 'lab_gsm8k,svamp'\n", 1)
    )
    with pytest.raises(RequestError, match="mix lab and paper tasks, which are never ranked together"):
        make_plan(BenchRequest("base", str(tmp_path / "tiny.yaml"), out=tmp_path))


def test_a_validation_without_held_out_problems_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(PROFILE.format(extra="").replace(", validation: 8", ""))
    with pytest.raises(RequestError, match=r"method 'grpo', stage 'grpo': .*no problem is held out"):
        make_plan(BenchRequest("grpo", str(tmp_path / "tiny.yaml"), out=tmp_path))


def test_a_request_that_no_executor_can_do_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="unknown executor 'rey'; did you mean 'ray'"):
        make_plan(BenchRequest("base", executor="rey", out=tmp_path))
    with pytest.raises(RequestError, match="--depot is for --executor ray"):
        make_plan(BenchRequest("base", remote_store="memory://x", out=tmp_path))
    with pytest.raises(RequestError, match="--jobs is for --executor local"):
        make_plan(BenchRequest("base", executor="ray", jobs=2, out=tmp_path))


def test_a_student_that_no_result_can_name_is_refused_before_any_work(tmp_path: Path) -> None:
    for student in (f"m/{'y' * 100}/{'z' * 100}", "m/a\nb"):
        with pytest.raises(RequestError, match="give the folder another name, or a link to it with one"):
            make_plan(BenchRequest("base", students=(student,), out=tmp_path))


def test_how_many_threads_and_jobs_is_no_part_of_a_runs_folder(tmp_path: Path) -> None:
    plain, threaded = plan_of(tmp_path, "base"), plan_of(tmp_path, "base", "threads: 3")
    assert plain.folder == threaded.folder and plain.nodes[0].key == threaded.nodes[0].key
    assert (plain.profile.threads, threaded.profile.threads) == (1, 3)
