"""A verdict changes only together with its checker's version."""

from __future__ import annotations

import json

import pytest

from slmr.verify import CHECKER_VERSIONS
from tests.verify.golden import FILE, row

ROWS = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("kind", list(CHECKER_VERSIONS))
def test_a_changed_verdict_needs_a_new_version(kind):
    rows = [r for r in ROWS if r["kind"] == kind]
    assert rows
    assert {r["version"] for r in rows} == {CHECKER_VERSIONS[kind]}, "write it anew: python -m tests.verify.golden"
    changed = [(r, now) for r in rows if (now := row(r["kind"], r["completion"], r["gold"])) != r]
    assert not changed, "a verdict has changed: raise CHECKER_VERSIONS, then python -m tests.verify.golden"
