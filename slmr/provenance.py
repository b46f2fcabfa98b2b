"""What a method's numbers come from: every stage behind them, and examples of what Bridge and critique made.

`stages/<method>/<student>/seed-<seed>.parquet`:    label, stage, key, inputs (keys), parameters and stats (JSON), seed,
tokens by kind, flops, wall_s; inputs come first, and the untrained student is a row with nothing but its key
`bridged/<method>/<student>/seed-<seed>.parquet`:   label, problem_id, task, problem, source, kept, nll, spikes, score,
text, pieces (the text cut at the student's tokens) and token_nlls (nats): raw trace and what was kept of some problems
`critiques/<method>/<student>/seed-<seed>.parquet`: label, task, and a row of the critique stage, of some failures
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from slmr.recipes import Node
from slmr.results import write_table
from slmr.stage import model_in
from slmr.stagewise.bridge import SCORES
from slmr.stagewise.critique import CRITIQUES
from slmr.stagewise.data import TRACES, problems_by_id
from slmr.store import Cost, Store, read_json, read_rows

Row = dict[str, Any]
EXAMPLES = 10  # of each stage


def export_provenance(
    run: Path, store: Store, ends: Sequence[Node], method: str, student: str, seed: int
) -> None:
    """Writes what there is of the three tables, of the stages that `ends` depend on."""
    nodes = list({node.key: node for end in ends for node in end.ancestors()}.values())
    tables = {
        "stages": [_stage_row(store, node) for node in nodes],
        "bridged": [row for node in nodes for row in _bridged_rows(store, node)],
        "critiques": [row for node in nodes for row in _critique_rows(store, node)],
    }
    for what, rows in tables.items():
        write_table(run, what, method, student, seed, rows)


def spread(rows: Sequence[Row], n: int) -> list[Row]:
    """`n` of the rows, evenly over all of them; fewer where there are fewer."""
    count = min(n, len(rows))
    return [rows[i * len(rows) // count] for i in range(count)]


def bridged(folder: Path) -> list[Row]:
    """Of each problem that Bridge worked on: prompt, how many candidates verify, the raw and the kept one."""
    prompts = {row["problem_id"]: row["prompt"] for row in read_rows(folder / TRACES)}
    found: dict[str, Row] = {}
    for row in read_rows(folder / SCORES):
        problem = found.setdefault(
            row["problem_id"], {"prompt": prompts.get(row["problem_id"], ""), "tried": 0}
        )
        problem["tried"] += row["verified"]
        if row["source"] == "raw":
            problem["raw"] = row
        if row["kept"]:
            problem["kept"] = row
    return list(found.values())


def _stage_row(store: Store, node: Node) -> Row:
    row: Row = {"label": node.label, "stage": "student", "key": node.key, "inputs": [], "parameters": "{}",
                "stats": "{}", "seed": node.seed, **Cost().model_dump()}  # fmt: skip
    if node.stage is None:
        return row
    manifest = store.manifest(node.stage.name, node.key)
    return row | {
        "stage": node.stage.name,
        "inputs": [child.key for group in node.inputs.values() for child in group],
        "parameters": json.dumps(manifest.parameters, ensure_ascii=False),
        "stats": json.dumps(read_json(store.path(node.stage.name, node.key) / "stats.json"), ensure_ascii=False),
        **manifest.cost.model_dump(),
    }  # fmt: skip


def _folder(store: Store, node: Node, stage: str) -> Path | None:
    """The artefact of a node of that stage."""
    return store.path(stage, node.key) if node.makes(stage) else None


def _problems(store: Store, node: Node) -> dict[str, Row]:
    (pool,) = node.inputs["problems"]
    assert pool.stage is not None
    return problems_by_id(store.path(pool.stage.name, pool.key))


def _bridged_rows(store: Store, node: Node) -> Iterator[Row]:
    folder = _folder(store, node, "bridge")
    if folder is None:
        return
    from slmr.engines.transformers import load_tokenizer

    (model,) = node.inputs["model"]
    place = Path(str(model.student)) if model.stage is None else store.path(model.stage.name, model.key)
    tokenizer = load_tokenizer(model_in(place))
    problems = _problems(store, node)
    for pair in spread([found for found in bridged(folder) if "kept" in found], EXAMPLES):
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


def _critique_rows(store: Store, node: Node) -> Iterator[Row]:
    folder = _folder(store, node, "critique")
    if folder is not None:
        problems = _problems(store, node)
        for row in spread(read_rows(folder / CRITIQUES), EXAMPLES):
            yield {"label": node.label, "task": problems[row["problem_id"]]["task"], **row}
