"""Tasks out of files of somebody's own questions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slmr.errors import RequestError
from slmr.pipeline.difficulty_map import read_prompts
from slmr.tasks import load_task
from slmr.tasks.from_file import write_task
from slmr.tasks.validate import validate_task

ROWS = [{"question": "1 + 1?", "answer": "2"}, {"question": 'He said "3, 4"\nand left.', "answer": "-3.5"}]
CSV = 'id,question,answer\n1,1 + 1?,2\n2,"He said ""3, 4""\nand left.",-3.5\n'


@pytest.mark.parametrize(
    "name, text",
    [
        ("quiz.csv", CSV),
        ("quiz.csv", "\ufeff" + CSV.replace("\n", "\r\n").replace('4""\r\n', '4""\n')),
        (
            "quiz.csv",
            CSV.replace("id,question,answer", "id;question;answer")
            .replace("1,1 + 1?,2", "1;1 + 1?;2")
            .replace('2,"', '2;"')
            .replace('",-3', '";-3'),
        ),
        ("quiz.tsv", 'question\tanswer\n1 + 1?\t2\n"He said ""3, 4""\nand left."\t-3.5\n'),
        ("quiz.jsonl", "\n".join(map(json.dumps, ROWS))),
        ("quiz.json", json.dumps(ROWS)),
    ],
)
def test_every_format_gives_the_same_task(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_bytes(text.encode())
    folder = write_task(tmp_path / name, tmp_path / "mine")
    task = load_task("quiz", [tmp_path / "mine"])
    assert folder == tmp_path / "mine" / "quiz" and (task.kind, task.edition, task.suite) == (
        "numeric",
        "own",
        "quiz",
    )
    assert [(i.problem, i.gold) for i in task.items("test")] == [(r["question"], r["answer"]) for r in ROWS]
    assert not task.redistributable and validate_task(task) == (2, [])
    assert task.prompt("1 + 1?") == "1 + 1?\nEnd with #### and the number.\nSolution:\n"


@pytest.mark.parametrize("column", ["gold", "answer", "target", "solution", "ground_truth", "output"])
def test_answers_are_found_in_the_columns_in_which_a_probe_finds_them(tmp_path: Path, column: str) -> None:
    file = tmp_path / "quiz.jsonl"
    file.write_text(json.dumps({"question": "1 + 1?", column: "2"}))
    write_task(file, tmp_path)
    assert [item.gold for item in load_task("quiz", [tmp_path]).items("test")] == ["2"]
    assert [problem["gold"] for problem in read_prompts(file, "numeric")] == ["2"]


@pytest.mark.parametrize(
    "golds, kind", [(["A", "D"], "choice"), (["1,200", "7/4"], "numeric"), (["\\frac{1}{2}", "x^2"], "math")]
)
def test_the_kind_is_the_first_that_reads_every_answer(tmp_path: Path, golds: list[str], kind: str) -> None:
    rows = [{"problem": f"{i}? A. yes D. no", "gold": gold} for i, gold in enumerate(golds)]
    (tmp_path / "q.json").write_text(json.dumps(rows))
    write_task(tmp_path / "q.json", tmp_path)
    task = load_task("q", [tmp_path])
    assert task.kind == kind and validate_task(task)[1] == []
    lab = load_task({"choice": "lab_logiqa", "numeric": "lab_gsm8k", "math": "lab_math"}[kind])
    assert task.template == lab.template  # a lab student knows no other wording


@pytest.mark.parametrize(
    "name, text",
    [
        ("q.csv", "question,A,B,C,answer\n1 + 1?,3,2,,B\n1 + 2?,3,4,5,A\n"),
        ("q.csv", "Question,Option A,option_b,choiceC,Answer\n1 + 1?,3,2,,B\n1 + 2?,A. 3,4,5,(A)\n"),
        (
            "q.jsonl",
            '{"question": "1 + 1?", "choices": [3, 2], "answer": "B"}\n'
            '{"question": "1 + 2?", "choices": ["3", "4", "5"], "answer": "A"}',
        ),
    ],
)
def test_options_in_columns_of_their_own_are_asked(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    write_task(tmp_path / name, tmp_path)
    task = load_task("q", [tmp_path])
    assert [i.problem for i in task.items("test")] == ["1 + 1?\nA. 3\nB. 2", "1 + 2?\nA. 3\nB. 4\nC. 5"]
    assert task.kind == "choice" and validate_task(task)[1] == []


def test_only_questions_with_letters_as_answers_have_options(tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text("A,B,question,answer\n3,4,A + B?,7\n")
    write_task(tmp_path / "q.csv", tmp_path)
    assert load_task("q", [tmp_path]).items("test")[0].problem == "A + B?"


@pytest.mark.parametrize("answer", ["Paris", "paris", "b", "(B)", "B"])
def test_the_right_option_may_be_given_by_its_letter_or_text(tmp_path: Path, answer: str) -> None:
    (tmp_path / "q.csv").write_text(f"question,A,B,C,answer\nCapital of France?,Rome,Paris,Bern,{answer}\n")
    write_task(tmp_path / "q.csv", tmp_path)
    task = load_task("q", [tmp_path])
    (item,) = task.items("test")
    assert (task.kind, item.gold) == ("choice", "B")
    assert item.problem == "Capital of France?\nA. Rome\nB. Paris\nC. Bern"


@pytest.mark.parametrize(
    ("answer", "fault"), [("1", "none of them"), ("Oslo", "none of them"), ("Rome", "more than one")]
)
def test_an_answer_that_is_not_one_option_is_refused(tmp_path: Path, answer: str, fault: str) -> None:
    (tmp_path / "q.csv").write_text(f"question,A,B,C,answer\nWhich?,Rome,Paris,Rome,{answer}\n")
    with pytest.raises(RequestError, match=rf"q\.csv:2: it has the options A, B, C, but its answer .* is {fault}"):
        write_task(tmp_path / "q.csv", tmp_path)


def test_all_rows_with_a_fault_are_counted(tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text("question,answer\n1 + 1?,\n2 + 2?,4\n3 + 3?,\n4 + 4?,nan\n")
    with pytest.raises(RequestError) as caught:
        write_task(tmp_path / "q.csv", tmp_path)
    assert f"{tmp_path}/q.csv:2: its answer is" in str(caught.value)
    assert f"(2 more rows have such faults, the last one {tmp_path}/q.csv:5: " in str(caught.value)


def test_letters_without_options_are_asked_only_on_request(tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text("question,answer\nWhich letter comes first?,A\n")
    with pytest.raises(RequestError, match="no question shows its options: put them into columns"):
        write_task(tmp_path / "q.csv", tmp_path)
    write_task(tmp_path / "q.csv", tmp_path, kind="choice")
    assert load_task("q", [tmp_path]).items("test")[0].problem == "Which letter comes first?"


@pytest.mark.parametrize(
    "name, text, options, message",
    [
        (
            "q.csv",
            "q,a\n1,2\n",
            {},
            "q.csv has the columns q, a: rename them question and answer, or write the task",
        ),
        ("q.csv", "q,a\n1,2\n", {}, "q.csv --problem q --gold a --to mytasks"),
        ("q.csv", "id,q,a\n0,1,2\n", {}, "rename one question and one answer, or write"),
        ("q.csv", "id,q,a\n0,1,2\n", {}, "--problem COLUMN --gold COLUMN"),
        ("q.csv", "the result,question\n1,2\n", {}, "rename one answer, or write"),
        ("q.csv", "the result,question\n1,2\n", {}, "--problem question --gold 'the result' --to mytasks"),
        ("q.csv", "question\n1\n", {}, "has only the column question: it needs two, question and answer"),
        ("q.jsonl", "{}", {}, "has no column: it needs two"),
        ("q.csv", CSV, {"problem": "questoin"}, "did you mean 'question'"),
        ("q.csv", CSV, {"kind": "chioce"}, "none of auto"),
        ("q.csv", CSV, {"kind": "choice"}, "the answer '2' cannot be checked as choice"),
        ("q.csv", CSV, {"name": "../x"}, "letters, digits"),
        ("q.csv", "question,answer\n1\n", {}, "q.csv:2: the number of cells differs"),
        ("q.csv", 'question,answer\n"1,2\n', {}, "not CSV"),
        ("q.csv", "question,answer\n", {}, "no question"),
        ("q.csv", "question,A,B,answer\nx,1,2,C\n", {}, "q.csv:2: its answer is C, its options are A, B"),
        ("q.csv", "question,answer\nx,\n", {}, 'q.csv:2: its answer is ""'),
        ("q.csv", b"question,answer\n\xff,1\n", {}, "not UTF-8"),
        ("q.jsonl", "{", {}, "q.jsonl:1: not JSON"),
        ("q.jsonl", "[1]", {}, "not list"),
        ("q.json", "{}", {}, "a list of records"),
        ("q.jsonl", '{"question": "x", "answer": null}', {}, "its answer is null"),
        ("q.xlsx", "", {}, "questions come as .csv"),
        ("q.jsonl", '{"question": "x", "answer": NaN}', {}, "q.jsonl:1: its answer is NaN"),
        ("q.jsonl", '{"question": "x", "answer": -Infinity}', {}, "q.jsonl:1: its answer is -Infinity"),
        ("q.csv", "question,answer\nx,nan\n", {}, 'q.csv:2: its answer is "nan"'),
        ("q.csv", "question,answer,answer\nx,1,2\n", {}, "q.csv:1: two columns are named 'answer'"),
        (
            "q.jsonl",
            '{"question": "\\ud800", "answer": "1"}',
            {},
            "q.jsonl:1: \\ud800 is half of a character",
        ),
        ("q.jsonl", '{"question": "x", "choices": ["3", "4"], "answer": 7}', {}, "but its answer '7'"),
        ("lab_gsm8k.csv", CSV, {}, "lab_gsm8k.csv: there is a task 'lab_gsm8k' already: rename the file"),
        ("q.csv", CSV, {"name": "paper"}, "there is a task 'paper' already"),
        ("ü.csv", CSV, {}, "slmr tasks new "),
        (
            "q.csv",
            "question,answer\nx,1\ny,1\nx,2\n",
            {},
            "with the answer '2', not '1': at most one of them",
        ),
    ],
)
def test_what_is_wrong_is_one_line(
    tmp_path: Path, name: str, text: str | bytes, options: dict[str, str], message: str
) -> None:
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(RequestError) as caught:
        write_task(tmp_path / name, tmp_path / "mine", **options)
    assert message in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "mine").exists()


def test_options_that_the_question_shows_may_stand_in_a_field_too(tmp_path: Path) -> None:
    row = {"question": "Which is even? A. 3 B. 4", "options": [3, 4], "answer": "B"}
    (tmp_path / "q.jsonl").write_text(json.dumps(row))
    task = load_task(write_task(tmp_path / "q.jsonl", tmp_path).name, [tmp_path])
    assert task.kind == "choice" and task.items("test")[0].problem == row["question"]


def test_a_task_that_was_edited_is_not_written_over(tmp_path: Path) -> None:
    file, tasks = tmp_path / "q.csv", tmp_path / "my tasks"
    file.write_text("question,answer\nx,1\n")
    yaml = write_task(file, tasks) / "task.yaml"
    file.write_text("question,answer\nx,\\frac{1}{2}\n")  # corrected, and now of another kind
    assert write_task(file, tasks) == yaml.parent
    edited = yaml.read_text().replace("End with", "Close with")
    yaml.write_text(edited)
    with pytest.raises(RequestError, match=r"task.yaml has been edited.* --tasks q --tasks-path '.*my tasks'"):
        write_task(file, tasks)
    assert yaml.read_text() == edited


TEXT = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1).filter(lambda t: t.strip() == t)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(TEXT, st.integers(-(10**6), 10**6)), min_size=1, max_size=5, unique_by=lambda row: row[0]))
def test_whatever_a_question_says_it_is_asked_as_it_stands(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("q")
    (folder / "q.jsonl").write_text(
        "\n".join(json.dumps({"question": q, "answer": a}) for q, a in rows), encoding="utf-8"
    )
    write_task(folder / "q.jsonl", folder)
    items = load_task("q", [folder]).items("test")
    assert [(item.problem, item.gold) for item in items] == [(q, str(a)) for q, a in rows]


def test_a_question_twice_with_one_answer_in_two_forms(tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text('question,answer\nx,1000\nx,"1,000"\n')
    assert [i.gold for i in load_task(write_task(tmp_path / "q.csv", tmp_path).name, [tmp_path]).items("test")] == [
        "1000",
        "1,000",
    ]
