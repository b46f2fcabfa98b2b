"""What is asked of a model for a task, and how it is sampled."""

from __future__ import annotations

from slmr.config import Truncation
from slmr.engines import Completion
from slmr.evaluate import EvaluateParams, questions_of, with_thoughts_begun
from slmr.tasks.registry import load_task


def test_temperature_of_one_and_of_several() -> None:
    task = load_task("lab_math")

    def temperature(**values: object) -> float:
        return EvaluateParams.model_validate({"tasks": ("lab_math",), **values}).sampling(task).temperature

    assert [
        temperature(),
        temperature(k=4),
        temperature(temperature=0.7),
        temperature(k=4, temperature=0),
    ] == [
        0,
        1,
        0.7,
        0,
    ]


def test_stop_texts_come_on_top_of_the_tasks_and_truncation_is_passed_on() -> None:
    task = load_task("lab_gsm8k")
    params = EvaluateParams(tasks=("lab_gsm8k",), temperature=0.6, top_p=0.95, top_k=20, stop=("Question:",))
    sampling = params.sampling(task)
    assert sampling.stop == (*task.stop, "Question:")
    assert sampling.truncation == Truncation(top_p=0.95, top_k=20) and type(sampling.truncation) is Truncation


def test_settings_that_came_later_are_part_of_a_key_only_if_they_are_set() -> None:
    later = {"system", "stop", "top_p", "top_k", "min_p"}
    assert not later & EvaluateParams(tasks=("lab_math",)).identity().keys()
    values = {"temperature": 0.6, "top_p": 0.95, "min_p": 0.1, "stop": ("#",)}
    identity = EvaluateParams.model_validate({"tasks": ("lab_math",), **values}).identity()
    assert {name: identity.get(name) for name in later} == {
        "system": None,
        "stop": ["#"],
        "top_p": 0.95,
        "top_k": None,
        "min_p": 0.1,
    }


def test_every_item_is_asked_k_times_with_the_tasks_budget_and_stops() -> None:
    task = load_task("lab_gsm8k")
    questions = questions_of(task, EvaluateParams(tasks=("lab_gsm8k",), k=2, limit=3, eval_seed=5))
    items = task.items("test", 3)
    assert [q.prompt.user for q in questions] == [task.prompt(item.problem) for item in items for _ in range(2)]
    assert [q.prompt.sample_index for q in questions] == [0, 1] * 3
    assert {(q.sampling.max_tokens, q.sampling.stop, q.sampling.seed) for q in questions} == {
        (task.max_tokens, task.stop, 5)
    }
    assert questions_of(task, EvaluateParams(tasks=("lab_gsm8k",), max_tokens=9))[0].sampling.max_tokens == 9
    row = questions[1].row(Completion("#### 1", "length", 4, (), (-1.0, -0.5)))
    assert (row["item_id"], row["k_index"], row["gold"]) == (items[0].id, 1, items[0].gold)
    assert (row["completion"], row["finish_reason"], row["tokens"], row["logprob"]) == (
        "#### 1",
        "length",
        4,
        -1.5,
    )


def test_a_servers_cut_off_thoughts_get_the_tag_that_its_template_began_them_with() -> None:
    ended = {"completion": "4 + 4 = 8</think>#### 8", "finish_reason": "stop"}
    cut = {"completion": "so it is 8, or 9", "finish_reason": "length"}
    said = {"completion": "#### 8", "finish_reason": "stop"}
    assert with_thoughts_begun([ended, cut, said]) == [
        ended,
        cut | {"completion": "<think>so it is 8, or 9"},
        said,
    ]
    plain = {"completion": "<think>4</think>#### 4", "finish_reason": "stop"}
    assert with_thoughts_begun([plain, cut]) == [plain, cut]
