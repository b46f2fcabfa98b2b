"""Records as they stand in files, and their fields."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.io import json_lines
from slmr.tasks.readers import number_field


@given(st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=5), st.booleans())
def test_any_text_is_read_back(tmp_path_factory: pytest.TempPathFactory, texts: list[str], bom: bool) -> None:
    """Also one with U+2028 or U+0085 in it, which are no ends of lines in JSON."""
    file = tmp_path_factory.mktemp("text") / "a.jsonl"
    lines = "\r\n\n".join(json.dumps({"t": t}, ensure_ascii=False) for t in texts)
    file.write_bytes(lines.encode("utf-8-sig" if bom else "utf-8", "surrogatepass"))
    assert [record["t"] for _, record in json_lines(file)] == texts


@given(st.floats(1e-12, 1e15) | st.floats(-1e15, -1e-12) | st.integers(-(10**20), 10**20))
def test_a_number_is_written_plainly(value: float) -> None:
    plain = number_field({"n": value}, "n")
    assert Decimal(plain) == Decimal(str(value)) and set(plain) <= set("-0123456789.")
    assert "." not in plain or plain[-1] not in "0."
    assert number_field({"n": f" {plain} "}, "n") == plain


def test_a_fraction_stays_one() -> None:
    assert number_field({"n": "7/4"}, "n") == "7/4"
    with pytest.raises(ValueError, match="'7/0', not a number"):
        number_field({"n": "7/0"}, "n")
