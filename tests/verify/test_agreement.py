"""Agreement with the labelled collection that lies beside the checkout on some machines; skips elsewhere."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from slmr.verify import Verdict, verify

FOLDER = Path(__file__).parents[3] / "shared" / "cases"
CASES, FIELD = FOLDER / "verifier.jsonl", FOLDER / "field.jsonl"
# Labels that we hold wrong, or that judge something other than the answer. They are not counted.
SET_ASIDE = {
    "mv-0029": "the answer between the dollars is the gold number; rejected for a line break inside of them",
    "mv-0121": "a decimal of 16 digits for 1/12, right only at the source's precision setting of 6",
    "mv-0128": "0.33 for 1/3, right only at the source's precision setting of 2",
    "mv-0180": "an inequality and its interval are one set; its mirror image mv-0179 is accepted",
    "mv-0208": "a gold whose box is never closed",
    "mv-0252": "1 + 1/e is not 1 - 1/e",
    "le-0027": "two numbers in the answer's sentence, and nothing says which",
    "le-0048": "equal to gold; the label comes from a score over several samples",
    "le-0049": "equal to gold; the label comes from a score over several samples",
    "pv-0006": "a gold of 100,000 digits, beyond every bound on input",
    "qw-0159": "a logarithm with base a is not the natural one",
    "qw-0161": "a logarithm with base a^2 is not the natural one",
    "qw-0246": "a character code, no mathematics",
    "qw-0294": "an unbalanced bracket, and 128E300 for a modulus",
    "qw-0299": "gold is the word None, an artefact of the source's parser",
    "qw-0300": "gold is the word None, an artefact of the source's parser",
    "rg-0245": "0 for 0.005, right only within the source's tolerance",
    "rg-0253": "100.05 for 100, right only within the source's tolerance",
}
MIN_AGREEMENT = {"math": 0.98, "numeric": 1.0, "choice": 1.0}
MIN_FIELD_AGREEMENT = 0.98  # with nothing set aside
MAX_SET_ASIDE = 0.04


def build(node: ast.AST) -> str | int:
    """The text that an expression of strings times counts stands for."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int):
        return node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return build(node.left) + build(node.right)  # type: ignore[operator]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return build(node.left) * build(node.right)  # type: ignore[operator]
    if ast.unparse(node) == "' '.join((str(i) for i in range(200000)))":
        return " ".join(map(str, range(200_000)))
    raise ValueError(ast.unparse(node))


@pytest.mark.skipif(not CASES.exists(), reason="the case collection is not here")
@pytest.mark.parametrize("kind", ["math", "numeric", "choice"])
def test_agreement_does_not_fall(kind):
    cases = [case for case in map(json.loads, CASES.read_text().splitlines()) if case["kind"] == kind]
    labelled = [case for case in cases if not case["doubt"]]
    counted = [case for case in labelled if case["id"] not in SET_ASIDE]
    assert len(counted) >= (1 - MAX_SET_ASIDE) * len(labelled)
    wrong = [case["id"] for case in counted if lenient(case) != case["expected"]]
    assert 1 - len(wrong) / len(counted) >= MIN_AGREEMENT[kind], wrong


@pytest.mark.skipif(not FIELD.exists(), reason="the case collection is not here")
@pytest.mark.parametrize("kind", ["math", "numeric", "choice"])
def test_field_cases_agree(kind):
    cases = [case for case in map(json.loads, FIELD.read_text().splitlines()) if case["kind"] == kind]
    counted = [case for case in cases if not case["doubt"]]
    wrong = [case["id"] for case in counted if lenient(case) != case["expected"]]
    assert 1 - len(wrong) / len(counted) >= MIN_FIELD_AGREEMENT, wrong


@pytest.mark.skipif(not FIELD.exists(), reason="the case collection is not here")
def test_nothing_that_is_wrong_is_paid():
    cases = [case for file in (CASES, FIELD) for case in map(json.loads, file.read_text().splitlines())]
    false = [case for case in cases if not case["expected"] and not case["doubt"] and case["id"] not in SET_ASIDE]
    assert [case["id"] for case in false if judged(case).strict] == []


@pytest.mark.skipif(not CASES.exists(), reason="the case collection is not here")
def test_no_attack_is_paid():
    cases = [case for case in map(json.loads, CASES.read_text().splitlines()) if case.get("attack")]
    assert [case["id"] for case in cases if lenient(case) and not case["expected"] and not case["doubt"]] == []


def lenient(case: dict) -> bool:
    return judged(case).lenient


def judged(case: dict) -> Verdict:
    text = case.get("completion")
    if text is None:
        text = str(build(ast.parse(case["completion_expr"], mode="eval").body))
    return verify(text, case["gold"], case["kind"])
