"""Damage in runs is found, named, and repaired by making it again; what is whole is left alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from slmr.artifacts import MANIFEST
from slmr.errors import RequestError
from slmr.pipeline.repair import busy_runs, find_damage, repair
from tests.in_process import slmr

PROFILE = "students: [lab-llama]\ndefault_student: lab-llama\ntasks: lab_gsm8k\nevaluate: {limit: 8}\n"


def bench(folder: Path) -> None:
    (folder / "tiny.yaml").write_text(PROFILE)
    profile, out = str(folder / "tiny.yaml"), str(folder / "runs")
    assert slmr("bench", "--method", "base", "--profile", profile, "--out", out, "--jobs", "1") == 0


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    bench(folder)
    return folder


@pytest.fixture
def whole(once: Path, tmp_path: Path) -> Path:
    shutil.copytree(once, tmp_path, dirs_exist_ok=True)
    return tmp_path


def artefact(folder: Path) -> Path:
    (found,) = folder.glob("runs/*/artefacts/evaluate-*")
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.glob("runs/*/s*/**/*.parquet")) + sorted(folder.glob("runs/*/summary.json"))
    }


def accuracies(file: bytes) -> list[tuple[str, float]] | bytes:
    """Of a summary, whose wall times differ from run to run; other files as they are."""
    if not file.startswith(b"{"):
        return file
    return [(row["task"], row["accuracy"]) for row in json.loads(file)["rows"]]


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def folder_in_place_of(file: Path) -> None:
    file.unlink(missing_ok=True)
    file.mkdir()


DAMAGES = {
    "no manifest": lambda f: (artefact(f) / MANIFEST).unlink(),
    "half a manifest": lambda f: cut(artefact(f) / MANIFEST),
    "half the samples": lambda f: cut(artefact(f) / "samples.parquet"),
    "half the metrics": lambda f: cut(artefact(f) / "metrics.json"),
    "another's folder": lambda f: artefact(f).rename(artefact(f).with_name("evaluate-0123456789abcdef")),
    "half a summary": lambda f: cut(next(f.glob("runs/*/summary.json"))),
    "half an export": lambda f: cut(next(f.glob("runs/*/samples/**/*.parquet"))),
    "no export": lambda f: next(f.glob("runs/*/samples/**/*.parquet")).unlink(),
    "a lock that is a folder": lambda f: folder_in_place_of(artefact(f).parents[1] / ".lock"),
    "a stage's lock that is a folder": lambda f: folder_in_place_of(
        artefact(f).parent / ".partial" / f"{artefact(f).name}.lock"
    ),
    "no samples": lambda f: (artefact(f) / "samples.parquet").unlink(),
    "no metrics": lambda f: (artefact(f) / "metrics.json").unlink(),
    "half written": lambda f: (artefact(f).parents[1] / "summary.json.partial").write_text("{"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_each_damage_is_found_and_the_same_bench_makes_it_again(whole: Path, damage: str) -> None:
    before = contents(whole)
    assert find_damage(whole / "runs") == []
    DAMAGES[damage](whole)
    (found,) = find_damage(whole / "runs")
    assert found.path.exists() and found.cure in ("remove", "set aside")
    assert repair([found]) == []
    bench(whole)
    assert find_damage(whole / "runs") == []
    after = contents(whole)
    assert list(after) == list(before)
    assert [accuracies(after[name]) for name in after] == [accuracies(before[name]) for name in before]


def test_a_damaged_artefact_is_not_done_for_a_dry_run(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut(artefact(whole) / "samples.parquet")
    words = (
        "--method",
        "base",
        "--profile",
        str(whole / "tiny.yaml"),
        "--out",
        str(whole / "runs"),
        "--dry-run",
    )
    assert slmr("bench", *words) == 0
    said = capsys.readouterr().out
    assert "Damaged: evaluate-" in said and "to do  evaluate-" in said
    assert (artefact(whole) / "samples.parquet").is_file(), "it is looked at alone"


def test_damaged_completions_of_a_stage_that_was_stopped_are_found(whole: Path) -> None:
    part = artefact(whole).parent / ".partial" / "evaluate-0123456789abcdef" / "parts" / "000000000.parquet"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"PAR1")
    (found,) = find_damage(whole / "runs")
    assert found.path == part and repair([found]) == [] and not part.exists()


def test_what_a_killed_stage_left_to_go_on_from_is_no_damage(whole: Path) -> None:
    unfinished = artefact(whole).parent / ".partial" / "sft-0123456789abcdef"
    unfinished.mkdir(parents=True)
    assert find_damage(whole / "runs") == []
    left_over = unfinished.with_name(artefact(whole).name)
    left_over.mkdir()
    (found,) = find_damage(whole / "runs")
    assert found.path == left_over and repair([found]) == [] and unfinished.is_dir()


def test_nothing_is_touched_while_a_bench_is_busy_runs(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (artefact(whole) / MANIFEST).unlink()
    with FileLock(artefact(whole).parent / ".partial" / "sft-0123456789abcdef.lock"):
        assert busy_runs(whole / "runs") == [artefact(whole).parents[1]]
        assert slmr("doctor", "--runs", str(whole / "runs"), "--repair") == 1
    said = capsys.readouterr()
    assert "a bench is at work" in said.err and artefact(whole).is_dir()
    assert busy_runs(whole / "runs") == []


def test_the_command_names_what_is_damaged_and_mends_it(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = str(whole / "runs")
    assert slmr("doctor", "--runs", runs) == 0
    assert "nothing is damaged" in capsys.readouterr().out
    cut(artefact(whole) / "samples.parquet")
    assert slmr("doctor", "--runs", runs) == 1
    said = capsys.readouterr()
    assert "samples.parquet" in said.out and "--repair" in said.err and artefact(whole).is_dir()
    assert slmr("doctor", "--runs", runs, "--repair") == 0
    assert "1 thing repaired" in capsys.readouterr().out


def test_what_only_another_copy_mends_is_said(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A published run has no artefacts to make its samples from."""
    shutil.rmtree(artefact(whole).parent)
    cut(next(whole.glob("runs/*/samples/**/*.parquet")))
    assert slmr("doctor", "--runs", str(whole / "runs"), "--repair") == 1
    assert "cannot be repaired here" in capsys.readouterr().err


def test_a_wrong_folder_is_said() -> None:
    with pytest.raises(RequestError, match="no such folder"):
        find_damage(Path("nowhere"))
