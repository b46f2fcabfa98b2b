"""Folders of results as no run of slmr leaves them, each made out of a sound run, beside sound ones."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slmr.io import read_rows, write_rows
from slmr.results.runs.files import RunFiles
from tests.made_results import put_samples, put_tables, summary_row, verdicts, write_summary

HUGE = 10**400


def sound_run(folder: Path, student: str, tasks: tuple[str, ...] = ("lab_gsm8k", "lab_math")) -> Path:
    """base and grpo of a student, with the tables of a run."""
    rows = [
        put_samples(folder, summary_row(method, task, student=student), verdicts(method, task, level))
        for method, level in (("base", 0.3), ("grpo", 0.6))
        for task in tasks
    ]
    write_summary(folder / "summary.json", rows)
    put_tables(folder, ["base", "grpo"], student)
    return folder


def _summary(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    """A change of the summary, which is written as it then is."""

    def write(run: Path) -> None:
        file = run / "summary.json"
        content = json.loads(file.read_text())
        change(content)
        file.write_text(json.dumps(content))

    return write


def _first_row(**values: Any) -> Callable[[Path], None]:
    return _summary(lambda content: content["rows"][0].update(values))


def _text(content: bytes) -> Callable[[Path], object]:
    return lambda run: (run / "summary.json").write_bytes(content)


def _in_place_of_summary(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def replace(run: Path) -> None:
        (run / "summary.json").unlink()
        make(run / "summary.json")

    return replace


def _large(file: Path) -> None:
    with file.open("wb") as opened:
        opened.truncate(20 * 2**30)  # sparse: it takes no room


def _loop(run: Path) -> None:
    (run / "again").symlink_to(run, target_is_directory=True)
    (run / "summary.json").unlink()
    (run / "summary.json").symlink_to(run / "summary.json")


# Name of the folder → what is done to a sound run; nothing of it can be shown.
UNREADABLE: dict[str, Callable[[Path], object]] = {
    "number-without-end": _first_row(train_tokens=HUGE),
    "accuracy-without-end": _text(b'{"schema_version": 2, "rows": [{"accuracy": 1e999999}]}'),
    "nan": _first_row(stderr=float("nan")),
    "infinite-seconds": _first_row(wall_s=float("inf")),
    "not-utf8": _text(b'{"rows": "\xff\xfe"}'),
    "utf16": lambda run: (run / "summary.json").write_text("{}", encoding="utf-16"),
    "wrong-types": _first_row(accuracy="high", seed=[0], method={"a": 1}),
    "rows-are-text": _summary(lambda content: content.update(rows="all")),
    "list": _text(b"[1, 2]"),
    "empty": _text(b""),
    "cut-off": _text(b'{"schema_version": 2, "rows": [{"method": "ba'),
    "nested": _text(b"[" * 100_000),
    "of-the-future": _summary(lambda content: content.update(schema_version=99)),
    "twice": _summary(lambda content: content["rows"].append(content["rows"][0])),
    "points-out": _first_row(method="../../../../tmp/out"),
    "points-out-by-student": _first_row(student=".."),
    "nul": _first_row(student="a\0b"),
    "no-name": _first_row(method=""),
    "folder-in-place": _in_place_of_summary(Path.mkdir),
    "pipe": _in_place_of_summary(os.mkfifo),
    "large": _in_place_of_summary(_large),
    "loop": _loop,
}


def _samples(change: Callable[[Path], object], student: str) -> Callable[[Path], None]:
    def damage(run: Path) -> None:
        change(RunFiles(run, "grpo", student, 0).samples / "lab_math.parquet")

    return damage


def _rows(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Path], object]:
    return lambda file: write_rows(file, [change(row) for row in read_rows(file)])


def _without(name: str) -> Callable[[Path], object]:
    return _rows(lambda row: {k: v for k, v in row.items() if k != name})


def _folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _table(what: str, content: bytes | None = None) -> Callable[[Path, str], None]:
    """A table of grpo that holds something else."""

    def damage(run: Path, student: str) -> None:
        file = RunFiles(run, "grpo", student, 0).table(what)
        if content is None:
            write_rows(file, [{"something": "else"}])
        else:
            file.write_bytes(content)

    return damage


def _base_lacks_a_task(run: Path, student: str) -> None:
    _summary(
        lambda content: content.update(
            rows=[r for r in content["rows"] if (r["method"], r["task"]) != ("base", "lab_math")]
        )
    )(run)


def _of_samples(change: Callable[[Path], object]) -> Callable[[Path, str], None]:
    return lambda run, student: _samples(change, student)(run)


# What can be shown in part: the student of its name is on the board.
IN_PART: dict[str, Callable[[Path, str], None]] = {
    "base-lacks-a-task": _base_lacks_a_task,
    "no-verdicts": _of_samples(_without("strict")),
    "no-items": _of_samples(_without("item_id")),
    "verdicts-are-text": _of_samples(_rows(lambda row: row | {"strict": "yes"})),
    "verdicts-are-large": _of_samples(_rows(lambda row: row | {"strict": 7.5})),
    "no-parquet": _of_samples(lambda file: file.write_bytes(b"PAR1 and no more")),
    "empty-parquet": _of_samples(lambda file: write_rows(file, [])),
    "folder-for-samples": _of_samples(_folder),
    "no-samples": lambda run, student: shutil.rmtree(RunFiles(run, "grpo", student, 0).samples),
    "capability-without-columns": _table("capability"),
    "capability-is-none": _table("capability", b"PAR1"),
    "course-without-columns": _table("course"),
    "stages-without-columns": _table("stages"),
    "<script>alert(1)<-script>": lambda run, student: None,
}


def hostile_results(place: Path) -> None:
    """Two sound runs, `sound-one` and `sound-two`, and one for each of these names."""
    for name in ("sound-one", "sound-two"):
        sound_run(place / name, name)
    for name, change in UNREADABLE.items():
        change(sound_run(place / name, name))
    for name, damage in IN_PART.items():
        damage(sound_run(place / name, name), name)
    sound_run(place / "deep" / "a" / "b", "deep", tasks=("lab_math",))
    (place / "summary.json").mkdir()
    (place / "to-itself").symlink_to(place, target_is_directory=True)
