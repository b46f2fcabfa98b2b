"""The first page of a published run."""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from slmr.results.export.first_page import merged, speed_in_words, speed_of
from slmr.results.export.publish import publish
from slmr.results.runs.schema import read_summary
from tests.results.made_runs import made_run

RATES = {"base": 0.3, "grpo": 0.5, "stagewise": 0.6, "no_bridge": 0.58}


def test_it_is_a_verdict_a_picture_and_the_methods(tmp_path: Path) -> None:
    folder = publish(made_run(tmp_path / "run", RATES, items=60), tmp_path / "results", "lab")
    page = (folder / "README.md").read_text(encoding="utf-8")
    verdict, picture, table = map(page.index, ("stagewise leads with", "](forest.svg)", "| stagewise |"))
    folded = page.index("<details><summary>Ablations and controls, which are not ranked: 1</summary>")
    assert verdict < picture < table < folded < page.index("| no_bridge |") and len(page.splitlines()) < 80
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
    assert page.count("slmr bench --method") == 1 and "--seeds 0,1,2,3" in page


def test_the_speed_of_several_evaluations_is_their_median() -> None:
    def manifest(speed: int) -> dict[str, Any]:
        engine = {"tokens": 5, "seconds": 1, "tokens_per_s": speed}
        return {"stats": {"engine": engine}, "device": "cpu", "threads": 2}

    words = "The median of 3 evaluations generated 2,000 tokens a second (50 to 9,000; cpu, 2 threads)."
    assert speed_in_words([*map(manifest, (9000, 50, 2000)), {}]) == words
    assert speed_in_words([manifest(5)]) == "The evaluation generated 5 tokens a second (cpu, 2 threads)."
    assert speed_in_words([]) == speed_in_words([{}]) == ""


def test_commands_that_differ_in_method_and_seed_are_one() -> None:
    commands = [
        f"slmr bench --method {method} --profile lab --student 'a b' --seeds {seed},"
        for seed in (0, 1)
        for method in ("base", "sft")
    ]
    more = ["slmr bench --method grpo --profile lab --student 'a b' --seed 0", "slmr eval m --tasks lab"]
    assert merged([*commands, *more]) == [
        "slmr eval m --tasks lab",
        "slmr bench --method base,sft --profile lab --student 'a b' --seeds 0,1",
        "slmr bench --method grpo --profile lab --student 'a b' --seeds 0,",
    ]
    odd = ["slmr bench --method 'sft", "slmr bench --dry-run", "slmr bench --method sft --seeds"]
    assert merged(odd) == odd


def test_the_speed_of_an_evaluation_is_said_where_something_was_generated() -> None:
    engine = {"tokens": 12345, "seconds": 61.2, "tokens_per_s": 201.7}
    manifest = {"stats": {"engine": engine}, "device": "cpu", "threads": 1, "cost": {"wall_s": 70.4}}
    said = "12,345 tokens in 61 s, 202 a second, on cpu with 1 thread; the whole evaluation 70 s"
    assert speed_of(manifest) == said
    assert "with 2 threads;" in speed_of({**manifest, "threads": 2})
    assert speed_of({**manifest, "stats": {"engine": None}}) == speed_of({}) == ""
