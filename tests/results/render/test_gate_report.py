"""A gate's outcomes as CI reads them: JUnit through parsers, Markdown, sentences."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from slmr.results.analysis.gate import Check, GateResult, Policy, gate
from slmr.results.render.gate_report import gate_in_words, gate_junit, gate_markdown, gate_table
from slmr.results.render.tables import texts
from tests.results.made_runs import a_run


@pytest.fixture
def result(tmp_path: Path) -> GateResult:
    """One check fails, one cannot be told, one holds."""

    def verdicts(right: int, first: int = 0) -> list[bool]:
        return [(i - first) % 200 < right for i in range(200)]

    base = {task: verdicts(130) for task in ("lab_gsm8k", "lab_mawps", "lab_svamp")}
    run = {"lab_gsm8k": verdicts(90), "lab_mawps": verdicts(130, 4), "lab_svamp": verdicts(190)}
    folder, other = a_run(tmp_path / "<run> & \x1b", run), a_run(tmp_path / "base", base)
    return gate(str(folder), str(other), Policy(checks=[Check(task="*")]))


def test_junit_has_a_case_a_check(result: GateResult) -> None:
    suites = ET.fromstring(gate_junit(result))
    (suite,) = suites
    assert {k: suite.get(k) for k in ("tests", "failures", "errors", "skipped")} == {
        "tests": "3",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
    }
    assert "<run> & \\x1b" in str(suite.get("name"))
    states = [[child.tag for child in case if child.tag != "properties"] for case in suite]
    assert states == [["failure"], ["skipped"], []]
    change = suite.find("testcase/properties/property[@name='change']")
    assert change is not None and change.get("value") == "-0.2"


def test_junitparser_reads_it(result: GateResult) -> None:
    junitparser = pytest.importorskip("junitparser")
    suites = junitparser.JUnitXml.fromstring(gate_junit(result).encode())
    assert (suites.tests, suites.failures) == (3, 1)
    cases = [case for suite in suites for case in suite]
    assert [case.is_failure for case in cases] == [True, False, False]
    assert [case.is_skipped for case in cases] == [False, True, False]
    assert "the limit is exceeded at 95% confidence" in cases[0].result[0].message


def test_the_summary_says_what_failed_first(result: GateResult) -> None:
    lines = gate_markdown(result).splitlines()
    assert lines[0] == "## slmr gate: failed" and lines[2].startswith("lab_gsm8k: accuracy changed by -20.0 (")
    assert "\x1b" not in gate_markdown(result)
    assert sum(line.startswith("| lab_") for line in lines) == 3


def test_the_table_marks_what_fails(result: GateResult) -> None:
    assert [row[-1] for row in texts(gate_table(result))[1:]] == ["FAIL: regression", "unclear", "held"]


def test_a_gate_that_passes_says_what_is_shown(tmp_path: Path) -> None:
    folder, other = (str(a_run(tmp_path / name, {"lab_gsm8k": [True, False] * 100})) for name in "ab")
    words = gate_in_words(gate(folder, other, Policy(checks=[Check(task="*", max_loss=0.1)])))
    assert words == "Passed: 1 check shows no regression; it is shown to hold."
    unclear = gate_in_words(gate(folder, other)).splitlines()
    assert unclear[0] == "Passed: 1 check shows no regression."
    assert unclear[1].startswith("Unclear: 1. A loss of ")
