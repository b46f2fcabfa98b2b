"""`slmr bench`: what it refuses, what it prints, and that it goes on where it was stopped."""

from __future__ import annotations

import json
import shutil
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from slmr.cli.bench import chosen_seeds, model_line, parse_jobs, parse_seeds
from slmr.errors import RequestError
from slmr.io import sha256_of
from slmr.pipeline.bench import BenchRequest, make_plan
from slmr.pipeline.plan import reproduce_command
from slmr.results.analysis.ranking import rank_methods
from slmr.results.runs.method_results import run_results
from tests.cli.commands import Command, accuracies, begun, refused, slmr, tiny_profile
from tests.results.made_runs import made_run


def one_by_one(method: str, profile: str, *more: str) -> tuple[str, ...]:
    """The words of a bench in this process alone: so small a one is over before a worker has started."""
    return ("bench", "--method", method, "--jobs", "1", "--profile", profile, *more)


@pytest.mark.parametrize(
    ("text", "seeds"), [("1", (0,)), ("3", (0, 1, 2)), ("7,", (7,)), ("0,3, 4", (0, 3, 4)), ("2,2", (2,))]
)
def test_seeds_are_a_number_or_a_list(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(
    "text", ["", "x", "0", "-1", "1.5", "1,x", ",", "²", "1,²", "100000000", "9" * 5000, "4294967296,"]
)
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="--seeds"):
        parse_seeds(text)


def test_one_seed_is_named_without_a_comma() -> None:
    assert chosen_seeds("1", ["7"]) == (7,) and chosen_seeds("1", ["0", "3"]) == (0, 3)
    assert chosen_seeds("3", []) == (0, 1, 2) and chosen_seeds("2,", []) == (2,)
    for which in (["x"], ["-1"], ["1,2"], [""], ["9" * 30]):
        with pytest.raises(RequestError, match="--seed"):
            chosen_seeds("1", which)
    with pytest.raises(RequestError, match="give one of them"):
        chosen_seeds("3", ["7"])


def test_the_command_of_a_row_names_its_seed() -> None:
    command = reproduce_command("sft", "lab-llama", 7, BenchRequest("sft", "lab-quick"))
    assert command == "slmr bench --method sft --profile lab-quick --student lab-llama --seed 7"


@pytest.mark.parametrize("text", ["²", "0", "x", "9" * 5000, "2000"])
def test_jobs_that_are_neither_are_refused(text: str) -> None:
    with pytest.raises(RequestError, match="--jobs"):
        parse_jobs(text)


def test_jobs_are_a_number_or_auto() -> None:
    assert parse_jobs("auto") is None and parse_jobs("3") == 3
    for text in ("0", "-1", "many", ""):
        with pytest.raises(RequestError, match="--jobs"):
            parse_jobs(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: mine\nkind: sft\nsummary: s\nstagez: {}\n", "did you mean 'stages'?"),
        ("name: mine\nkind: sft\nsummary: s\nstages:\n  a: {stage: sftt}\n", "did you mean 'sft'?"),
        (
            "name: mine\nkind: sft\nsummary: s\nstages:\n  a: {stage: pool, with: {sizes: 3}}\n",
            "did you mean 'size'?",
        ),
        ("name: mine\nkind: sft\nsummary: s\nstages:\n  a: {stage: pool, with: {size: lots}}\n", "size"),
        (
            "name: mine\nkind: sft\nsummary: s\nstages:\n  a: {stage: probe, modle: student}\n",
            "did you mean 'model'?",
        ),
        ("name: mine\nkind: sft\nsummary: s\nresult: sft\n", "unknown result 'sft'"),
        ("name: other\nkind: sft\nsummary: s\n", "named 'other'"),
        ("name: [", "is not YAML"),
    ],
)
def test_a_faulty_recipe_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "mine.yaml").write_text(text)
    line = refused("bench", "--method", "mine", "--methods-path", "methods", cwd=tmp_path)
    assert message in line
    assert "mine" in line


