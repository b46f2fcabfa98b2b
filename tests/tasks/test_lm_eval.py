"""What `task.yaml` names: stock lm-eval reads our tasks, asks as we do, and scores as we do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from slmr import lab
from slmr.io import read_settings, resource
from slmr.tasks import datasets, lab_dataset, load_task, select_tasks
from slmr.tasks.lm_eval import score_choice, score_math, score_numeric
from slmr.tasks.registry import TaskLoader
from tests.tasks.own import SHOUTED, own_examples


def test_a_split_of_the_lab_is_read_when_it_is_asked_for() -> None:
    splits = lab_dataset("lab_math")
    assert list(splits) == ["test", "validation", datasets.FEWSHOT] and len(splits) == 3
    rows = splits["validation"]
    items = lab.split_items("lab_math", "validation")
    assert len(rows) == lab.N_VALIDATION
    assert dict(rows[3]) == {c: getattr(items[3], c) for c in ("id", "problem", "gold", "difficulty")}
    assert splits[datasets.FEWSHOT][0]["worked"] == lab.split_items("lab_math", "train", 1)[0].worked()
    with pytest.raises(KeyError):
        splits["train"]


def test_scores_are_means_over_repeats() -> None:
    doc = {"gold": "4"}
    assert score_numeric(doc, ["#### 4"])["accuracy"] == 1
    scores = score_numeric(doc, [["#### 4", "#### 5", "", "The answer is 4"]])
    assert scores == {"accuracy": 0.25, "accuracy_lenient": 0.5, "no_answer": 0.25, "abstained": 0}


def test_each_kind_has_its_own_scores() -> None:
    assert score_math({"gold": "0.5"}, [r"\boxed{\frac{1}{2}}"])["accuracy"] == 1
    assert score_choice({"gold": "B"}, ["Answer: B"])["accuracy"] == 1
    assert score_numeric({"gold": "x"}, ["#### 4"]) == {
        "accuracy": 0,
        "accuracy_lenient": 0,
        "no_answer": 0,
        "abstained": 1,
    }


# --- stock lm-eval ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stock(small_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The tasks as stock lm-eval opens them: the shipped ones and two of one's own. Importing it takes a while."""
    from lm_eval.tasks import TaskManager

    own = tmp_path_factory.mktemp("own")
    own_examples(own)
    own_examples(own, SHOUTED, "shouted")
    roots: list[Any] = [resource("tasks"), own]
    names = [task.name for task in select_tasks("all", [own])]
    loaded = TaskManager(include_path=roots, include_defaults=False).load(names)
    return {name: (task, load_task(name, [own])) for name, task in loaded["tasks"].items()}


def asked_by_lm_eval(task: Any, n: int, multiturn: bool = True) -> list[dict[str, str]]:
    """The messages of the first request."""

    def chat(messages: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        return json.dumps(messages)

    task.set_config("num_fewshot", n)
    task.build_all_requests(limit=1, apply_chat_template=True, fewshot_as_multiturn=multiturn, chat_template=chat)
    return json.loads(task.instances[0].args[0])


def test_lm_eval_asks_with_the_same_examples(stock: dict[str, Any]) -> None:
    assert len(stock) == 12
    for name, (theirs, ours) in stock.items():
        turns = [*ours.fewshot(2), (ours.prompt(ours.items("test", 1)[0].problem), None)]
        messages = [
            {"role": role, "content": text}
            for turn in turns
            for role, text in zip(("user", "assistant"), turn, strict=True)
            if text is not None
        ]
        assert asked_by_lm_eval(theirs, 2) == messages, name
        assert asked_by_lm_eval(theirs, 0) == messages[-1:], name
    assert stock["shouted"][1].fewshot(1)[0][0] == "0 + 1?!"


def test_examples_in_one_message_keep_their_answers_apart(stock: dict[str, Any]) -> None:
    """What lm-eval makes of them without --fewshot_as_multiturn, or without a chat template."""
    for name, (theirs, ours) in stock.items():
        if not name.startswith("lab_") and ours.source is None:
            continue
        ((question, answer),) = ours.fewshot(1)
        (message,) = asked_by_lm_eval(theirs, 1, multiturn=False)
        gap = "" if question.endswith("\n") else "\n"
        assert message["content"].startswith(f"{question}{gap}{answer}\n\n"), name


def test_an_option_of_lm_eval_s_may_set_the_number(stock: dict[str, Any]) -> None:
    """It ignores --num_fewshot where the YAML says 0."""
    keys = [read_settings(ours.folder / "task.yaml", "a task", TaskLoader) for _, ours in stock.values()]
    assert keys and not any("num_fewshot" in of_task for of_task in keys)
