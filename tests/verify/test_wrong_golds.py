"""The run over wrong golds: what counts as surely different, and a short run of it."""

from __future__ import annotations

import json

from tests.verify.wrong_golds import accepted, differ, key_of, pairs


def test_golds_that_may_be_one_answer_are_no_pair():
    keys = {
        text: key_of(text)
        for text in ("0.5", r"\frac{1}{2}", "50", r"\{1,2\}", r"\{2,1\}", "3", r"x^2-1", "(x-1)(x+1)")
    }
    assert all(keys.values())
    same = [("0.5", r"\frac{1}{2}"), ("0.5", "50"), (r"\{1,2\}", r"\{2,1\}"), (r"x^2-1", "(x-1)(x+1)")]
    assert not any(differ(keys[a], keys[b]) for a, b in same)
    assert differ(keys["3"], keys["50"]) and differ(keys["3"], keys[r"\{1,2\}"]) and differ(keys["3"], keys["x^2-1"])


def test_the_pairs_of_a_seed_are_always_the_same_and_none_is_accepted(tmp_path):
    for name in ("gsm8k", "math500", "logiqa"):
        (tmp_path / name).mkdir()
    numbers = [{"answer": f"Work.\n#### {n}"} for n in (3, 12, 1500, 18, 70)]
    formulas = [{"answer": answer} for answer in ("7", r"\frac{3}{8}", "(2,-5)", "x^2-9", r"2\sqrt{7}")]
    for name, rows in (("gsm8k", numbers), ("math500", formulas)):
        (tmp_path / name / "test.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "logiqa" / "Test.txt").write_text("\na\nText.\n\nb\nText.\n\nd\nText.\n")
    drawn = [list(zip(range(300), pairs(tmp_path, seed), strict=False)) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert {pair.dataset for _, pair in drawn[0]} == {"gsm8k", "math500", "logiqa"}
    assert accepted([pair for _, pair in drawn[0]]) == []