def test_a_faulty_profile_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("students: [lab-llama]\ndefault_student: lab-llama\ntasks: lab\nengin: {}\n")
    assert "did you mean 'engine'?" in refused("bench", "--profile", str(file), cwd=tmp_path)
    file.write_text("students: [lab-llama]\ndefault_student: lab-llama\ntasks: lab\nstages: {stf: {}}\n")
    assert "unknown stage 'stf'" in refused("bench", "--profile", str(file), cwd=tmp_path)


def test_no_permission_to_write_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file where the folder should be")
    line = refused("bench", "--method", "base", "--profile", tiny_profile(tmp_path), cwd=tmp_path, code=1)
    assert "part of the path is a file" in line


@pytest.mark.slow
def test_bench_resumes_after_a_kill_and_gives_the_same_table(tmp_path: Path, here: Command) -> None:
    profile = tiny_profile(tmp_path)
    whole = here(*one_by_one("rft,grpo", profile, "--out", "whole"))
    assert whole.returncode == 0, whole.stderr
    killed = begun("bench", "--method", "rft,grpo", "--profile", profile, "--out", "killed", cwd=tmp_path)
    assert killed.stderr
    while "sft" not in killed.stderr.readline():
        assert killed.poll() is None
    killed.kill()
    killed.wait()
    summaries = [json.loads(file.read_text()) for file in tmp_path.glob("killed/*/summary.json")]
    assert "rft" not in {row["method"] for summary in summaries for row in summary["rows"]}
    resumed = here(*one_by_one("rft,grpo", profile, "--out", "killed"))
    assert resumed.returncode == 0, resumed.stderr
    assert "done before" in resumed.stderr and " 0 done before" not in resumed.stderr
    assert accuracies(tmp_path / "killed") == accuracies(tmp_path / "whole")


def test_a_disk_without_room_for_the_models_is_said_before_any_work(tmp_path: Path, small_disk: Path) -> None:
    (small_disk / "else").write_bytes(bytes(60 * 2**20))
    arguments = one_by_one("sft", tiny_profile(tmp_path), "--out", str(small_disk))
    said = refused(*arguments, cwd=tmp_path, code=1)
    assert "1 models of" in said and "choose another --out" in said
    assert not list(small_disk.glob("*/artefacts/pool-*"))


@pytest.mark.slow
def test_a_disk_full_in_the_middle_is_one_line_and_the_run_goes_on_when_there_is_room(
    tmp_path: Path, small_disk: Path, here: Command
) -> None:
    arguments = one_by_one("sft", tiny_profile(tmp_path), "--out", str(small_disk))
    stopped = begun(*arguments, cwd=tmp_path)
    assert stopped.stderr
    while "pool" not in stopped.stderr.readline():
        assert stopped.poll() is None
    with (small_disk / "else").open("wb", buffering=0) as other, suppress(OSError):
        while True:
            other.write(bytes(2**16))
    said = stopped.stderr.read()
    assert stopped.wait() == 1 and "the disk is full" in said.splitlines()[-1] and "Traceback" not in said
    (small_disk / "else").unlink()
    resumed = here(*arguments)
    assert resumed.returncode == 0, resumed.stderr
    assert "done before" in resumed.stderr and " 0 done before" not in resumed.stderr
    assert {method for method, _ in accuracies(small_disk)} == {"base", "sft"}


def test_sigterm_saves_and_the_same_command_goes_on_from_there(tmp_path: Path, here: Command) -> None:
    long = tiny_profile(tmp_path)
    Path(long).write_text(Path(long).read_text().replace("steps: 2", "steps: 12"))
    arguments = one_by_one("grpo", long)
    whole = here(*arguments, "--out", "whole")
    assert whole.returncode == 0, whole.stderr
    stopped = begun(*arguments, "--out", "stopped", cwd=tmp_path)
    while not list(tmp_path.glob("stopped/*/artefacts/.partial/grpo-*/trainer")):
        assert stopped.poll() is None
        time.sleep(0.05)
    time.sleep(1)
    stopped.terminate()
    _, said = stopped.communicate(timeout=60)
    assert stopped.returncode == 1 and "the same command goes on from here" in said, said
    assert list(tmp_path.glob("stopped/*/artefacts/.partial/grpo-*/trainer/checkpoint-*/slmr.json"))
    resumed = here(*arguments, "--out", "stopped")
    assert resumed.returncode == 0, resumed.stderr
    assert accuracies(tmp_path / "stopped") == accuracies(tmp_path / "whole")


