"""The gates of the lab: their thresholds are those of the docs, and what passes is decided as they say."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest

from slmr.lab import STUDENTS
from slmr.pipeline.gates import GATES, Finding, Gates, GatesRequest, _groups
from slmr.stats import Estimate

DOCS = Path(__file__).parents[2] / "docs" / "predictions.md"
SIGNS = {"≥": ">=", "≤": "<=", "<": "<"}


def test_the_thresholds_are_those_of_the_docs() -> None:
    rows = re.findall(r"^\| `([a-z ]+?)(?: TASK)?` \|.*\| ([≥≤<]) ([\d.]+) \|$", DOCS.read_text(), re.MULTILINE)
    assert {name: (SIGNS[sign], float(number)) for name, sign, number in rows} == {
        gate.name: (gate.bound, gate.threshold) for gate in GATES.values()
    }


@pytest.mark.parametrize(
    ("gate", "mean", "passed"),
    [
        ("simple", 0.2, True),
        ("simple", 0.19, False),
        ("luck", 0.05, False),
        ("luck", 0.049, True),
        ("rl lifts", 0.05, True),
        ("rl lifts", 0.06, False),
        ("moved", -0.04, True),
        ("moved", -0.02, False),
        ("room", -0.2, False),
    ],
)
def test_a_gate_passes_by_its_mean(gate: str, mean: float, passed: bool) -> None:
    finding = Finding(gate, GATES[gate], Estimate(mean, 0.01, mean - 0.02, mean + 0.02), 50)
    assert finding.passed == finding.row()["passed"] == passed
    assert finding.row()["items"] == 50


def test_groups_are_the_paper_s() -> None:
    right = np.array([[1] * n + [0] * (8 - n) for n in (0, 1, 2, 5, 6, 8)])
    assert _groups(right) == ["hard", "hard", "medium", "medium", "simple", "simple"]


def test_other_settings_in_a_profile_are_other_trainings(tmp_path: Path) -> None:
    """The stages run with the profile's budget and training settings, so an old artefact must not be reused."""

    def key(settings: str) -> str:
        profile = tmp_path / "mine.yaml"
        profile.write_text(f"extends: lab\n{settings}\n")
        (model,) = Gates(GatesRequest("lab-llama", str(profile), seeds=1))._trained_models("sft_worked")
        return model.key

    settings = ("", "budget: 1000", "training: {accumulation: 2}", "training: {lora: {rank: 4}}")
    assert len({key(each) for each in settings}) == len(settings)
    assert key("training: {report_to: [tensorboard]}") == key("")


@pytest.mark.slow
@pytest.mark.skipif("SLMR_GATES" not in os.environ, reason="a quarter of an hour a student: set SLMR_GATES=1")
@pytest.mark.parametrize("student", STUDENTS)
def test_every_gate_passes(student: str, tmp_path: Path) -> None:
    findings = list(Gates(GatesRequest(student, "lab", out=tmp_path)).findings())
    assert {finding.gate.name for finding in findings} == set(GATES)
    assert not [finding.row() for finding in findings if not finding.passed]
