"""Tasks: reading the YAML, the prompt, few-shot examples, and a task of one's own from a folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from slmr.errors import RequestError
from slmr.io import resource
from slmr.tasks import Task, datasets, strict_form
from slmr.tasks.contamination import overlap
from slmr.tasks.lm_eval import score_numeric
from slmr.tasks.registry import load_task, select_tasks

SHARED = Path(__file__).parents[3] / "shared" / "data"

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
FEWSHOT = "fewshot_split: train\nfewshot_config: {sampler: first_n, doc_to_target: '{{worked}}'}\n"
DATA = """
WORKED = [{'problem': f'{i} + 1?', 'gold': str(i + 1), 'worked': f'It is {i + 1}. #### {i + 1}'} for i in range(3)]


def load(**_):
    from datasets import Dataset
    return {'test': Dataset.from_list(WORKED[:1]), 'train': Dataset.from_list(WORKED)}


def samples():
    return WORKED


def shout(doc):
    return doc['problem'].upper() + '!'
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
        ({"extra": ", colour: red"}, "metadata: unknown key 'colour'"),
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
        (lambda task: task.prompt("1 + 1?"), "cannot fill in '{{question}}'"),
    ],
)
def test_a_request_that_a_task_cannot_answer(
    tmp_path: Path, asked: Callable[[Task], object], message: str
) -> None:
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
    assert load_task("lab_math").data_note == "generated: lab_math version 1, seed 0"
    own_task(tmp_path)
    assert load_task("mine", [tmp_path]).data_note == "data.load of the task's folder"


def test_the_same_problem_with_two_golds_does_not_pass(tmp_path: Path) -> None:
    from slmr.tasks.validate import validate_task

    own_task(tmp_path)
    (tmp_path / "mine/data.py").write_text(
        "def load(**_):\n    return {'test': [{'problem': '1 + 1?', 'gold': g} for g in ('2', '2', '3', 'two')]}\n"
    )
    tried, wrong = validate_task(load_task("mine", [tmp_path]))
    assert tried == 4 and [line.split(":")[0] for line in wrong] == ["mine/2", "mine/3"]
    assert "the gold is 3, and 2 for the same problem in mine/0" in wrong[0]


# --- few-shot ----------------------------------------------------------------------------------------


def own_examples(root: Path, fewshot: str = FEWSHOT, name: str = "mine") -> Task:
    own_task(root, name)
    file = root / name / "task.yaml"
    file.write_text(file.read_text() + fewshot)
    (root / name / "data.py").write_text(DATA)
    return load_task(name, [root])


SAMPLES = "fewshot_config: {sampler: first_n, doc_to_target: '{{worked}}', samples: !function data.samples}\n"
SHOUTED = FEWSHOT.replace("first_n,", "first_n, doc_to_text: !function data.shout,")


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
        (FEWSHOT.replace("worked", "solution"), "cannot fill in '{{solution}}': 'solution' is undefined"),
    ],
)
def test_without_examples_the_error_says_what_to_add(tmp_path: Path, fewshot: str, message: str) -> None:
    task = own_examples(tmp_path, fewshot)
    with pytest.raises(RequestError, match=message):
        task.fewshot(1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two training problems, one test problem a task."""
    folder = tmp_path_factory.mktemp("data")
    gsm8k = [
        {"question": f"{i} + 1?", "answer": f"<<{i}+1={i + 1}>>{i + 1}.\n#### {i + 1}"} for i in range(2)
    ]
    logiqa = "".join(f"\n{letter}\nctx {letter}\nq?\nA.v\nB.w\nC.x\nD.y\n" for letter in "cb")
    files = {
        "gsm8k/train.jsonl": "\n".join(map(json.dumps, gsm8k)), "gsm8k/test.jsonl": json.dumps(gsm8k[1]),
        "svamp/SVAMP.json": json.dumps([{"Body": "Ann has 3 pens", "Question": "How many?", "Answer": 3.0}]),
        "mawps/test.jsonl": json.dumps({"input": "How many?", "target": 4.5}),
        "math500/test.jsonl": json.dumps({"problem": "Half?", "answer": "\\frac{1}{2}"}),
        "logiqa/Test.txt": logiqa, "logiqa/Eval.txt": logiqa,
    }  # fmt: skip
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLMR_DATA", str(folder))
        yield folder


def test_examples_of_the_shipped_tasks(data: Path) -> None:
    assert load_task("mawps").fewshot(2)[1][1] == "2.\n#### 2"
    assert load_task("logiqa").fewshot(2)[1][1] == "Answer: B"
    assert (
        load_task("lab_svamp")
        .fewshot(1)[0][1]
        .endswith(f"#### {load_task('lab_svamp').items('train', 1)[0].gold}")
    )
    with pytest.raises(RequestError, match=r"'svamp' has only 2 few-shot examples .*train\.jsonl"):
        load_task("svamp").fewshot(3)
    with pytest.raises(RequestError, match="'math500' has 4 few-shot examples, not 5"):
        load_task("math500").fewshot(5)


@pytest.fixture(scope="module")
def stock(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
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
    task.build_all_requests(
        limit=1, apply_chat_template=True, fewshot_as_multiturn=multiturn, chat_template=chat
    )
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
    assert all("num_fewshot" not in ours.config for _, ours in stock.values())


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
