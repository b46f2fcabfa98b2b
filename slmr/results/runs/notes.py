"""The notes for readers of published runs: Markdown, written by hand."""

from __future__ import annotations

import os
import re
from pathlib import Path

NOTE = "NOTE.md"
_LONG_NOTE = 200  # characters of its first paragraph


def note_of(run: Path) -> str:
    """The note for the readers of a published run (Markdown); empty without one."""
    file = run / NOTE
    return file.read_text(encoding="utf-8").strip() if file.is_file() else ""


def relinked(note: str, folder: Path, out: Path) -> str:
    """The note with its relative links changed so that they work in another folder."""
    return re.sub(
        r"\]\((?![a-z]+:|[#/])([^)#\s]+)",
        lambda link: f"]({Path(os.path.relpath(folder / link[1], out)).as_posix()}",
        note,
    )


def folded_note(note: str) -> tuple[str, str]:
    """The first paragraph of a note as plain text: what is shown of it, and what is folded behind that.

    Of a long paragraph the first sentence is shown, so that results are seen.
    """
    note = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", note)  # of a link its words
    lines = re.sub("^> ", "", note.partition("\n>\n")[0], flags=re.MULTILINE)
    text = " ".join(lines.replace("**", "").replace("`", "").split())
    first, _, rest = text.partition(". ")
    return (f"{first}.", rest) if rest and len(text) > _LONG_NOTE else (text, "")
