"""Looking at one model, task or method: what `slmr probe`, `verify`, `validate` and `show` do."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmr.bench import BenchRequest, Plan, make_artefacts
from slmr.display import BenchDisplay, tell
from slmr.engines.models import resolve_model
from slmr.errors import RequestError, unknown
from slmr.profiles import load_profile
from slmr.recipes import Node, Planner, Recipe, load_recipe, stages
from slmr.stagewise.data import GROUPS
from slmr.stagewise.partition import GROUP_ORDER
from slmr.stats import bounded_mean
from slmr.store import disk_faults, read_rows
from slmr.tasks import Item, Task, load_task, strict_form
from slmr.verify import verify

if TYPE_CHECKING:
    from rich.table import Table


def _planner(model: str, profile: Any, seed: int) -> tuple[Planner, Node]:
    found = resolve_model(model, tell)
    planner = Planner(found.location, found.key, profile.stages, profile.engine, seed)
    return planner, planner.plan(load_recipe("base"))


def _make(nodes: list[Node], profile: str, out: Path, name: str, tasks_paths: tuple[Path, ...] = ()) -> Path:
    """Makes the nodes, in order, in the run folder `out/name`; returns the last one's folder."""
    request = BenchRequest(profile=profile, out=out, tasks_paths=tasks_paths)
    plan = Plan(load_profile(profile), [], [], out / name, request, nodes)
    with BenchDisplay() as display, disk_faults(out):
        store = make_artefacts(plan, display)
    last = nodes[-1]
    assert last.stage is not None
    return store.path(last.stage.name, last.key)


@dataclass(frozen=True)
class ProbeRequest:
    """What `slmr probe` was asked for. What is None, like every other setting, is the profile's."""

    model: str
    k: int = 8
    limit: int | None = None
    adaptive: str | None = None
    stop_error: float | None = None
    profile: str = "lab"
    seed: int = 0
    out: Path = Path("runs")


def probe_model(request: ProbeRequest) -> tuple[list[dict[str, Any]], Path]:
    """Probes and partitions the pool; returns one row a difficulty group, and the folder of the rollouts.

    Raises:
        RequestError: a setting does not fit, or there is no such model or profile.
    """
    profile = load_profile(request.profile)
    values = {name: dict(profile.stages.get(name, {})) for name in ("pool", "probe", "partition")}
    chosen = {"k": request.k, "adaptive": request.adaptive, "stop_error": request.stop_error}
    values["probe"] |= {name: value for name, value in chosen.items() if value is not None}
    if request.stop_error is not None and values["probe"].get("adaptive", "off") == "off":
        raise RequestError("--stop-error is of an adaptive probe: give --adaptive difficulty or mixed, too")
    if request.limit is not None:
        values["pool"]["size"] = request.limit
    planner, student = _planner(request.model, profile, request.seed)
    made: dict[str, Node] = {}
    for name, inputs in (("pool", ()), ("probe", ("model", "problems")), ("partition", ("probe",))):
        known = {"model": student, "problems": made.get("pool"), "probe": made.get("probe")}
        given = {label: (node,) for label in inputs if (node := known[label])}
        made[name] = planner.make(stages()[name], name, values[name], given, f"stage {name}")
    folder = _make(list(made.values()), request.profile, request.out, "probe")
    groups = read_rows(folder / GROUPS)
    return [
        _group_row(name, groups) for name in reversed(GROUP_ORDER)
    ], folder.parent / f"probe-{made['probe'].key}"


