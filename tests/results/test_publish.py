"""What a published folder's page says."""

from __future__ import annotations

from pathlib import Path

from slmr.results.publish import NOTE, publish
from tests.results.test_report import made_run


def test_a_note_stays_at_the_top_of_a_folder_that_is_published_again(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", {"base": 0.3})
    target = publish(run, tmp_path / "results", "lab")
    assert (target / "README.md").read_text(encoding="utf-8").startswith("# lab\n\n| method |")
    (target / NOTE).write_text("> **Withdrawn.** Do not rely on it.\n", encoding="utf-8")
    assert publish(run, tmp_path / "results", "lab") == target
    page = (target / "README.md").read_text(encoding="utf-8")
    assert page.startswith("# lab\n\n> **Withdrawn.** Do not rely on it.\n\n| method |")
    assert (target / NOTE).is_file()


def test_a_published_note_stands_in_the_pages_beside_it() -> None:
    """A note is written by hand, the pages by commands: all are committed, and no page goes without its note."""
    notes = list((Path(__file__).parents[2] / "results").glob(f"*/{NOTE}"))
    assert notes
    for note in notes:
        text = note.read_text(encoding="utf-8").strip()
        head = text.removeprefix("> **").partition("**")[0]
        assert (
            (note.parent / "README.md")
            .read_text(encoding="utf-8")
            .startswith(f"# {note.parent.name}\n\n{text}\n")
        )
        for page in note.parent.glob("report.*"):
            assert head in page.read_text(encoding="utf-8")[:20_000], f"{page} does not begin with {note}"
