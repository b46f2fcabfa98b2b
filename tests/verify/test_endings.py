"""Natural endings: a right gold passes, another item's gold does not, in every form; rewrites do what they say."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from slmr.rewards.cases.endings import endings
from slmr.rewards.cases.value_changing import VALUE_CHANGING
from slmr.rewards.cases.value_preserving import VALUE_PRESERVING
from slmr.verify import verify
from tests.verify.endings import wrong_golds

FIELD = Path(__file__).parents[3] / "shared" / "cases" / "field.jsonl"
WRONG_GOLDS = 3_000
# Which family of rewrites covers a group of the field cases; the first pattern that fits counts.
FAMILIES = {
    "as above|gold": "golds",
    "choice|article|lower case|pronoun|option|echo|index|an early": "choice",
    "boxed formula": "choice forms",
    "whitespace": "white space",
    "equation|last side": "equations",
    "innocent|innocent sentence": "innocent words",
    "contradiction|retraction|hedge|gaming|denied box": "contradiction",
    "text behind|words behind|scale|million|am/pm": "words at a number",
    "unit|money|currency|time|percent": "units and scale words",
    "different lines|markdown|stated answer|bold|sentence in a box": "label on its own line",
    "####|comma|trailing|markup": "the #### line",
    "run.on|goes on|repeats": "run-on",
    "sign|dash": "signs",
    "part of an expression|vulgar|question mark": "parts of numbers",
    "thought": "thoughts",
    "refusal": "refusals",
    "junk": "degenerate",
    "interval|set|matrix|mixed|typography|unicode|spelling|ellipse|scientific": "notation",
    "identity|equal|complex|degree|root|constant": "equal values",
    "": "other values",
}


def family(group: str) -> str:
    return next(name for pattern, name in FAMILIES.items() if re.search(pattern, group))


@pytest.mark.skipif(not FIELD.exists(), reason="the case collection is not here")
def test_each_kind_of_fault_has_five_forms_or_more():
    for group in {json.loads(line)["group"] for line in FIELD.read_text(encoding="utf-8").splitlines()}:
        rows = {*VALUE_PRESERVING.get(family(group), ()), *VALUE_CHANGING.get(family(group), ())}
        assert len(rows) >= 5, (group, family(group))


def test_each_kind_has_sixty_forms_or_more():
    for kind in ("numeric", "math", "choice"):
        forms = {(ending.language, ending.form) for ending in endings(kind)}
        assert len(forms) >= 60 and {"en", "de", "fr", "es", "zh"} <= {language for language, _ in forms}


def test_no_other_items_gold_is_accepted():
    pairs = list(wrong_golds(WRONG_GOLDS, seed=11))
    assert [(e.text, gold.text) for e, gold in pairs if verify(e.text, gold.text, e.kind).lenient] == []


@pytest.mark.parametrize("kind", ["numeric", "math", "choice"])
def test_right_golds_pass_in_every_form(kind):
    verdicts = [(ending, verify(ending.text, ending.gold.text, kind)) for ending in endings(kind)]
    assert [ending.text for ending, verdict in verdicts if ending.own_form and not verdict.strict] == []
    missed = Counter(ending.form for ending, verdict in verdicts if not verdict.lenient)
    forms = Counter(ending.form for ending, _ in verdicts)
    assert {form: missed[form] for form in forms if missed[form] > 0.005 * forms[form]} == {}
