"""`slmr show` on artefacts that a real bench has made."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from slmr.artifacts import MANIFEST
from slmr.curriculum.bridge import SCORES
from slmr.curriculum.schema import TRACES
from slmr.errors import RequestError, WorkError
from slmr.io import write_json, write_rows
from slmr.pipeline.bench import BenchRequest, Plan, make_plan, run_bench
from slmr.pipeline.runner import SilentWatcher
from slmr.results.render.show import Artefact, bridged, find_artefact, lines, read_artefact, readable, spread
from slmr.results.runs.schema import write_summary
from tests.in_process import slmr
from tests.made_results import summary_row

PROFILE = """
students: [lab-llama]
default_student: lab-llama
tasks: lab_gsm8k
evaluate: {limit: 8}
engine: {batch_size: 64, device: cpu}
stages:
  pool: {task: lab_gsm8k, size: 24, validation: 8}
  probe: {k: 4}
  sft: {epochs: 2, validate_every: 2}
  grpo: {steps: 2, group_size: 4, prompts_per_step: 4, validate_every: 1}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """Two rounds of the whole method on a tiny pool."""
    place = tmp_path_factory.mktemp("show")
    (place / "tiny.yaml").write_text(PROFILE)
    plan = make_plan(BenchRequest("stagewise", str(place / "tiny.yaml"), out=place / "runs"))
    run_bench(plan, SilentWatcher())
    return plan


def shown(run: Plan, stage: str, n: int = 10) -> tuple[Artefact, str]:
    node = next(node for node in run.nodes if node.kind == stage)
    found = read_artefact(run.folder / "artefacts" / f"{stage}-{node.key}", n)
    return found, "\n".join(lines(found))


STAGES = (
    "pool",
    "probe",
    "partition",
    "teacher",
    "bridge",
    "sft",
    "consolidate",
    "grpo",
    "critique",
    "evaluate",
)


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_every_kind_of_artefact_is_shown_with_where_it_comes_from(run: Plan, stage: str) -> None:
    found, text = shown(run, stage)
    assert text.startswith(f"{stage}-") and "\nparameters " in text and "\ncost " in text
    assert len(found.examples) == min(10, sum(found.composition.values()))


@pytest.mark.slow
def test_a_bridged_example_has_problem_raw_trace_kept_trace_and_scores(run: Plan) -> None:
    found, text = shown(run, "bridge")
    assert sum(found.composition.values()) == found.stats["problems"]
    labels = [label for label, _ in found.examples[0]]
    assert labels[0] == "problem" and labels[1].startswith("raw trace (NLL ")
    assert "nats a token" in text and "% spikes" in text


@pytest.mark.slow
def test_a_critique_example_has_failure_step_diagnosis_repair_and_new_trace(run: Plan) -> None:
    found, _ = shown(run, "critique")
    labels = [label for label, _ in found.examples[0]]
    assert labels[:2] == ["problem", "failure"] and labels[2].startswith("first wrong step: step ")
    assert labels[3:] == ["diagnosis", "repair", "new trace"]


@pytest.mark.slow
def test_a_training_stage_shows_its_curve_and_draws_it(
    run: Plan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, text = shown(run, "grpo")
    assert "zero_variance" in text and "validation_accuracy" in text
    assert slmr("show", str(found.folder), "-n", "0", "--figure", str(tmp_path / "curve.html")) in (0, None)
    assert "<svg" in (tmp_path / "curve.html").read_text()


@pytest.mark.slow
def test_an_artefact_is_found_by_the_start_of_its_name_and_printed_as_json(
    run: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    found, _ = shown(run, "consolidate")
    runs = str(run.folder.parent)
    assert slmr("show", found.folder.name[:18], "--runs", runs, "-n", "2", "--json") in (0, None)
    (row,) = json.loads(capsys.readouterr().out)
    assert row["name"] == found.folder.name and row["stage"] == "consolidate" and len(row["examples"]) <= 2
    assert find_artefact(found.folder.name, run.folder) == found.folder  # the run itself does as well
    with pytest.raises(RequestError, match="fits several artefacts; name one: sft-"):
        find_artefact("sft", run.folder.parent)
    with pytest.raises(RequestError, match="unknown artefact below"):
        find_artefact("nothing", run.folder.parent)


@pytest.mark.slow
@pytest.mark.parametrize("reference", ["base", ""])
def test_a_folder_without_artefacts_is_named(tmp_path: Path, reference: str) -> None:
    with pytest.raises(RequestError, match="has no artefacts, which `slmr bench` and `slmr eval` make"):
        find_artefact(reference, tmp_path / "nothing")


def test_damage_is_named(run: Plan, tmp_path: Path) -> None:
    found, _ = shown(run, "partition")
    (tmp_path / "manifest.json").write_text((found.folder / "manifest.json").read_text())
    (tmp_path / "groups.parquet").write_text("no parquet")
    with pytest.raises(WorkError, match="is damaged"):
        read_artefact(tmp_path, 3)
    with pytest.raises(RequestError, match="is neither an artefact nor a run"):
        find_artefact(str(tmp_path.parent), tmp_path)


def test_models_of_one_kind_are_told_apart_by_their_methods(tmp_path: Path) -> None:
    run = tmp_path / "runs/lab-quick-1"
    for name, inputs in {
        "grpo-aaaa0001": {},
        "grpo-aaaa0002": {},
        "grpo-aaaa0003": {},
        "evaluate-bbbb0001": {"model": ["aaaa0001"]},
        "evaluate-bbbb0002": {"model": ["aaaa0002"]},
    }.items():
        write_json(run / "artefacts" / name / MANIFEST, {"inputs": inputs})
    rows = {"grpo": "bbbb0001", "grpo_mixed": "bbbb0002", "gone": "bbbb0003"}
    summary = [summary_row(m).model_copy(update={"manifest": key}) for m, key in rows.items()]
    write_summary(run / "summary.json", summary)
    several = "grpo-aaaa0001 (grpo), grpo-aaaa0002 (grpo_mixed), grpo-aaaa0003"
    for runs in (run, run.parent):
        with pytest.raises(RequestError, match=re.escape(several) + "$"):
            find_artefact("grpo-", runs)


def test_what_could_move_a_cursor_is_made_visible() -> None:
    assert readable("a\x1b[2Jb\r\nc ") == "a\\x1b[2Jb\\x0d\nc"


def test_examples_are_spread_over_the_rows() -> None:
    rows = [{"i": i} for i in range(100)]
    assert [row["i"] for row in spread(rows, 4)] == [0, 25, 50, 75] and spread(rows[:3], 10) == rows[:3]
    assert spread(rows, 0) == [] == spread([], 3)


def test_what_bridge_made_of_each_problem(tmp_path: Path) -> None:
    write_rows(tmp_path / TRACES, [{"problem_id": "p", "prompt": "How many?"}])
    candidates = [
        ("p", "raw", True, False),
        ("p", "short", True, True),
        ("p", "long", False, False),
        ("q", "raw", True, True),
    ]
    write_rows(
        tmp_path / SCORES,
        [
            {"problem_id": problem, "source": source, "verified": verified, "kept": kept}
            for problem, source, verified, kept in candidates
        ],
    )
    first, second = bridged(tmp_path)
    assert (first["prompt"], first["tried"], first["raw"]["source"], first["kept"]["source"]) == (
        "How many?",
        2,
        "raw",
        "short",
    )
    assert second["prompt"] == "" and second["tried"] == 1 and second["raw"] is second["kept"]
