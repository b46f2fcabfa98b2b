"""The first page of a published run."""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ET
from pathlib import Path

from slmr.results.publish import publish
from slmr.results.readme import speed_of, speeds
from slmr.results.schema import read_summary
from tests.made_results import summary_row
from tests.results.made_runs import made_run

RATES = {"base": 0.3, "grpo": 0.5, "stagewise": 0.6, "no_bridge": 0.58}


def test_it_is_a_verdict_a_picture_and_the_methods(tmp_path: Path) -> None:
    folder = publish(made_run(tmp_path / "run", RATES, items=60), tmp_path / "results", "lab")
    page = (folder / "README.md").read_text(encoding="utf-8")
    verdict, picture, table = map(page.index, ("stagewise leads with", "](forest.svg)", "| stagewise |"))
    assert verdict < picture < table and len(page.splitlines()) < 80
    assert "| no_bridge |" not in page and "1 more, ablations and controls," in page
    names = [e.text for e in ET.parse(folder / "forest.svg").iter() if e.get("class") == "name"]
    assert names == ["stagewise", "grpo", "base"]


def test_every_row_is_beside_it(tmp_path: Path) -> None:
    folder = publish(made_run(tmp_path / "run", RATES, seeds=range(4), items=20), tmp_path / "results", "lab")
    with (folder / "rows.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    kept = read_summary(folder / "summary.json").rows
    assert [(r["method"], int(r["seed"]), r["task"], r["command"]) for r in rows] == [
        (r.method, r.seed, r.task, r.command) for r in kept
    ]
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert page.count("slmr bench --method") == 12 and "4 more are in rows.csv." in page


def test_each_speed_stands_after_whom_it_was_measured_on() -> None:
    manifest = {"stats": {"engine": {"tokens": 5, "seconds": 1, "tokens_per_s": 5}}, "device": "cpu", "threads": 2,
                "cost": {"wall_s": 1}}  # fmt: skip
    named = {
        "a": ("grpo", "rl", "lab-llama"),
        "b": ("base", "base", "lab-qwen"),
        "c": ("eval", "model", "smol"),
    }
    rows = [
        summary_row(method, task, method_kind=kind).model_copy(update={"student": student, "manifest": key})
        for key, (method, kind, student) in named.items()
        for task in ("lab_gsm8k", "lab_math")
    ]
    first, second, third = speeds(rows, dict.fromkeys("abc", manifest))
    assert first.startswith("grpo of lab-llama, seed 0: 5 tokens in 1 s")
    assert second.startswith("base of lab-qwen, seed 0: ") and third.startswith("smol, seed 0: ")
    assert speeds(rows[:2], {"a": manifest})[0].startswith("grpo, seed 0: ") and speeds(rows, {}) == []


def test_the_speed_of_an_evaluation_is_said_where_something_was_generated() -> None:
    engine = {"tokens": 12345, "seconds": 61.2, "tokens_per_s": 201.7}
    manifest = {"stats": {"engine": engine}, "device": "cpu", "threads": 1, "cost": {"wall_s": 70.4}}
    said = "12,345 tokens in 61 s, 202 a second, on cpu with 1 thread; the whole evaluation 70 s"
    assert speed_of(manifest) == said
    assert "with 2 threads;" in speed_of({**manifest, "threads": 2})
    assert speed_of({**manifest, "stats": {"engine": None}}) == speed_of({}) == ""