def test_a_deleted_artefact_is_made_again_with_what_depends_on_it(tmp_path: Path, here: Command) -> None:
    arguments = one_by_one("sft,grpo", tiny_profile(tmp_path))
    assert here(*arguments).returncode == 0
    before = accuracies(tmp_path / "runs")
    (teacher,) = tmp_path.glob("runs/*/artefacts/teacher-*")
    shutil.rmtree(teacher)
    said = here(*arguments, "--dry-run").stdout.splitlines()
    plan = [line for line in said if line.startswith(("to do", "done"))]
    again = [line.split()[2].rpartition("-")[0] for line in plan if line.startswith("to do")]
    assert again == ["teacher", "sft", "evaluate"]
    resumed = here(*arguments)
    assert resumed.returncode == 0, resumed.stderr
    assert f"{len(plan)} stages: {len(plan) - 3} done before, 3 to do" in resumed.stderr
    assert accuracies(tmp_path / "runs") == before


def test_what_is_exported_is_known_by_its_completions(tmp_path: Path, here: Command) -> None:
    """An evaluation that is made again has the same key and need not have the same completions."""
    assert here(*one_by_one("base", tiny_profile(tmp_path))).returncode == 0
    (marker,) = tmp_path.glob("runs/*/samples/base/*/seed-0/evaluation")
    made = json.loads(marker.read_text())["made"]
    drawn = {sha256_of(file) for file in tmp_path.glob("runs/*/artefacts/evaluate-*/samples.parquet")}
    assert {name.rpartition("-")[2] for name in made} == drawn


def test_stagewise_runs_whole_and_is_reused(tmp_path: Path, here: Command) -> None:
    arguments = one_by_one("stagewise", tiny_profile(tmp_path, "lab_gsm8k,lab_math"))
    first = slmr(*arguments, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    (file,) = tmp_path.glob("runs/*/summary.json")
    rows = json.loads(file.read_text())["rows"]
    assert [(r["method"], r["task"]) for r in rows] == [
        ("base", "lab_gsm8k"),
        ("base", "lab_math"),
        ("stagewise", "lab_gsm8k"),
        ("stagewise", "lab_math"),
    ]
    paid = next(r for r in rows if r["method"] == "stagewise")
    assert min(paid[c] for c in ("train_tokens", "rollout_tokens", "teacher_tokens", "flops")) > 0
    before = {p: p.stat().st_mtime_ns for p in tmp_path.glob("runs/*/artefacts/*/manifest.json")}
    again = here(*arguments)
    assert " 0 to do" in again.stderr
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_a_model_is_called_the_best_where_a_gain_is_shown_and_it_leads_alone(tmp_path: Path) -> None:
    plan = make_plan(BenchRequest("sft,grpo", "lab-quick", out=tmp_path))
    rates = {"base": 0.3, "sft": 0.4, "grpo": 0.9}
    found = rank_methods(run_results(made_run(tmp_path / "run", rates)))
    line = model_line(plan, found)
    assert line.startswith("Best model  ") and "/grpo-" in line and line.endswith("/model")
    without = replace(
        found, methods=[replace(m, gain=replace(m.gain, p=0.144)) if m.gain else m for m in found.methods]
    )
    assert model_line(plan, without) == line.replace("Best model", "Model of grpo")
    assert model_line(plan, None) == ""


def test_what_is_offered_at_the_end_is_of_trained_methods(tmp_path: Path, here: Command) -> None:
    said = here(*one_by_one("lab-teacher,sft", tiny_profile(tmp_path))).stdout
    lines = {line.split()[0]: line for line in said.splitlines() if line.startswith(("Model of sft", "Compare"))}
    assert "/sft-" in lines["Model"]
    assert set(lines["Compare"].split()[-2:]) == {"sft", "base"}
