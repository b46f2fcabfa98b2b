"""Notes of published runs: read, folded, and with links that work where they are shown."""

from __future__ import annotations

from pathlib import Path

from slmr.results.runs.notes import NOTE, folded_note, note_of, relinked


def test_a_run_without_a_note_has_an_empty_one(tmp_path: Path) -> None:
    assert note_of(tmp_path) == ""
    (tmp_path / NOTE).write_text("\n> One seed.\n\n")
    assert note_of(tmp_path) == "> One seed."


def test_links_are_changed_for_the_folder_that_shows_them(tmp_path: Path) -> None:
    note = "[a](../lab/README.md#x), [b](https://example.org/a.md), [c](#there), [d](/abs)"
    shown = relinked(note, tmp_path / "results" / "long", tmp_path / "report")
    assert shown == "[a](../results/lab/README.md#x), [b](https://example.org/a.md), [c](#there), [d](/abs)"


def test_of_a_long_note_its_first_sentence_is_shown_and_the_paragraph_folded() -> None:
    assert folded_note("> **One** seed. Two pools.") == ("One seed. Two pools.", "")
    assert folded_note("One [seed](a.md). " + "b " * 100 + ".\n\nMore")[0] == "One seed."
    assert folded_note("> One.\n>\n> Two.")[0] == "One."
