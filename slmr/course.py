"""The course of a method's training, out of its stages: held-out accuracy by tokens spent, and moves between groups.

`course/<method>/<student>/seed-<seed>.parquet`: stage, step, tokens (spent by the method so far, everything before that
stage included), validation_accuracy
`moves/<method>/<student>/seed-<seed>.parquet`:  round, before, after, n (problems; difficulty groups of two rounds)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from slmr.recipes import Node
from slmr.results import run_file
from slmr.stagewise.data import DRIFT
from slmr.store import Cost, Store, read_rows, write_rows
from slmr.train.curve import CURVE


def export_course(run: Path, store: Store, model: Node, method: str, student: str, seed: int) -> None:
    """Writes what there is of both; a method that does not train, or without validation, has no file."""
    for name, rows in (("course", list(_points(store, model))), ("moves", list(_moves(store, model)))):
        if rows:
            file = run_file(run, name, method, student, seed)
            file.parent.mkdir(parents=True, exist_ok=True)
            write_rows(file, rows)


def spent_on(store: Store, nodes: Iterable[Node]) -> Cost:
    """What these stages and all that they depend on cost, each once."""
    made = {node.key: node for top in nodes for node in top.ancestors() if node.stage is not None}
    total = Cost()
    for node in made.values():
        assert node.stage is not None
        total = total + store.manifest(node.stage.name, node.key).cost
    return total


def _points(store: Store, model: Node) -> Iterable[dict[str, Any]]:
    for node, folder in _artefacts(store, model):
        if not (folder / CURVE).is_file():
            continue
        before = spent_on(store, [child for group in node.inputs.values() for child in group]).tokens
        spent = 0.0
        for row in read_rows(folder / CURVE):
            # The row of step 0 has no counts yet.
            now = sum(row.get(name) or 0 for name in ("train_tokens", "rollout_tokens", "teacher_tokens"))
            spent = max(spent, now)
            if row.get("validation_accuracy") is not None:
                yield {"stage": node.label, "step": int(row["step"]), "tokens": before + int(spent),
                       "validation_accuracy": row["validation_accuracy"]}  # fmt: skip


def _moves(store: Store, model: Node) -> Iterable[dict[str, Any]]:
    drifts = [folder / DRIFT for _, folder in _artefacts(store, model) if (folder / DRIFT).is_file()]
    for number, file in enumerate(drifts, 1):
        counts = Counter((row["before"], row["after"]) for row in read_rows(file))
        for (before, after), n in sorted(counts.items()):
            yield {"round": number, "before": before, "after": after, "n": n}


def _artefacts(store: Store, model: Node) -> Iterable[tuple[Node, Path]]:
    """The stages behind a model with their folders, inputs first."""
    for node in model.ancestors():
        if node.stage is not None:
            yield node, store.path(node.stage.name, node.key)