def _group_row(name: str, groups: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A group's size, its share of the pool with a 95 % interval, and how many problems have which rate."""
    inside = [g for g in groups if g["group"] == name]
    share = bounded_mean([float(g["group"] == name) for g in groups])
    alike = Counter((g["correct"], g["k"], g["rho"], g["low"], g["high"]) for g in inside)
    rates = [
        {"problems": n} | dict(zip(("correct", "k", "rho", "low", "high"), counts, strict=True))
        for counts, n in sorted(alike.items(), key=lambda pair: (-pair[0][2], -pair[0][1]))
    ]
    return {
        "name": name, "problems": len(inside), "share": share.mean, "low": share.low, "high": share.high,
        "histogram": dict(sorted(Counter(g["correct"] for g in inside).items())), "rates": rates,
    }  # fmt: skip


def probe_table(rows: list[dict[str, Any]]) -> Table:
    """The partition with a histogram: how many problems got how many right completions."""
    from rich.table import Table

    table = Table(title="Right completions a problem", title_justify="left")
    for name in ("right", "problems", "share or rate", "95 % interval", ""):
        table.add_column(name, justify="left" if name == "" else "right")
    most = max((rate["problems"] for row in rows for rate in row["rates"]), default=1)
    for row in rows:
        interval = f"{row['low']:.1%} – {row['high']:.1%}"
        table.add_row(
            f"[bold]{row['name']}[/bold]", str(row["problems"]), f"{row['share']:.1%}", interval, ""
        )
        for rate in row["rates"]:
            table.add_row(
                f"{rate['correct']} of {rate['k']}", str(rate["problems"]), f"{rate['rho']:.2f}",
                f"{rate['low']:.2f} – {rate['high']:.2f}", "█" * max(1, round(40 * rate["problems"] / most)),
            )  # fmt: skip
    return table


def rollouts_line(stats: Mapping[str, Any]) -> str:
    """What a probe spent of what it would spend at most."""
    spent, most = stats["rollouts"], stats["asked_at_most"]
    if spent == most:
        return f"{spent:,}, all that were asked for"
    certain = (
        f"; about {stats['expected_error']:.1%} of the groups would change"
        if "expected_error" in stats
        else ""
    )
    return f"{spent:,} of at most {most:,}: {stats['saved']:.0%} saved{certain}"


def validate_task(task: Task, n: int = 500) -> tuple[int, list[str]]:
    """How many golds were tried (of all splits that are there), and what is wrong with which.

    A gold is wrong if it fails its own checker, or if the same problem has another one in its split.
    """
    tried, wrong = 0, []
    for split in ("test", "validation", "train"):
        if split != "test" and not task.has_data(split):
            continue
        first: dict[str, Item] = {}
        for item in task.items(split, n if task.lab_generator else None):
            tried += 1
            verdict = task.verify(strict_form(item.gold, task.kind), item.gold)
            same = first.setdefault(item.problem, item)
            if not verdict.strict:
                wrong.append(f"{item.id}: {verdict.reason}")
            elif same.gold != item.gold:
                wrong.append(
                    f"{item.id}: the gold is {item.gold}, and {same.gold} for the same problem in {same.id}"
                )
    return tried, wrong


def method_stages(recipe: Recipe, profile_name: str) -> list[dict[str, Any]]:
    """The stages of a method's plan under a profile, in order."""
    profile = load_profile(profile_name)
    planner = Planner(Path(), "student", profile.stages, profile.engine, 0)
    labels: dict[str, str] = {}
    rows = []
    for node in planner.plan(recipe).ancestors():
        labels[node.key] = node.label
        if node.stage is None or node.params is None:
            continue
        inputs = [labels[child.key] for group in node.inputs.values() for child in group]
        parameters = node.params.model_dump(mode="json")
        rows.append(
            {"name": node.label, "stage": node.stage.name, "inputs": inputs, "parameters": parameters}
        )
    return rows


def verify_file(cases: Path, out: Path) -> dict[str, int]:
    """Verdicts of a JSONL of cases; returns how many got each status.

    Raises:
        RequestError: a line is not a case; the message names it.
    """
    counts: Counter[str] = Counter()
    try:
        lines = cases.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise RequestError(f"cannot read {cases}: {error.strerror}") from None
    with disk_faults(out), out.open("w", encoding="utf-8") as target:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            case = _case(line, f"{cases}:{number}")
            kind = case.get("kind") or load_task(case["task"]).kind
            verdict = verify(case["completion"], case["gold"], kind)
            counts[verdict.status] += 1
            fields = ("status", "strict", "lenient", "extracted", "reason", "elapsed_ms")
            target.write(json.dumps({"id": case["id"]} | {f: getattr(verdict, f) for f in fields}) + "\n")
    return dict(counts)


def _case(line: str, where: str) -> dict[str, Any]:
    try:
        case = json.loads(line)
    except json.JSONDecodeError as error:
        raise RequestError(f"{where}: not JSON: {error}") from None
    missing = [key for key in ("id", "completion", "gold") if key not in case]
    if not (case.get("kind") or case.get("task")):
        missing.append("kind or task")
    if missing:
        raise RequestError(f"{where}: lacks {', '.join(missing)}")
    if case.get("kind") not in (None, "numeric", "math", "choice"):
        raise RequestError(f"{where}: {unknown('kind', case['kind'], ['numeric', 'math', 'choice'])}")
    return case
