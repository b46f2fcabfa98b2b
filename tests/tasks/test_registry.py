"""Finding tasks: the shipped ones and those of further folders; what is wrong with one is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.errors import RequestError
from slmr.tasks.registry import load_task, select_tasks, task_folders
from tests.tasks.own import own_task

LAB = {"lab_gsm8k", "lab_logiqa", "lab_math", "lab_mawps", "lab_svamp"}
PAPER = {"gsm8k_platinum", "logiqa", "math500", "mawps", "svamp"}


def test_the_shipped_tasks_by_edition() -> None:
    assert {task.name for task in select_tasks("lab")} == LAB
    assert {task.name for task in select_tasks("paper")} == PAPER
    assert set(task_folders()) == {task.name for task in select_tasks("all")} == LAB | PAPER
    assert [task.name for task in select_tasks(" svamp, lab_math ,")] == ["svamp", "lab_math"]


def test_further_folders_add_tasks(tmp_path: Path) -> None:
    own_task(tmp_path)
    assert set(task_folders([tmp_path])) == LAB | PAPER | {"mine"}
    assert load_task("mine", [tmp_path]).folder == tmp_path / "mine"
    with pytest.raises(RequestError, match="unknown task 'mine'"):
        load_task("mine")
    with pytest.raises(RequestError, match=r"tasks folder .*nowhere does not exist"):
        task_folders([tmp_path / "nowhere"])


def test_reading_a_task_imports_nothing_that_it_names(tmp_path: Path) -> None:
    own_task(tmp_path)
    (tmp_path / "mine/data.py").write_text("raise SystemExit")
    assert load_task("mine", [tmp_path]).settings.custom_dataset == "data.load"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("task: mine", "task: [", "task.yaml is not YAML"),
        ("custom_dataset: !function data.load", "x: 1", "neither custom_dataset nor dataset_path"),
        ("test_split: test", "test_split: [test]", "test_split = .*valid string"),
        ("test_split: test", "test_split: test\ndataset_kwargs: [1]", "dataset_kwargs = .*a mapping"),
        ("task: mine", "task: yours", "task is named 'yours', its folder 'mine'"),
        ("generation_kwargs", "kwargs", "generation_kwargs is missing"),
        ("edition: paper", "edition: papr", "metadata.edition = \"papr\": .*did you mean 'paper'"),
        ("version: 1, ", "", "metadata.version is missing"),
        (
            "max_gen_toks: 32",
            "max_gen_toks: -1",
            "generation_kwargs.max_gen_toks = -1: it should be greater than 0",
        ),
        ("max_gen_toks: 32", "max_gen_toks: 32, max_gen_toks: 64", "max_gen_toks is given twice"),
        ("!function data.load", '!function "\\n\\n"', r"!function takes MODULE.FUNCTION, not '\\n\\n'"),
        ("!function data.load", "!function load", "!function takes MODULE.FUNCTION, not 'load'"),
        ('"\\n\\n"]', "5]", "generation_kwargs.until.0 = 5: it should be a valid string"),
    ],
)
def test_a_fault_in_the_yaml_is_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    own_task(tmp_path)
    file = tmp_path / "mine/task.yaml"
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(RequestError, match=message) as error:
        load_task("mine", [tmp_path])
    assert "\n" not in str(error.value) and str(file) in str(error.value)


def test_one_stop_text_is_as_good_as_a_list_of_one(tmp_path: Path) -> None:
    own_task(tmp_path)
    file = tmp_path / "mine/task.yaml"
    file.write_text(file.read_text().replace('["\\n\\n"]', '"Question:"'))
    assert load_task("mine", [tmp_path]).stop == ("Question:",)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"kind": "math"}, "kind is numeric but process_results is slmr.tasks.score_math"),
        ({"extra": ", colour: red"}, "metadata: unknown key 'colour'"),
        ({"columns": "answer"}, "document 0 has no column gold"),
    ],
)
def test_a_faulty_task_says_what_is_wrong(tmp_path: Path, fault: dict[str, str], message: str) -> None:
    own_task(tmp_path, **fault)
    with pytest.raises(RequestError, match=message):
        load_task("mine", [tmp_path]).items("test")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("[{'problem': 'p', 'gold': '2'}]", r"split test is a list, where lm-eval needs a datasets\.Dataset"),
        ("Dataset.from_list([])", "its test split is empty"),
        (
            "Dataset.from_list([{'id': 'a', 'problem': 'p', 'gold': '2'}] * 2)",
            "two documents .* have the id a",
        ),
    ],
)
def test_data_that_no_evaluation_could_use_is_refused_before_one(tmp_path: Path, data: str, message: str) -> None:
    own_task(tmp_path)
    (tmp_path / "mine/data.py").write_text(
        f"from datasets import Dataset\n\n\ndef load(**_):\n    return {{'test': {data}}}\n"
    )
    with pytest.raises(RequestError, match=message):
        load_task("mine", [tmp_path]).items("test")


def test_two_folders_with_one_name_are_an_error(tmp_path: Path) -> None:
    own_task(tmp_path, "lab_math")
    with pytest.raises(RequestError, match="defined twice"):
        load_task("lab_math", [tmp_path])


@pytest.mark.parametrize("names", ["", ",", " ,"])
def test_a_list_without_a_name_is_refused(names: str) -> None:
    with pytest.raises(RequestError, match="names no task"):
        select_tasks(names)
