"""Tasks: reading the YAML, the prompt, and a task of one's own from a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.errors import RequestError
from slmr.tasks import load_task, score_numeric, select_tasks, strict_form

OWN = """
task: {name}
custom_dataset: !function data.load
test_split: test
doc_to_text: "{{{{problem}}}}\\nEnd with #### and the number."
doc_to_target: "{{{{gold}}}}"
process_results: !function slmr.tasks.score_{kind}
generation_kwargs: {{until: ["\\n\\n"], max_gen_toks: 32, do_sample: false}}
metric_list: [{{metric: accuracy, aggregation: mean, higher_is_better: true}}]
metadata: {{version: 1, kind: numeric, edition: paper{extra}}}
"""


def own_task(
    root: Path, name: str = "mine", kind: str = "numeric", extra: str = "", columns: str = "gold"
) -> None:
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "task.yaml").write_text(OWN.format(name=name, kind=kind, extra=extra))
    (folder / "data.py").write_text(
        f"def load(**_):\n    return {{'test': [{{'problem': '1 + 1?', {columns!r}: '2'}}] * 3}}\n"
    )


def test_a_perfect_answer_in_the_requested_form_scores_one() -> None:
    for task in select_tasks("lab"):
        item = task.items("test", 1)[0]
        prompt = task.prompt(item.problem)
        assert item.problem in prompt
        mark = {"numeric": "####", "math": "\\boxed{}", "choice": "Answer:"}[task.kind]
        assert mark in prompt
        assert task.verify(strict_form(item.gold, task.kind), item.gold).strict


def test_ones_own_task_is_a_folder(tmp_path: Path) -> None:
    own_task(tmp_path)
    task = load_task("mine", [tmp_path])
    (item, *others) = task.items("test")
    assert (item.gold, len(others), task.stop, task.max_tokens) == ("2", 2, ("\n\n",), 32)
    assert task.prompt(item.problem) == "1 + 1?\nEnd with #### and the number."
    with pytest.raises(RequestError, match="no train split"):
        task.items("train")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"kind": "math"}, "kind is numeric but process_results is slmr.tasks.score_math"),
        ({"extra": ", colour: red"}, "metadata: colour"),
        ({"columns": "answer"}, "document 0 has no column gold"),
    ],
)
def test_a_faulty_task_says_what_is_wrong(tmp_path: Path, fault: dict[str, str], message: str) -> None:
    own_task(tmp_path, **fault)
    with pytest.raises(RequestError, match=message):
        load_task("mine", [tmp_path]).items("test")


def test_two_folders_with_one_name_are_an_error(tmp_path: Path) -> None:
    own_task(tmp_path, "lab_math")
    with pytest.raises(RequestError, match="defined twice"):
        load_task("lab_math", [tmp_path])


def test_scores_are_means_over_repeats() -> None:
    doc = {"gold": "4"}
    assert score_numeric(doc, ["#### 4"])["accuracy"] == 1
    scores = score_numeric(doc, [["#### 4", "#### 5", "", "The answer is 4"]])
    assert scores == {"accuracy": 0.25, "accuracy_lenient": 0.5, "no_answer": 0.25, "abstained": 0}
