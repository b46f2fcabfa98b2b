"""Publishes a run: copies what a reader needs to check and to reproduce it into results/."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from slmr.config import SUITES
from slmr.errors import RequestError
from slmr.io import locked, replacing_folder, write_json, write_rows
from slmr.results.export.first_page import write_first_page
from slmr.results.export.provenance import copy_inputs
from slmr.results.runs.files import (
    EXAMPLES,
    MANIFESTS,
    SUMMARY,
    TABLES,
    items_file,
    read_table,
)
from slmr.results.runs.manifests import manifests_of
from slmr.results.runs.method_results import RunRow
from slmr.results.runs.notes import note_of
from slmr.results.runs.schema import SummaryRow, read_summary, write_summary
from slmr.tasks.registry import load_task

Redistribution = Mapping[str, bool | None]  # task → whether its texts may be published; None where that was not stored
_TEXTS = ("prompt", "completion", "gold", "extracted", "reason")
_OF_THE_ITEM = ("prompt", "gold")  # kept once for all methods
_NO_TEXTS = {name: None for name in _TEXTS if name not in _OF_THE_ITEM}
_LEFT_OUT = (*_OF_THE_ITEM, "logprob")


def publish(
    run: Path,
    results: Path,
    name: str | None = None,
    texts: int | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Path:
    """Copies a run's summary, its evaluations' manifests and its samples; returns the published folder.

    Published again, a run's rows take the place of their own; what other runs published there under the same name
    stays, so that the parts of a long comparison come together one by one. Texts of a task whose data has no licence
    that allows it are left out, which the `README.md` says: verdicts and counts remain. So it is with those of the
    completions of an item after the first `texts`, where that is given: they are most of what a comparison of many
    seeds weighs. A `NOTE.md` in the published folder stays, and stands at the top of its `README.md`.

    Own recipes, profiles and tasks that the rows' commands name are copied, too; what of them cannot be is told to
    `say` and stands in the `README.md`, a line each.

    Raises:
        RequestError: the folder is no run, its samples are missing or damaged, the name is no folder's in `results`,
            or what is published under it was measured with another version of a task or its checker.
    """
    read_summary(run / SUMMARY)  # before anything is made
    name = run.resolve().name if name is None and run.name in ("", "..") else name or run.name
    if name.startswith(".") or "/" in name or not name.isprintable():
        raise RequestError(f"--name {name!r}: a published run has the name of a folder in {results}")
    target = results / name
    partial = results / f".{target.name}.partial"
    with locked(results), replacing_folder(target, partial):
        for line in _fill(run, target, partial, texts):
            say(line)
    return target


def _fill(run: Path, target: Path, partial: Path, texts: int | None) -> list[str]:
    """Fills the folder: what was published before, with the run added; returns the lines about missing inputs."""
    if target.is_dir():
        shutil.copytree(target, partial)
    partial.mkdir(parents=True, exist_ok=True)
    summary = read_summary(run / SUMMARY)
    redistribution = {row.task: row.redistribute for row in summary.rows}
    before = read_summary(partial / SUMMARY) if (partial / SUMMARY).is_file() else None
    new = {row.identity for row in summary.rows}
    others = [row for row in before.rows if row.identity not in new] if before else []
    _check_same_versions(summary.rows, others, target)
    _check_profile(summary.rows, before.rows if before else [], target)
    for row in summary.rows:
        _copy_samples(run, partial, row, texts, _is_free(row.task, redistribution))
    for row in {(r.method, r.student, r.seed): r for r in summary.rows}.values():  # once for all of its tasks
        _copy_tables(run, partial, row, redistribution)
    rows = sorted([*others, *summary.rows], key=lambda r: (r.student, r.seed, r.identity))
    manifests = manifests_of([*(RunRow(row, partial) for row in others), *(RunRow(row, run) for row in summary.rows)])
    write_json(partial / MANIFESTS, manifests)
    contamination = [*(before.contamination if before else []), *summary.contamination]
    newest = {(c.train, c.test): c for c in contamination}
    write_summary(partial / SUMMARY, rows, list(newest.values()))
    data = sorted({f"{r.task}: {r.data}{_licence(r)}" for r in rows if r.data})
    inputs = copy_inputs(rows, partial)
    write_first_page(partial, note_of(partial), data, rows, manifests, target.name, inputs)
    return inputs


def _check_same_versions(rows: Sequence[SummaryRow], others: Sequence[SummaryRow], target: Path) -> None:
    """Checks that both have common tasks and the same versions of task and checker, because they form one table.

    Raises:
        RequestError: they do not.
    """
    published = {row.task: row for row in others}
    if rows and others and not published.keys() & {row.task for row in rows}:
        raise RequestError(
            f"{target} holds {', '.join(published)}, and this run has none of these tasks: publish it under another"
            " --name"
        )
    for row in rows:
        other = published.get(row.task, row)
        for what in ("checker", "task"):  # a task's version depends on the checker's
            new, old = (getattr(r, f"{what}_version") for r in (row, other))
            if new != old:
                hint = ", or `slmr rescore` the older one first" if what == "checker" else ""
                raise RequestError(
                    f"{target} holds {row.task} with version {old} of the {what}, this run has {new}: publish it"
                    f" under another --name{hint}"
                )


def _check_profile(rows: Sequence[SummaryRow], published: Sequence[SummaryRow], target: Path) -> None:
    """Raises RequestError if a run was made with another profile than what is published under its name."""
    here, there = (sorted({row.profile for row in side if row.profile}) for side in (rows, published))
    if here and there and here != there:
        raise RequestError(
            f"{target} holds a run with the profile {', '.join(there)}, this run has {', '.join(here)}: publish it"
            " under another --name"
        )


def _copy_samples(run: Path, target: Path, row: SummaryRow, texts: int | None, free: bool) -> None:
    if not row.samples_file(run).is_file():
        raise RequestError(f"{row.samples_file(run)} is missing: a result is published with its samples")
    samples, copy = row.samples(run), row.samples_file(target)
    left_out = {*_LEFT_OUT, *(() if free else _TEXTS)}
    published = [{k: v for k, v in sample.items() if k not in left_out} for sample in samples]
    if free and texts is not None:
        published = [s if s["k_index"] < texts else {**s, **_NO_TEXTS} for s in published]
    write_rows(copy, published, small=True)
    if free:
        _add_items(target, row.task, samples)


def _add_items(target: Path, task: str, samples: Sequence[dict[str, Any]]) -> None:
    """Adds the items' texts to those that are there."""
    file = items_file(target, task)
    old = {row["item_id"]: row for row in read_table(file)} if file.is_file() else {}
    new = {s["item_id"]: {name: s[name] for name in ("item_id", *_OF_THE_ITEM)} for s in samples}
    if not new.keys() <= old.keys():
        write_rows(file, list({**old, **new}.values()), small=True)


def _copy_tables(run: Path, target: Path, row: SummaryRow, redistribution: Redistribution) -> None:
    here, there = row.files(run), row.files(target)
    for name in TABLES:
        if here.table(name).is_file():
            write_rows(there.table(name), read_table(here.table(name)), small=True)
    for name in EXAMPLES:
        source = here.table(name)
        examples = [e for e in read_table(source) if _is_free(e["task"], redistribution)] if source.is_file() else []
        there.write_table(name, examples)


def _is_free(task: str, redistribution: Redistribution) -> bool:
    """Whether the licence of a task's data allows its texts to be published, as stated when it was evaluated.

    Before that was stored only the shipped tasks are known; of others no text is published.
    """
    if (free := redistribution.get(task)) is not None:
        return free
    return any(task in tasks for tasks in SUITES.values()) and load_task(task).redistributable


def _licence(row: SummaryRow) -> str:
    """The licence of a row's data, if known, and whether the texts are left out for it."""
    kept_out = "" if _is_free(row.task, {row.task: row.redistribute}) else "; its texts are not published"
    return (f"; licence: {row.licence}" if row.licence else "") + kept_out
