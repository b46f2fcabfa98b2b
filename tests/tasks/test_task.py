"""Tasks: reading the YAML, the prompt, few-shot examples, and a task of one's own from a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from slmr.errors import RequestError
from slmr.lab import N_TEST, split_items
from slmr.lab.items import draw_item
from slmr.tasks import Task, datasets, strict_form
from slmr.tasks.contamination import overlap
from slmr.tasks.registry import load_task, select_tasks
from tests.tasks.own import FEWSHOT, SAMPLES, own_examples, own_task

SHARED = Path(__file__).parents[3] / "shared" / "data"


def test_a_perfect_answer_in_the_requested_form_scores_one() -> None:
    for task in select_tasks("lab"):
        item = task.items("test", 1)[0]
        prompt = task.prompt(item.problem)
        assert item.problem in prompt
        mark = {"numeric": "####", "math": "\\boxed{}", "choice": "Answer:"}[task.kind]
        assert mark in prompt
        assert task.verify(strict_form(item.gold, task.kind), item.gold).strict


def test_of_a_lab_task_no_more_items_are_drawn_than_its_test_set_has_or_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: list[int] = []
    monkeypatch.setattr("slmr.lab.items.draw_item", lambda *at: (drawn.append(at[-1]), draw_item(*at))[1])
    split_items.cache_clear()
    task = load_task("lab_mawps")
    few = task.test_items(9)
    assert len(few) == 9 and max(drawn) < 2 * 9
    assert task.test_items(N_TEST + 1) == task.test_items() == task.items("test")
    assert task.test_items()[:9] == few and len(task.test_items()) == N_TEST


def test_ones_own_task_is_a_folder(tmp_path: Path) -> None:
    own_task(tmp_path)
    task = load_task("mine", [tmp_path])
    (item, *others) = task.items("test")
    assert (item.gold, len(others), task.stop, task.max_tokens) == ("2", 2, ("\n\n",), 32)
    assert task.prompt(item.problem) == "1 + 1?\nEnd with #### and the number."
    with pytest.raises(RequestError, match="no train split"):
        task.items("train")


@pytest.mark.parametrize("template", ["problem", "{{problem}}"])
def test_a_column_may_be_named_without_braces(tmp_path: Path, template: str) -> None:
    own_task(tmp_path)
    file = tmp_path / "mine/task.yaml"
    text = file.read_text().replace("{{problem}}\\nEnd with #### and the number.", template)
    file.write_text(text)
    assert load_task("mine", [tmp_path]).prompt("1 + 1?") == "1 + 1?"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (lambda task: task.items("validation"), "has no validation split"),
        (lambda task: task.items("test", 0), "must be at least 1, not 0"),
        (lambda task: task.prompt("1 + 1?"), "cannot render '{{question}}'"),
    ],
)
def test_a_request_that_a_task_cannot_answer(tmp_path: Path, asked: Callable[[Task], object], message: str) -> None:
    own_task(tmp_path)
    file = tmp_path / "mine/task.yaml"
    file.write_text(file.read_text().replace("{{problem}}\\nEnd with #### and the number.", "{{question}}"))
    with pytest.raises(RequestError, match=message):
        asked(load_task("mine", [tmp_path]))


def test_a_digest_covers_the_task_s_own_files(tmp_path: Path) -> None:
    own_task(tmp_path)
    task = load_task("mine", [tmp_path])
    before = task.digest
    (tmp_path / "mine/card.md").write_text("what it is")
    assert task.digest == before
    with (tmp_path / "mine/data.py").open("a") as file:
        file.write("# other data\n")
    assert task.digest != before


def test_where_the_items_come_from(tmp_path: Path) -> None:
    assert load_task("lab_math").data_note == "generated: lab_math version 3, seed 0"
    own_task(tmp_path)
    assert load_task("mine", [tmp_path]).data_note == "data.load of the task's folder"


# --- few-shot ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fewshot", [FEWSHOT, SAMPLES])
def test_ones_own_task_has_examples(tmp_path: Path, fewshot: str) -> None:
    task = own_examples(tmp_path, fewshot)
    assert task.fewshot(0) == []
    assert task.fewshot(2) == [
        ("0 + 1?\nEnd with #### and the number.", "It is 1. #### 1"),
        ("1 + 1?\nEnd with #### and the number.", "It is 2. #### 2"),
    ]
    with pytest.raises(RequestError, match="'mine' has 3 few-shot examples, not 4"):
        task.fewshot(4)
    with pytest.raises(RequestError, match="not -1"):
        task.fewshot(-1)


@pytest.mark.parametrize(
    ("fewshot", "message"),
    [
        ("", "has no few-shot examples: .*mine/task.yaml: add `fewshot_split"),
        ("fewshot_split: train\n", "needs `sampler: first_n`"),
        (FEWSHOT.replace("train", "test"), "examples come from the test split"),
        (FEWSHOT.replace("train", "other"), "no split other, only test, train"),
        (FEWSHOT.replace("worked", "solution"), "cannot render '{{solution}}': 'solution' is undefined"),
    ],
)
def test_without_examples_the_error_says_what_to_add(tmp_path: Path, fewshot: str, message: str) -> None:
    task = own_examples(tmp_path, fewshot)
    with pytest.raises(RequestError, match=message):
        task.fewshot(1)


def test_examples_of_the_shipped_tasks(small_data: Path) -> None:
    assert load_task("mawps").fewshot(2)[1][1] == "2.\n#### 2"
    assert load_task("logiqa").fewshot(2)[1][1] == "Answer: B"
    assert load_task("lab_svamp").fewshot(1)[0][1].endswith(f"#### {load_task('lab_svamp').items('train', 1)[0].gold}")
    with pytest.raises(RequestError, match=r"'svamp' has only 2 few-shot examples .*train\.jsonl"):
        load_task("svamp").fewshot(3)
    with pytest.raises(RequestError, match="'math500' has 4 few-shot examples, not 5"):
        load_task("math500").fewshot(5)


@pytest.mark.skipif(not SHARED.exists(), reason="the data folder is not here")
def test_real_examples_are_right_and_not_from_the_test_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLMR_DATA", str(SHARED))
    for task in select_tasks("all"):
        examples = datasets.examples(task.source) if task.source else task._fewshot_documents()
        wrong = [e["id"] for e in examples if not task.verify(e["worked"], e["gold"]).strict]
        assert (len(examples), wrong) == (4 if task.name == "math500" else datasets.FEWSHOT_POOL, [])
        assert overlap([e["problem"] for e in examples], task.items("test")).exact == ()
        if task.name == "math500":
            assert not overlap([e["problem"] for e in examples], task.items("test")).hits


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "!function data.load cannot be loaded .ModuleNotFoundError"),
        ("def lood(): pass", "!function data.load cannot be loaded .AttributeError"),
        ("1 / 0", "!function data.load cannot be loaded .ZeroDivisionError"),
        ("def load(", "!function data.load cannot be loaded .SyntaxError"),
        ("def load(**_): return 1 / 0", "!function data.load fails: ZeroDivisionError"),
        ("def load(): pass", "!function data.load fails: TypeError"),
        ("def load(**_): return None", "its data is a NoneType"),
        (
            "def load(**_):\n    from datasets import Dataset\n"
            "    return {'test': Dataset.from_list([{'problem': 'p', 'gold': '1', 'difficulty': 'hard'}])}",
            "difficulty = 'hard': it should be a whole number",
        ),
    ],
)
def test_a_function_that_is_not_there_or_fails_is_one_line(tmp_path: Path, data: str | None, message: str) -> None:
    own_task(tmp_path)
    (tmp_path / "mine/data.py").unlink()
    if data is not None:
        (tmp_path / "mine/data.py").write_text(data)
    with pytest.raises(RequestError, match=message) as caught:
        load_task("mine", [tmp_path]).items("test")
    assert "\n" not in str(caught.value)
