"""Describes an artefact for `slmr show`: its origin, its composition, and examples."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slmr.artifacts import MANIFEST, STATS, Manifest, read_manifest
from slmr.curriculum.bridge import SCORES
from slmr.curriculum.critique import CRITIQUES
from slmr.curriculum.schema import FAILURES, GROUPS, PROBLEMS, ROLLOUTS, TRACES
from slmr.errors import RequestError, WorkError, one_line, readable, unknown
from slmr.evaluate import SAMPLES
from slmr.io import read_json, read_rows
from slmr.results.render.text_tables import in_parts
from slmr.results.runs.files import ARTEFACTS, SUMMARY, evaluation_folder
from slmr.results.runs.schema import read_summary
from slmr.training.curve import CURVE

Row = dict[str, Any]
Example = list[tuple[str, str]]  # label and text, in reading order
_LISTED = 20  # artefacts that a message names


@dataclass(frozen=True)
class Artefact:
    """The description of an artefact. `composition` counts the rows of its data by group."""

    folder: Path
    manifest: Manifest
    stats: dict[str, Any]
    composition: dict[str, int]
    examples: list[Example]
    curve: list[Row]


def find_artefact(reference: str, runs: Path) -> Path:
    """Finds an artefact by its path, or by the start of its name (`bridge-3f`) or hash in `runs`, one run or many.

    The path of a run that holds one artefact, as an evaluation does, stands for this artefact.

    Raises:
        RequestError: there is none, or the name fits several.
    """
    if reference and Path(reference).is_dir():
        return _artefact_of(Path(reference))
    inside = ARTEFACTS if (runs / ARTEFACTS).is_dir() else f"*/{ARTEFACTS}"
    artefacts = [file.parent for file in sorted(runs.glob(f"{inside}/*/{MANIFEST}"))]
    if not artefacts:
        raise RequestError(
            f"{runs} has no artefacts, which `slmr bench` and `slmr eval` make: name the folder with --runs"
        )
    fitting = [f for f in artefacts if f.name.startswith(reference) or f.name.split("-")[-1].startswith(reference)]
    if len({f.name for f in fitting}) > 1:
        several = sorted({f"{f.name}{_method_of(f)}" for f in fitting})
        raise RequestError(f"'{reference}' fits several artefacts; name one: {', '.join(several[:_LISTED])}")
    if not fitting:
        raise unknown(f"artefact below {runs}", reference, [f.name for f in artefacts])
    return fitting[0]


def _method_of(artefact: Path) -> str:
    """` (method)` if the artefact is the model of a method that its run has evaluated."""
    run, key = artefact.parent.parent, artefact.name.rpartition("-")[2]
    if not (run / SUMMARY).is_file():
        return ""
    for row in read_summary(run / SUMMARY).rows:
        file = evaluation_folder(run, row.manifest) / MANIFEST
        if file.is_file() and key in read_json(file)["inputs"].get("model", []):
            return f" ({row.method})"
    return ""


def _artefact_of(folder: Path) -> Path:
    """The folder itself, or the one artefact of the run that it is."""
    if (folder / MANIFEST).is_file():
        return folder
    inside = [file.parent for file in sorted(folder.glob(f"{ARTEFACTS}/*/{MANIFEST}"))]
    if not inside:
        raise RequestError(f"{folder} is neither an artefact nor a run: it has no {MANIFEST} and no artefacts")
    if len(inside) > 1:
        rest = f" and {len(inside) - _LISTED} more" if len(inside) > _LISTED else ""
        names = ", ".join(artefact.name for artefact in inside[:_LISTED]) + rest
        command = f"slmr show {inside[0].name} --runs {shlex.quote(str(folder))}"
        raise RequestError(f"{folder} is a run of {len(inside)} artefacts, name one, as in `{command}`: {names}")
    return inside[0]


def read_artefact(folder: Path, n: int) -> Artefact:
    """Describes an artefact, with `n` examples spread evenly over the data.

    Raises:
        WorkError: the artefact is damaged.
    """
    try:
        manifest = read_manifest(folder)
        stats = read_json(folder / STATS) if (folder / STATS).is_file() else {}
        curve = read_rows(folder / CURVE) if (folder / CURVE).is_file() else []
        kind = next((kind for kind in KINDS if (folder / kind.file).is_file()), None)
        rows = kind.rows(folder) if kind else []
    except (OSError, ValueError, KeyError) as error:
        raise WorkError(f"artefact {folder} is damaged ({one_line(error)}): delete that folder, run again") from None
    composition = dict(sorted(Counter(map(kind.group, rows)).items())) if kind else {}
    examples = [kind.example(row) for row in spread(rows, n)] if kind else []
    return Artefact(folder, manifest, stats, composition, examples, curve)


# --- what each kind of data looks like -------------------------------------------------------------


def spread(rows: Sequence[Row], n: int) -> list[Row]:
    """At most `n` of the rows, evenly spread over all."""
    count = min(n, len(rows))
    return [rows[i * len(rows) // count] for i in range(count)]


def bridged(folder: Path) -> list[Row]:
    """One row per problem of Bridge: prompt, number of sound candidates, the raw and the kept one."""
    prompts = {row["problem_id"]: row["prompt"] for row in read_rows(folder / TRACES)}
    problems: dict[str, Row] = {}
    for row in read_rows(folder / SCORES):
        problem = problems.setdefault(row["problem_id"], {"prompt": prompts.get(row["problem_id"], ""), "tried": 0})
        problem["tried"] += row["verified"] and not row.get("fault")  # an artefact of old has no such column
        if row["source"] == "raw":
            problem["raw"] = row
        if row["kept"]:
            problem["kept"] = row
    return list(problems.values())


@dataclass(frozen=True)
class Kind:
    """A kind of data: its file, the group in which a row is counted, and how a row is shown."""

    file: str
    group: Callable[[Row], str]
    example: Callable[[Row], Example]

    def rows(self, folder: Path) -> list[Row]:
        """The rows of the file; for Bridge one row per problem."""
        return bridged(folder) if self.file == SCORES else read_rows(folder / self.file)


def _bridge_example(row: Row) -> Example:
    raw, chosen = row.get("raw"), row.get("kept")
    parts: Example = [("problem", row["prompt"])]
    if raw:
        parts.append(("raw trace" + _scores(raw), raw["text"]))
    if chosen is None:
        return [*parts, ("kept", "nothing: none of the candidates is sound")]
    if chosen["source"] != "raw":
        return [*parts, (f"bridged, {chosen['source']}{_scores(chosen)}", chosen["text"])]
    others = row["tried"] - 1
    why = f"none of {others} sound rewrites is preferred" if others else "every rewrite is the same or unsound"
    return [*parts, ("kept", f"the raw trace: {why}")]


def _scores(candidate: Mapping[str, Any]) -> str:
    if candidate["nll"] is None:
        return f" (not scored: {candidate.get('fault') or 'does not verify'})"
    return f" (NLL {candidate['nll']:.2f} nats a token, {candidate['spikes']:.0%} spikes)"


def _critique_example(row: Row) -> Example:
    position = f"step {row['wrong_step'] + 1}" if row["wrong_step"] is not None else "not found"
    by = f", by {row['found_by']}" if row["found_by"] else ""
    return [
        ("problem", row["problem"]),
        ("failure", row["attempt"]),
        (f"first wrong step: {position}{by}", row["step_text"] or ""),
        ("diagnosis", row["diagnosis"] or "none: not confirmed"),
        ("repair", f"{row['repair_prefix']}⟨{row['repair']}⟩" if row["repair"] else "none"),
        ("new trace", row["new"] or "none: the teacher's is not sound"),
    ]


def _trace_example(row: Row) -> Example:
    example: Example = [("problem", row["prompt"])]
    if row["prefix"]:
        example.append(("given beginning", row["prefix"]))
    return [*example, (row["source"], row["completion"])]


def _group_example(row: Row) -> Example:
    interval = f", 95 % interval {row['low']:.2f} to {row['high']:.2f}" if "low" in row else ""
    return [(row["problem_id"], f"{row['group']}: {row['correct']} of {row['k']} right{interval}")]


KINDS = (
    Kind(CRITIQUES, lambda r: str(r["found_by"] or "not found"), _critique_example),
    Kind(SCORES, lambda r: r["kept"]["source"] if "kept" in r else "nothing sound", _bridge_example),
    Kind(TRACES, lambda r: r["source"], _trace_example),
    Kind(
        ROLLOUTS,
        lambda r: r["status"],
        lambda r: [("problem", r["problem_id"]), (r["status"], r["completion"])],
    ),
    Kind(PROBLEMS, lambda r: f"difficulty {r['difficulty']}", lambda r: [(f"gold {r['gold']}", r["prompt"])]),
    Kind(GROUPS, lambda r: r["group"], _group_example),
    Kind(
        SAMPLES,
        lambda r: r["status"],
        lambda r: [("problem", r["prompt"]), (f"{r['status']}, gold {r['gold']}", r["completion"])],
    ),
    Kind(FAILURES, lambda r: "failures", lambda r: [(r["problem_id"], r["completion"])]),
)


# --- on the terminal ---------------------------------------------------------------------------------


def lines(artefact: Artefact, width: int | None = None) -> list[str]:
    """The artefact as plain text, with the control characters of a model's text made visible.

    With a width, the curve's table has as many columns beside each other as fit; other lines are as long as they are.
    """
    manifest = artefact.manifest
    output = [
        artefact.folder.name,
        f"parameters  {_pairs({k: v for k, v in manifest.parameters.items() if v not in (None, '', [])})}",
        f"inputs      {_pairs({k: ', '.join(v) for k, v in manifest.inputs.items() if v})}",
        f"cost        {_pairs({k: v for k, v in manifest.cost.model_dump().items() if v}, '.3g')}",
        *(f"{name:<11} {_value(value)}" for name, value in artefact.stats.items()),
    ]
    if artefact.composition:
        output += ["", f"{sum(artefact.composition.values())} rows: {_pairs(artefact.composition)}"]
    for number, example in enumerate(artefact.examples, 1):
        output += ["", f"--- example {number}"]
        for label, text in example:
            gap = "\n" if "\n" in text.strip() else " "
            output.append(f"{label}:{gap}{readable(text)}")
    return [*output, *curve_lines(artefact.curve, width)]


CURVE_COLUMNS = (
    "step",
    "loss",
    "reward",
    "accuracy",
    "format",
    "length",
    "truncated",
    "kl",
    "entropy",
    "clip_ratio",
    "zero_variance",
    "validation_accuracy",
    "validation_kl",
)


def curve_lines(curve: Sequence[Row], width: int | None = None, most: int = 12) -> list[str]:
    """The training curve as a table of at most `most` steps, in parts no wider than `width`."""
    if not curve:
        return []
    names = [name for name in CURVE_COLUMNS if any(row.get(name) is not None for row in curve)]
    parts = in_parts(names, 1, lambda part: width is None or sum(map(_curve_width, part)) - 2 <= width)
    output = ["", f"curve, {len(curve)} points:"]
    for part in parts:
        cells = [["" if row.get(name) is None else f"{row[name]:.4g}" for name in part] for row in spread(curve, most)]
        output += [
            "".join(cell.rjust(_curve_width(name)) for cell, name in zip(row, part, strict=True))[2:]
            for row in [part, *cells]
        ]
    return output


def _curve_width(name: str) -> int:
    """The width of a column, with the gap before it."""
    return 2 + max(9, len(name))


def _pairs(values: Mapping[str, Any], form: str = ".4g") -> str:
    return ", ".join(f"{name} {_value(value, form)}" for name, value in values.items()) or "none"


def _value(value: Any, form: str = ".4g") -> str:
    if isinstance(value, dict):
        return _pairs(value, form)
    if isinstance(value, float):
        return f"{value:{form}}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
