"""What a run keeps beside its summary and samples: tables by method, student and seed, out of the stages.

`course/<method>/<student>/seed-<seed>.parquet`: stage, step, tokens (spent by the method so far, everything before that
stage included), and the columns of the stage's curve (`slmr.training.curve`), None where a step did not measure them
`moves/<method>/<student>/seed-<seed>.parquet`:  round, to, before, after, n (problems). Where `to` is "primed", from a
round's difficulty group to what the student primed by SFT makes of it: solved, mixed (the RL set), recycled (a
group was all wrong, and critique works on it) or unsolved; where it is "next", from there to the next round's group.
`stages/<method>/<student>/seed-<seed>.parquet`:    label, stage, key, inputs (keys), parameters and stats (JSON), seed,
tokens by kind, flops, wall_s; inputs come first, and the untrained student is a row with nothing but its key
`bridged/<method>/<student>/seed-<seed>.parquet`:   label, problem_id, task, problem, source, kept, nll, spikes, score,
text, pieces (the text cut at the student's tokens) and token_nlls (nats): raw trace and what was kept of some problems
`critiques/<method>/<student>/seed-<seed>.parquet`: label, task, and a row of the critique stage, of some failures
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from slmr.artifacts import Cost, Store
from slmr.curriculum.critique import CRITIQUES
from slmr.curriculum.schema import GROUPS, OUTCOMES, problems_by_id
from slmr.io import read_json, read_rows
from slmr.pipeline.planner import Node, StageNode, spent_on
from slmr.results.schema import write_table
from slmr.results.show import bridged, spread
from slmr.stage import model_in
from slmr.training.curve import CURVE

Row = dict[str, Any]
_COUNTS = ("train_tokens", "rollout_tokens", "teacher_tokens")


def export_course(run: Path, store: Store, model: Node, method: str, student: str, seed: int) -> None:
    """Writes what there is of both; a method that does not train, or without validation, has no file."""
    for name, rows in (("course", _points(store, model)), ("moves", list(_moves(store, model)))):
        write_table(run, name, method, student, seed, rows)


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
    for (state_before, state_after), n in sorted(counts.items()):
        yield {**head, "before": state_before, "after": state_after, "n": n}


def _artefacts(store: Store, model: Node) -> list[tuple[StageNode, Path]]:
    """The stages behind a model with their folders, inputs first."""
    return [(node, node.output(store)) for node in model.stages()]


def export_capability(run: Path, method: str, student: str, seed: int, samples: Sequence[Row]) -> None:
    """Writes what is kept of a capability evaluation's samples: how many completions of each item are right."""
    rows = []
    for (task, item), group in groupby(samples, key=lambda row: (row["task"], row["item_id"])):
        drawn = sorted(group, key=lambda row: row["k_index"])
        right = [bool(row["strict"]) for row in drawn]
        first = drawn[0]
        rows.append(
            {"task": task, "item_id": item, "difficulty": first["difficulty"], "reach": first.get("reach"),
             "k": len(right), "correct": sum(right), "correct_first": sum(right[: len(right) // 2]),
             "sound": None if first.get("sound") is None else sum(row["sound"] for row in drawn)}
        )  # fmt: skip
    write_table(run, "capability", method, student, seed, rows)


EXAMPLES = 10  # of each stage


def export_provenance(
    run: Path, store: Store, ends: Sequence[Node], method: str, student: str, seed: int
) -> None:
    """Writes what there is of the three tables, of the stages that `ends` depend on."""
    nodes = list({node.key: node for end in ends for node in end.ancestors()}.values())
    made = [node for node in nodes if isinstance(node, StageNode)]
    tables = {
        "stages": [_stage_row(store, node) for node in nodes],
        "bridged": [row for node in made if node.kind == "bridge" for row in _bridged_rows(store, node)],
        "critiques": [row for node in made if node.kind == "critique" for row in _critique_rows(store, node)],
    }
    for what, rows in tables.items():
        write_table(run, what, method, student, seed, rows)


def _stage_row(store: Store, node: Node) -> Row:
    row: Row = {"label": node.label, "stage": "student", "key": node.key, "inputs": [], "parameters": "{}",
                "stats": "{}", "seed": None, **Cost().model_dump()}  # fmt: skip
    if not isinstance(node, StageNode):
        return row
    manifest = store.manifest(node.kind, node.key)
    return row | {
        "stage": node.kind,
        "inputs": [source.key for source in node.sources],
        "parameters": json.dumps(manifest.parameters, ensure_ascii=False),
        "stats": json.dumps(read_json(node.output(store) / "stats.json"), ensure_ascii=False),
        "seed": node.seed,
        **manifest.cost.model_dump(),
    }  # fmt: skip


def _problems(store: Store, node: StageNode) -> Mapping[str, Mapping[str, Any]]:
    (pool,) = node.inputs["problems"]
    return problems_by_id(Path(pool.output(store)))


def _bridged_rows(store: Store, node: StageNode) -> Iterator[Row]:
    from slmr.engines.transformers import load_tokenizer

    (model,) = node.inputs["model"]
    tokenizer = load_tokenizer(model_in(Path(model.output(store))))
    problems = _problems(store, node)
    for pair in spread([found for found in bridged(node.output(store)) if "kept" in found], EXAMPLES):
        changed = "raw" in pair and pair["raw"] is not pair["kept"]
        for candidate in [pair["raw"], pair["kept"]] if changed else [pair["kept"]]:
            problem = problems[candidate["problem_id"]]
            shown = {name: candidate[name] for name in ("problem_id", "source", "kept", "nll", "spikes",
                                                        "score", "text", "token_nlls")}  # fmt: skip
            yield {"label": node.label, "task": problem["task"], "problem": problem["problem"], **shown,
                   "pieces": _pieces(tokenizer, candidate["text"])}  # fmt: skip


def _pieces(tokenizer: Any, text: str) -> list[str]:
    """A completion cut where its tokens begin, as an engine scored them; the end mark has no text."""
    tokens = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    starts = [start for start, _ in tokens["offset_mapping"]]
    ends = [*starts[1:], len(text)]
    return [*(text[start:end] for start, end in zip(starts, ends, strict=True)), ""]


def _critique_rows(store: Store, node: StageNode) -> Iterator[Row]:
    problems = _problems(store, node)
    for row in spread(read_rows(node.output(store) / CRITIQUES), EXAMPLES):
        yield {"label": node.label, "task": problems[row["problem_id"]]["task"], **row}
