"""The pool and what is held out of it: never the same problem in both, and no silent shortage."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.curriculum.pool import PoolParams, pool_stage
from slmr.curriculum.schema import PROBLEMS, VALIDATION, Problem
from slmr.errors import RequestError
from slmr.io import read_rows
from slmr.stage import StageContext
from tests.curriculum.common import context

TASK = """
task: mine
custom_dataset: !function data.load
test_split: test
training_split: train
{extra}
doc_to_text: "{{{{problem}}}}\\nEnd with #### and the number."
doc_to_target: "{{{{gold}}}}"
process_results: !function slmr.tasks.score_numeric
generation_kwargs: {{until: ["\\n\\n"], max_gen_toks: 32, do_sample: false}}
metric_list: [{{metric: accuracy, aggregation: mean, higher_is_better: true}}]
metadata: {{version: 1, kind: numeric, edition: paper}}
"""
# Problem 9 asks what problem 0 does.
DATA = """
from datasets import Dataset


def load(**_):
    rows = [{'problem': f'{i % 9} + 1?', 'gold': str(i % 9 + 1), 'solution': 's'} for i in range(10)]
    held = [{'problem': f'{i} * 2?', 'gold': str(2 * i)} for i in range(4)]
    return {name: Dataset.from_list(part) for name, part in (('test', rows[:1]), ('train', rows), ('validation', held))}
"""


def made(
    place: Path,
    task: str,
    size: int,
    validation: int,
    tasks_paths: tuple[Path, ...] = (),
    levels: tuple[int, ...] = (),
) -> StageContext:
    found = context(place)
    found.tasks_paths = tasks_paths
    pool_stage(found, PoolParams(task=task, size=size, validation=validation, levels=levels))
    return found


def read(context: StageContext) -> tuple[list[Problem], list[Problem]]:
    return read_rows(context.folder / PROBLEMS), read_rows(context.folder / VALIDATION)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "tasks" / "mine").mkdir(parents=True)
    (tmp_path / "tasks" / "mine" / "task.yaml").write_text(TASK.format(extra=""))
    (tmp_path / "tasks" / "mine" / "data.py").write_text(DATA)
    return tmp_path / "tasks"


@pytest.mark.parametrize("task", ["lab_gsm8k", "lab_logiqa"])
def test_a_lab_pool_holds_out_problems_of_the_validation_split(tmp_path: Path, task: str) -> None:
    found = made(tmp_path / "out", task, 60, 25)
    pool, held = read(found)
    assert (len(pool), len(held), found.stats["validation"]) == (60, 25, 25)
    assert not {row["problem"] for row in pool} & {row["problem"] for row in held}
    assert set(pool[0]) == set(held[0])
    assert pool == read_rows(made(tmp_path / "without", task, 60, 0).folder / PROBLEMS)


def test_nothing_is_written_where_nothing_is_held_out(tmp_path: Path) -> None:
    found = made(tmp_path / "out", "lab_gsm8k", 5, 0)
    assert not (found.folder / VALIDATION).exists() and "validation" not in found.stats


def test_a_task_without_validation_gives_its_last_training_problems(tmp_path: Path, own: Path) -> None:
    pool, held = read(made(tmp_path / "out", "mine", 5, 3, (own,)))
    assert [row["gold"] for row in pool] == ["1", "2", "3", "4", "5"]
    assert [row["gold"] for row in held] == ["7", "8", "9"]  # the last one repeats one of the pool


def test_a_validation_split_comes_first(tmp_path: Path, own: Path) -> None:
    (own / "mine" / "task.yaml").write_text(TASK.format(extra="validation_split: validation"))
    _, held = read(made(tmp_path / "out", "mine", 10, 3, (own,)))
    assert [row["problem"] for row in held] == ["0 * 2?", "1 * 2?", "2 * 2?"]
    with pytest.raises(RequestError, match="'mine' has 4 validation problems"):
        made(tmp_path / "more", "mine", 10, 5, (own,))


@pytest.mark.parametrize(("size", "validation"), [(8, 2), (10, 1), (5, 6)])
def test_more_than_there_is_is_refused(tmp_path: Path, own: Path, size: int, validation: int) -> None:
    with pytest.raises(RequestError, match="'mine' has 10 training problems"):
        made(tmp_path / "out", "mine", size, validation, (own,))


def test_gsm8k_holds_out_its_last_problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = '{"question": "What is %d + 1?", "answer": "It is %d.\\n#### %d"}\n'
    (tmp_path / "gsm8k").mkdir()
    (tmp_path / "gsm8k" / "train.jsonl").write_text("".join(line % (i, i + 1, i + 1) for i in range(10)))
    monkeypatch.setenv("SLMR_DATA", str(tmp_path))
    _, held = read(made(tmp_path / "a", "gsm8k_platinum", 6, 4))
    assert [row["problem"] for row in held] == [f"What is {i} + 1?" for i in range(6, 10)]
    with pytest.raises(RequestError, match="take a smaller pool or a smaller validation set"):
        made(tmp_path / "b", "gsm8k_platinum", 7, 4)


def test_a_pool_of_some_levels(tmp_path: Path) -> None:
    pool, held = read(made(tmp_path, "lab_gsm8k", 40, 10, levels=(3, 5)))
    assert (len(pool), len(held)) == (40, 10)
    assert {row["difficulty"] for row in [*pool, *held]} == {3, 5}
    whole = [row["id"] for row in read(made(tmp_path / "whole", "lab_gsm8k", 400, 1))[0]]
    ids = [row["id"] for row in pool]
    assert ids == [i for i in whole if i in set(ids)]  # those of the whole pool, in its order


def test_levels_that_there_are_not(tmp_path: Path, own: Path) -> None:
    with pytest.raises(RequestError, match=r"a lab task has the levels \[1, 2, 3, 4, 5\]"):
        made(tmp_path, "lab_gsm8k", 4, 0, levels=(6,))
    with pytest.raises(RequestError, match="'mine' has no train problem of the levels"):
        made(tmp_path, "mine", 4, 0, (own,), levels=(1,))


def test_a_pool_of_all_levels_keeps_the_key_that_it_had() -> None:
    assert "levels" not in PoolParams(task="lab_gsm8k", size=4).identity()
    assert PoolParams(task="lab_gsm8k", size=4, levels=(3,)).identity()["levels"] == [3]
