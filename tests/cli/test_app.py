"""The commands as a user meets them: real processes, their output, their exit codes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from slmr.lab import model_path
from tests import in_process

Command = Callable[..., subprocess.CompletedProcess[str]]

TINY_PROFILE = """
students: [lab-llama]
default_student: lab-llama
tasks: {tasks}
evaluate: {{limit: 8}}
engine: {{batch_size: 64, device: cpu}}
stages:
  pool: {{task: lab_gsm8k, size: 24}}
  probe: {{k: 4, max_tokens: 40}}
  sft: {{epochs: 1, batch_size: 8}}
  grpo: {{steps: 2, group_size: 4, prompts_per_step: 4, max_tokens: 40}}
"""


def slmr(*arguments: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "slmr.cli", *arguments],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """As `slmr` in the test's folder, but in this process, which has imported everything by then."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(tmp_path)
        capsys.readouterr()
        code = in_process.slmr(*arguments)
        return subprocess.CompletedProcess(arguments, int(code or 0), *capsys.readouterr())

    return run


def begun(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    """A command that runs on beside the test."""
    return subprocess.Popen(
        [sys.executable, "-m", "slmr.cli", *arguments], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def tiny_profile(folder: Path, tasks: str = "lab_gsm8k") -> str:
    file = folder / "tiny.yaml"
    file.write_text(TINY_PROFILE.format(tasks=tasks))
    return str(file)


def refused(*arguments: str, cwd: Path, code: int = 2) -> str:
    """The one line that a refused command prints."""
    done = slmr(*arguments, cwd=cwd)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.stderr.strip().splitlines()[-1]


def test_unknown_names_suggest_the_nearest(tmp_path: Path) -> None:
    assert "did you mean 'sft_grpo'?" in refused("bench", "--method", "sft_grp", cwd=tmp_path)
    assert "did you mean 'lab_gsm8k'?" in refused("tasks", "show", "lab_gsm8", cwd=tmp_path)
    assert "did you mean 'lab'?" in refused("bench", "--profile", "lap", cwd=tmp_path)
    assert "did you mean 'lab-llama'?" in refused("lab", "path", "lab-lama", cwd=tmp_path)
    assert "did you mean 'lab_math'?" in refused("eval", "lab-llama", "--tasks", "lab_mat", cwd=tmp_path)
    assert not (tmp_path / "runs").exists()


def test_wrong_options_and_values(tmp_path: Path) -> None:
    assert "No such option: --metod" in refused("bench", "--metod", "all", cwd=tmp_path)
    assert "--seeds 'x'" in refused("bench", "--seeds", "x", cwd=tmp_path)
    assert "--limit" in refused("bench", "--limit", "0", cwd=tmp_path)
    assert "unknown executor 'slurm'" in refused("bench", "--executor", "slurm", cwd=tmp_path)
    assert "neither a lab model" in refused("eval", "no-such-model", cwd=tmp_path)
    assert not (tmp_path / "runs").exists()


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


def test_unreadable_model_folders(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "no config.json" in refused("eval", "empty", cwd=tmp_path)
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in model_path("lab-llama").iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    (broken / "model.safetensors").write_bytes(b"not weights")
    assert "broken" in refused("eval", "broken", "--tasks", "lab_mawps", "--limit", "2", cwd=tmp_path)


def test_no_permission_to_write_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file where the folder should be")
    line = refused("bench", "--method", "base", "--profile", tiny_profile(tmp_path), cwd=tmp_path, code=1)
    assert "part of the path is a file" in line


def test_listings_are_json(tmp_path: Path) -> None:
    for command in (("tasks", "list"), ("methods", "list")):
        rows = json.loads(slmr(*command, "--json", cwd=tmp_path).stdout)
        assert rows and all("name" in row for row in rows)
    shown = json.loads(slmr("methods", "show", "stagewise", "--json", cwd=tmp_path).stdout)
    labels = [stage["name"] for stage in shown[0]["stages"]]
    assert "bridge (round 1)" in labels and "critique (round 1)" in labels and "grpo (round 2)" in labels
    assert "critique (round 2)" not in labels  # nothing would use it


def test_every_gold_passes_its_own_checker(tmp_path: Path) -> None:
    done = slmr("tasks", "validate", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" of ") == 5


def test_bench_resumes_after_a_kill_and_gives_the_same_table(tmp_path: Path, here: Command) -> None:
    arguments = ("bench", "--method", "rft,grpo", "--profile", tiny_profile(tmp_path))
    whole = here(*arguments, "--out", "whole")
    assert whole.returncode == 0, whole.stderr
    killed = begun(*arguments, "--out", "killed", cwd=tmp_path)
    assert killed.stderr
    while "sft" not in killed.stderr.readline():
        assert killed.poll() is None
    killed.kill()
    killed.wait()
    assert not list(tmp_path.glob("killed/*/summary.json"))
    resumed = here(*arguments, "--out", "killed")
    assert resumed.returncode == 0, resumed.stderr
    assert "done before" in resumed.stderr and " 0 done before" not in resumed.stderr
    assert accuracies(tmp_path / "killed") == accuracies(tmp_path / "whole")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 64 megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], check=False).returncode:
        pytest.skip("mounting a file system is not allowed here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_disk_without_room_for_the_models_is_said_before_any_work(tmp_path: Path, small_disk: Path) -> None:
    (small_disk / "else").write_bytes(bytes(60 * 2**20))
    arguments = ("bench", "--method", "sft", "--profile", tiny_profile(tmp_path), "--out", str(small_disk))
    said = refused(*arguments, cwd=tmp_path, code=1)
    assert "1 models of" in said and "choose another --out" in said
    assert not list(small_disk.glob("*/artefacts/pool-*"))


def test_a_disk_full_in_the_middle_is_one_line_and_the_run_goes_on_when_there_is_room(
    tmp_path: Path, small_disk: Path, here: Command
) -> None:
    arguments = ("bench", "--method", "sft", "--profile", tiny_profile(tmp_path), "--out", str(small_disk))
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
    arguments = ("bench", "--method", "grpo", "--profile", long)
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
    arguments = ("bench", "--method", "sft,rft", "--profile", tiny_profile(tmp_path))
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


def accuracies(out: Path) -> dict[tuple[str, str], float]:
    (file,) = out.glob("*/summary.json")
    return {
        (r["method"], r["task"]): (r["accuracy"], r["mean_tokens"])
        for r in json.loads(file.read_text())["rows"]
    }


def test_stagewise_runs_whole_and_is_reused(tmp_path: Path, here: Command) -> None:
    arguments = ("bench", "--method", "stagewise", "--profile", tiny_profile(tmp_path, "lab_gsm8k,lab_math"))
    first = slmr(*arguments, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    (file,) = tmp_path.glob("runs/*/summary.json")
    rows = json.loads(file.read_text())["rows"]
    assert [(r["method"], r["task"]) for r in rows] == [
        ("base", "lab_gsm8k"), ("base", "lab_math"), ("stagewise", "lab_gsm8k"), ("stagewise", "lab_math"),
    ]  # fmt: skip
    paid = next(r for r in rows if r["method"] == "stagewise")
    assert min(paid[c] for c in ("train_tokens", "rollout_tokens", "teacher_tokens", "flops")) > 0
    before = {p: p.stat().st_mtime_ns for p in tmp_path.glob("runs/*/artefacts/*/manifest.json")}
    again = here(*arguments)
    assert " 0 to do" in again.stderr
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_eval_prints_rates_and_keeps_samples(tmp_path: Path) -> None:
    done = slmr(
        "eval", "lab-llama", "--tasks", "lab_mawps", "--limit", "8", "--k", "2", "--json", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert (row["name"], row["n_items"], row["k"], row["edition"]) == ("lab_mawps", 8, 2, "lab")
    assert list(tmp_path.glob("runs/eval-lab-llama-*/samples/eval/lab-llama/seed-0/lab_mawps.parquet"))


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import contextlib, io, sys; from slmr.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(SystemExit):\n"
        "    main(['--help'])\n"
        "assert 'bench' in said.getvalue() and 'lab' in said.getvalue()\n"
        "print([m for m in ('torch', 'transformers', 'lm_eval', 'numpy', 'pydantic', 'rich.console')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
