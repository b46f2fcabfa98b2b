"""Listings and texts as wide as the terminal."""

from __future__ import annotations

import pytest

from slmr.cli.layout import listing, output_width, wrapped

ROWS = [
    {
        "name": "sft",
        "kind": "sft",
        "summary": "Supervised fine-tuning on the teacher's raw traces of the whole pool.",
        "many tokens": "1,234,567",
        "paper": None,
    },
    {
        "name": "stagewise_model_teacher",
        "kind": "teacher model",
        "summary": "stagewise with a stronger model as its only teacher, gkd's.",
        "many tokens": "12",
        "paper": "arXiv 2606.04466",
    },
]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 140, None])
def test_every_line_is_within_the_width_and_no_word_is_broken(width: int | None) -> None:
    lines = listing(ROWS, width)
    assert max(map(len, lines)) <= (width or 1000)
    text = "\n".join(lines)
    for row in ROWS:
        for key, cell in row.items():
            whole = str(cell or "")
            assert (whole in text) if key != "summary" else all(word in text for word in whole.split())
    assert (len(lines) == 3) == (width in (140, None))


def test_a_heading_is_broken_before_a_column_is_spared_and_a_text_stands_below_its_row_last() -> None:
    rows = [{"artefact": "pool-0123456789abcdef", "thousand tokens": "12", "for": "sft"}]
    assert listing(rows, 36, ["artefact"]) == [
        "artefact               thousand  for",
        "                       tokens",
        "pool-0123456789abcdef  12        sft",
    ]
    assert listing(rows, 30, ["artefact"]) == ["thousand tokens  for", "12               sft"]
    many = [{"stage": "grpo (round 1)", "for": "stagewise, no_bridge, no_critique, one_round"}]
    assert listing(many, 30) == [
        "stage",
        "    for",
        "grpo (round 1)",
        "    stagewise, no_bridge,",
        "    no_critique, one_round",
    ]


def test_a_text_is_broken_at_spaces_and_indented_and_what_has_none_stays_whole() -> None:
    assert wrapped("key  one two\nthree", 9, 5) == ["key  one", "     two", "     three"]
    assert wrapped("a --long-option/path b", 8) == ["a", "--long-option/path", "b"]
    assert wrapped("one two", None) == ["one two"] and wrapped("", 8) == [""]


def test_the_width_is_that_of_columns_else_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert output_width() is None  # pytest takes the output, which is no terminal
    for text, width in (("80", 80), ("0", None), ("wide", None)):
        monkeypatch.setenv("COLUMNS", text)
        assert output_width() == width
