"""The course of a method's training, out of its stages: its curves by tokens spent, and how problems moved.

`course/<method>/<student>/seed-<seed>.parquet`: stage, step, tokens (spent by the method so far, everything before that
stage included), and the columns of the stage's curve (`slmr.train.curve`), None where a step did not measure them
`moves/<method>/<student>/seed-<seed>.parquet`:  round, to, before, after, n (problems). Where `to` is "primed", from a
round's difficulty group to what the student primed by SFT makes of it: solved, mixed (the RL set), recycled (a
group was all wrong, and critique works on it) or unsolved; where it is "next", from there to the next round's group.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from slmr.recipes import Node
from slmr.results import write_table
from slmr.stagewise.critique import CRITIQUES
from slmr.stagewise.data import GROUPS, OUTCOMES
from slmr.store import Cost, Store, read_rows
from slmr.train.curve import CURVE

_COUNTS = ("train_tokens", "rollout_tokens", "teacher_tokens")


def export_course(run: Path, store: Store, model: Node, method: str, student: str, seed: int) -> None:
    """Writes what there is of both; a method that does not train, or without validation, has no file."""
    for name, rows in (("course", _points(store, model)), ("moves", list(_moves(store, model)))):
        write_table(run, name, method, student, seed, rows)


def spent_on(store: Store, nodes: Iterable[Node]) -> Cost:
    """What these stages and all that they depend on cost, each once."""
    made = {node.key: node for top in nodes for node in top.ancestors() if node.stage is not None}
    total = Cost()
    for node in made.values():
        assert node.stage is not None
        total = total + store.manifest(node.stage.name, node.key).cost
    return total


def _points(store: Store, model: Node) -> list[dict[str, Any]]:
    points = []
    for node, folder in _artefacts(store, model):
        if not (folder / CURVE).is_file():
            continue
        before = spent_on(store, [child for group in node.inputs.values() for child in group]).tokens
        spent = 0.0
        for row in read_rows(folder / CURVE):
            # The row of step 0 has no counts yet.
            spent = max(spent, sum(row.get(name) or 0 for name in _COUNTS))
            measured = {name: value for name, value in row.items() if name not in _COUNTS}
            head = {"stage": node.label, "step": int(row["step"]), "tokens": before + int(spent)}
            points.append(measured | head)
    # Every row has every column: a Parquet table has those of its first row.
    names = dict.fromkeys(name for point in points for name in point)
    return [{name: point.get(name) for name in names} for point in points]


def _moves(store: Store, model: Node) -> Iterable[dict[str, Any]]:
    """Round by round; nothing for a recipe that does not both partition and consolidate in every round."""
    groups, outcomes, critiques = (
        [read_rows(folder / name) for _, folder in _artefacts(store, model) if (folder / name).is_file()]
        for name in (GROUPS, OUTCOMES, CRITIQUES)
    )
    if len(groups) != len(outcomes):
        return
    group_of = [{row["problem_id"]: row["group"] for row in rows} for rows in groups]
    for i, rows in enumerate(outcomes):
        recycled = {row["problem_id"] for row in critiques[i]} if i < len(critiques) else set()
        primed = {row["problem_id"]: _primed(row, recycled) for row in rows}
        yield from _counted({"round": i + 1, "to": "primed"}, group_of[i], primed)
        if i + 1 < len(groups):
            yield from _counted({"round": i + 1, "to": "next"}, primed, group_of[i + 1])


def _primed(row: Mapping[str, Any], recycled: set[str]) -> str:
    """What becomes of a problem after the primed student has tried it."""
    if row["problem_id"] in recycled:
        return "recycled"
    return {"all right": "solved", "mixed": "mixed"}.get(row["outcome"], "unsolved")


def _counted(
    head: Mapping[str, Any], before: Mapping[str, str], after: Mapping[str, str]
) -> Iterable[dict[str, Any]]:
    """A row for every pair of states, of the problems that have both."""
    counts = Counter((before[name], after[name]) for name in before if name in after)
    for (left, right), n in sorted(counts.items()):
        yield {**head, "before": left, "after": right, "n": n}


def _artefacts(store: Store, model: Node) -> Iterable[tuple[Node, Path]]:
    """The stages behind a model with their folders, inputs first."""
    for node in model.ancestors():
        if node.stage is not None:
            yield node, store.path(node.stage.name, node.key)
