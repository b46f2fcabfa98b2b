"""A run's tables besides its summary and samples, written from the stages' artefacts.

Each table is at `<table>/<method>/<student>/seed-<seed>.parquet`:

course     stage, step, tokens (spent by the method so far, including earlier stages), and the columns of the stage's
           curve (`slmr.training.curve`), None in steps that did not measure them
moves      round, to, before, after, n (problems). With `to` = "primed": from a round's difficulty group to the outcome
           of the SFT-primed student: solved, mixed (the RL set), recycled (all wrong, used by critique) or unsolved.
           With `to` = "next": from that outcome to the next round's group
stages     label, stage, key, inputs (keys), parameters and stats (JSON), seed, tokens by kind, flops, wall_s; inputs
           come first, and the untrained student is a row with only its key
bridged    label, problem_id, task, problem, source, kept, nll, spikes, score, text, pieces (the text split into the
           student's tokens) and token_nlls (nats): the raw and the kept trace of some problems
critiques  label, task, and the columns of the critique stage, for some failures
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from slmr.artifacts import STATS, Cost, Store
from slmr.curriculum.critique import CRITIQUES
from slmr.curriculum.schema import GROUPS, OUTCOMES, problems_by_id
from slmr.io import read_json, read_rows
from slmr.pipeline.planner import Node, StageNode, spent_on
from slmr.results.render.show import bridged, spread
from slmr.results.runs.files import RunFiles
from slmr.stage import model_in
from slmr.training.curve import CURVE

Row = dict[str, Any]
_COUNTS = ("train_tokens", "rollout_tokens", "teacher_tokens")


def export_course(files: RunFiles, store: Store, model: Node) -> None:
    """Writes `course` and `moves`; a table without rows is not written."""
    for name, rows in (("course", _points(store, model)), ("moves", list(_moves(store, model)))):
        files.write_table(name, rows)


def _points(store: Store, model: Node) -> list[dict[str, Any]]:
    points = []
    for node, folder in _artefacts(store, model):
        if not (folder / CURVE).is_file():
            continue
        before = spent_on(store, node.sources).tokens
        spent = 0.0
        for row in read_rows(folder / CURVE):
            # The row of step 0 has no counts yet.
            spent = max(spent, sum(row.get(name) or 0 for name in _COUNTS))
            values = {name: value for name, value in row.items() if name not in _COUNTS}
            head = {"stage": node.label, "step": int(row["step"]), "tokens": before + int(spent)}
            points.append(values | head)
    # Every row needs every column, because a Parquet table takes its columns from the first row.
    names = dict.fromkeys(name for point in points for name in point)
    return [{name: point.get(name) for name in names} for point in points]


def _moves(store: Store, model: Node) -> Iterable[dict[str, Any]]:
    """The moves of each round; none for a recipe that does not both partition and consolidate in every round."""
    groups, outcomes, critiques = (
        [read_rows(folder / name) for _, folder in _artefacts(store, model) if (folder / name).is_file()]
        for name in (GROUPS, OUTCOMES, CRITIQUES)
    )
    if len(groups) != len(outcomes):
        return
    group_of = [{row["problem_id"]: row["group"] for row in rows} for rows in groups]
    for i, rows in enumerate(outcomes):
        recycled = {row["problem_id"] for row in critiques[i]} if i < len(critiques) else set()
        primed = {row["problem_id"]: _primed_outcome(row, recycled) for row in rows}
        yield from _count_moves({"round": i + 1, "to": "primed"}, group_of[i], primed)
        if i + 1 < len(groups):
            yield from _count_moves({"round": i + 1, "to": "next"}, primed, group_of[i + 1])


def _primed_outcome(row: Mapping[str, Any], recycled: set[str]) -> str:
    """The outcome of a problem with the primed student."""
    if row["problem_id"] in recycled:
        return "recycled"
    return {"all right": "solved", "mixed": "mixed"}.get(row["outcome"], "unsolved")


def _count_moves(
    head: Mapping[str, Any], before: Mapping[str, str], after: Mapping[str, str]
) -> Iterable[dict[str, Any]]:
    """A row for each pair of states, counting the problems that have both."""
    counts = Counter((before[name], after[name]) for name in before if name in after)
    for (state_before, state_after), n in sorted(counts.items()):
        yield {**head, "before": state_before, "after": state_after, "n": n}


def _artefacts(store: Store, model: Node) -> list[tuple[StageNode, Path]]:
    """The stages behind a model with their folders, inputs first."""
    return [(node, node.output(store)) for node in model.stages()]


def export_capability(files: RunFiles, samples: Sequence[Row]) -> None:
    """Writes a summary of a capability evaluation: the number of right completions of each item."""
    rows = []
    for (task, item), group in groupby(samples, key=lambda row: (row["task"], row["item_id"])):
        drawn = sorted(group, key=lambda row: row["k_index"])
        right = [bool(row["strict"]) for row in drawn]
        first = drawn[0]
        rows.append(
            {
                "task": task,
                "item_id": item,
                "difficulty": first["difficulty"],
                "reach": first.get("reach"),
                "k": len(right),
                "correct": sum(right),
                "correct_first": sum(right[: len(right) // 2]),
                "sound": None if first.get("sound") is None else sum(row["sound"] for row in drawn),
            }
        )
    files.write_table("capability", rows)


EXAMPLES = 10  # per stage


def export_provenance(files: RunFiles, store: Store, ends: Sequence[Node]) -> None:
    """Writes `stages`, `bridged` and `critiques` from the stages that `ends` depend on."""
    nodes = list({node.key: node for end in ends for node in end.ancestors()}.values())
    stages = [node for node in nodes if isinstance(node, StageNode)]
    tables = {
        "stages": [_stage_row(store, node) for node in nodes],
        "bridged": [row for node in stages if node.kind == "bridge" for row in _bridged_rows(store, node)],
        "critiques": [row for node in stages if node.kind == "critique" for row in _critique_rows(store, node)],
    }
    for name, rows in tables.items():
        files.write_table(name, rows)


def _stage_row(store: Store, node: Node) -> Row:
    row: Row = {
        "label": node.label,
        "stage": "student",
        "key": node.key,
        "inputs": [],
        "parameters": "{}",
        "stats": "{}",
        "seed": None,
        **Cost().model_dump(),
    }
    if not isinstance(node, StageNode):
        return row
    manifest = store.manifest(node.kind, node.key)
    return row | {
        "stage": node.kind,
        "inputs": [source.key for source in node.sources],
        "parameters": json.dumps(manifest.parameters, ensure_ascii=False),
        "stats": json.dumps(read_json(node.output(store) / STATS), ensure_ascii=False),
        "seed": node.seed,
        **manifest.cost.model_dump(),
    }


def _problems(store: Store, node: StageNode) -> Mapping[str, Mapping[str, Any]]:
    (pool,) = node.inputs["problems"]
    return problems_by_id(Path(pool.output(store)))


def _bridged_rows(store: Store, node: StageNode) -> Iterator[Row]:
    from slmr.engines.transformers import load_tokenizer

    (model,) = node.inputs["model"]
    tokenizer = load_tokenizer(model_in(Path(model.output(store))))
    problems = _problems(store, node)
    for pair in spread([pair for pair in bridged(node.output(store)) if "kept" in pair], EXAMPLES):
        changed = "raw" in pair and pair["raw"] is not pair["kept"]
        for candidate in [pair["raw"], pair["kept"]] if changed else [pair["kept"]]:
            problem = problems[candidate["problem_id"]]
            shown = {
                name: candidate[name]
                for name in ("problem_id", "source", "kept", "nll", "spikes", "score", "text", "token_nlls")
            }
            yield {
                "label": node.label,
                "task": problem["task"],
                "problem": problem["problem"],
                **shown,
                "pieces": _pieces(tokenizer, candidate["text"]),
            }


def _pieces(tokenizer: Any, text: str) -> list[str]:
    """A completion split at its tokens, as an engine scored them; the end token has no text."""
    tokens = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    starts = [start for start, _ in tokens["offset_mapping"]]
    ends = [*starts[1:], len(text)]
    return [*(text[start:end] for start, end in zip(starts, ends, strict=True)), ""]


def _critique_rows(store: Store, node: StageNode) -> Iterator[Row]:
    problems = _problems(store, node)
    for row in spread(read_rows(node.output(store) / CRITIQUES), EXAMPLES):
        yield {"label": node.label, "task": problems[row["problem_id"]]["task"], **row}
