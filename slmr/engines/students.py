"""Which folder a student's name stands for."""

from __future__ import annotations

from pathlib import Path

from slmr.errors import RequestError
from slmr.lab import STUDENTS, student_path


def resolve_student(name: str) -> Path:
    """The model folder of a lab student or of a path.

    Raises:
        RequestError: neither; the message says what was looked for.
    """
    if name in STUDENTS:
        return student_path(name)
    folder = Path(name).expanduser()
    if not folder.is_dir():
        known = ", ".join(STUDENTS)
        raise RequestError(f"no model '{name}': neither a lab student ({known}) nor a folder")
    if not (folder / "config.json").is_file():
        raise RequestError(f"{folder} is no transformers model: it has no config.json")
    return folder
