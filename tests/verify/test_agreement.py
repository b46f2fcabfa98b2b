"""Agreement with the labelled collection that lies beside the checkout on some machines; skips elsewhere."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from slmr.verify import verify

CASES = Path(__file__).parents[3] / "shared" / "cases" / "verifier.jsonl"
# The three accepted ones read the same as their golds; the source rejects them for their delimiters.
MIN_AGREEMENT, MAX_FALSE_ACCEPTS = 535, 3


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
def test_agreement_does_not_fall():
    accepted, rejected, counted = [], [], 0
    for case in map(json.loads, CASES.read_text().splitlines()):
        if case["doubt"]:
            continue
        text = case.get("completion")
        if text is None:
            text = str(build(ast.parse(case["completion_expr"], mode="eval").body))
        counted += 1
        lenient = verify(text, case["gold"], case["kind"]).lenient
        if lenient != case["expected"]:
            (accepted if lenient else rejected).append(case["id"])
    assert len(accepted) <= MAX_FALSE_ACCEPTS, accepted
    assert counted - len(accepted) - len(rejected) >= MIN_AGREEMENT, (accepted, rejected)
