"""`slmr lab`: the path of a model, items with their traces, a model from scratch."""

from __future__ import annotations

import json
from pathlib import Path

from slmr import lab
from tests.cli.commands import Command


def test_the_path_of_a_student(here: Command) -> None:
    assert Path(here("lab", "path", "lab-qwen").stdout.strip()) == lab.model_path("lab-qwen")
    assert here("lab", "path", "lab-qwem").returncode == 2


def test_items_with_their_traces(here: Command) -> None:
    rows = json.loads(here("lab", "sample", "lab_math", "-n", "2", "--split", "test", "--seed", "4", "--json").stdout)
    items = lab.take(lab.generator("lab_math"), "test", 2, 4)
    assert [row["name"] for row in rows] == [item.id for item in items]
    assert rows[0]["worked"] == items[0].worked() and rows[0]["raw"] == items[0].raw(0.2)
    assert items[0].problem in here("lab", "sample", "lab_math", "--split", "test", "--seed", "4").stdout


def test_a_wrong_split_is_refused(here: Command) -> None:
    said = here("lab", "sample", "lab_math", "--split", "tset")
    assert said.returncode == 2 and "test" in said.stderr


def test_a_model_from_scratch(here: Command) -> None:
    report = json.loads(here("lab", "pretrain", "lab-llama", "--out", "new", "--sequences", "64").stdout)
    assert report["sequences"] == 3 * 64
    assert here("lab", "pretrain", "lab-lama", "--out", "other").returncode == 2
