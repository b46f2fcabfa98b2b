"""Creates a task from a file of a user's questions: CSV, TSV, JSONL or JSON, one question and its answer per row."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast, get_args

from slmr.config import SUITES
from slmr.errors import RequestError, nearest
from slmr.io import Placed, json_lines, json_list, read_text, write_text
from slmr.tasks.options import LETTERS, Options, read_options, right_letter
from slmr.tasks.registry import task_folders
from slmr.tasks.task import strict_form
from slmr.verify import Kind, verify

ENDINGS = (".csv", ".tsv", ".jsonl", ".json")
PROBLEM_COLUMNS = ("problem", "question", "prompt", "input")
GOLD_COLUMNS = ("gold", "answer", "target", "solution", "ground_truth", "output", "answerkey")
_INFINITE = (float("inf"), float("-inf"))
_FORMS = {  # the lab tasks' wording: a lab student knows no other
    "numeric": "End with #### and the number.",
    "math": "End with \\\\boxed{} around the answer.",
    "choice": "End with Answer: and the letter.",
}
_YAML = """\
task: {name}
custom_dataset: !function data.load
test_split: test
output_type: generate_until
doc_to_text: "{{{{problem}}}}\\n{form}\\nSolution:\\n"
doc_to_target: "{{{{gold}}}}"
process_results: !function slmr.tasks.score_{kind}
generation_kwargs:
  until: ["\\nQuestion:", "\\nProblem:"]
  max_gen_toks: 512
  do_sample: false
  temperature: 0.0
metric_list:
  - {{metric: accuracy, aggregation: mean, higher_is_better: true}}
  - {{metric: accuracy_lenient, aggregation: mean, higher_is_better: true}}
  - {{metric: no_answer, aggregation: mean, higher_is_better: false}}
metadata:
  version: 1
  kind: {kind}
  title: {title}
  redistribute: false  # `true` lets `slmr publish` copy the texts of the questions
"""
_DATA = '''\
"""The questions of items.jsonl."""

import json
from pathlib import Path

from datasets import Dataset


def load(**_):
    lines = Path(__file__).with_name("items.jsonl").read_text(encoding="utf-8").split("\\n")
    return {"test": Dataset.from_list([json.loads(line) for line in lines if line])}
'''


def write_task(file: Path, tasks: Path, name: str = "", problem: str = "", gold: str = "", kind: str = "auto") -> Path:
    """Writes a task's folder with the questions, `tasks/<name>`, and returns it.

    The name defaults to the file's, the columns to the first of the usual names that the file has, and the kind to the
    first one whose checker can read every answer. Where rows have options, the answer is the letter of the right
    one, or its text, and the options are written below the question.

    Raises:
        RequestError: the file cannot be read, has no such column or no row, or some answer cannot be checked.
    """
    name = name or default_name(file)
    _check_name(name, file)
    rows = _read(file, problem, gold)
    if kind in ("auto", "choice"):
        rows = [_with_letter(row, file) for row in rows]
    answer_kind = _kind(file, [row.answer for row in rows], kind)
    if answer_kind == "choice":
        rows = _with_options(file, rows, required=kind == "auto")
    _check_consistent(rows, answer_kind)
    items = [
        json.dumps({"id": f"{name}/{i}", "problem": row.question, "gold": row.answer}, ensure_ascii=False)
        for i, row in enumerate(rows)
    ]
    folder = tasks / name
    _check_unedited(folder / "task.yaml", file)
    write_text(folder / "items.jsonl", "\n".join(items) + "\n")
    write_text(folder / "data.py", _DATA)
    write_text(folder / "task.yaml", _yaml(name, answer_kind, json.dumps(f"Questions of {file.name}")))
    return folder


def default_name(file: Path) -> str:
    """The name of a file's task, if none is given."""
    return re.sub(r"\W+", "_", file.stem).strip("_").lower()


def _check_name(name: str, file: Path) -> None:
    """Raises RequestError if a task cannot have the name, or another task has it."""
    another = f"rename the file, or choose a name with: slmr tasks new {shlex.quote(str(file))} --name NAME"
    if not re.fullmatch(r"[A-Za-z0-9_]+", name):
        raise RequestError(f"task '{name}': a task's name may only have letters, digits and _: {another}")
    if name in (*task_folders(), *SUITES, "all"):
        raise RequestError(f"{file}: there is a task '{name}' already: {another}")


def _yaml(name: str, kind: Kind, title: str) -> str:
    return _YAML.format(name=name, kind=kind, form=_FORMS[kind], title=title)


def _check_unedited(yaml: Path, file: Path) -> None:
    """Raises RequestError if the task's YAML has been changed by hand since it was written from a file."""
    if not yaml.is_file():
        return
    name, text = yaml.parent.name, read_text(yaml)
    title = re.search(r"^  title: (.*)$", text, re.MULTILINE)
    if not title or text not in [_yaml(name, kind, title[1]) for kind in get_args(Kind)]:
        again = f"--tasks {name} --tasks-path {shlex.quote(str(yaml.parent.parent))}"
        raise RequestError(
            f"{yaml} has been edited, and writing the questions of {file} would undo that: evaluate it with {again},"
            f" or remove {yaml.parent}"
        )


class _Question(NamedTuple):
    place: str
    question: str
    answer: str
    raw_answer: str | int | float  # as the file has it
    options: Options


def _read(file: Path, problem: str, gold: str) -> list[_Question]:
    rows: list[_Question] = []
    faults: list[str] = []
    columns: tuple[str, str] | None = None
    for place, record in _records(file):
        if not isinstance(record, dict):
            raise RequestError(f"{place}: a question is an object with its answer, not {type(record).__name__}")
        columns = columns or _columns(file, [str(column) for column in record], problem, gold)
        try:
            rows.append(_question(place, record, *columns))
        except RequestError as error:
            faults.append(f"{place}: {error}")
    if faults:
        more = f" ({len(faults) - 1} more rows have such faults, the last one {faults[-1]})" if faults[1:] else ""
        raise RequestError(f"{faults[0]}{more}")
    if not rows:
        raise RequestError(f"{file} holds no question")
    return rows


def _question(place: str, record: dict[str, Any], question: str, answer: str) -> _Question:
    options = read_options({name: value for name, value in record.items() if name not in (question, answer)})
    return _Question(place, _text(record, question), _text(record, answer), record[answer], options)


def _check_consistent(rows: Sequence[_Question], kind: Kind) -> None:
    """Raises RequestError if two rows ask the same and have answers of different value."""
    by_question: dict[str, _Question] = {}
    for row in rows:
        first = by_question.setdefault(row.question, row)
        if first.answer != row.answer and not verify(strict_form(row.answer, kind), first.answer, kind).strict:
            raise RequestError(
                f"{row.place}: the question of {first.place} again, with the answer {row.answer[:40]!r}, not"
                f" {first.answer[:40]!r}: at most one of them is right"
            )


def _with_letter(row: _Question, file: Path) -> _Question:
    """The row with the letter of its right option as its answer; unchanged where it has no options."""
    if len(row.options.texts) < 2:
        return row
    try:
        letter = right_letter(row.options, row.raw_answer)
    except RequestError as error:
        command = f"slmr tasks new {shlex.quote(str(file))} --kind numeric --to mytasks"
        raise RequestError(f"{row.place}: {error}; or ask without options: {command}") from None
    return row._replace(answer=letter or row.answer)


def _with_options(file: Path, rows: list[_Question], required: bool) -> list[_Question]:
    """The rows with their options below their questions; `required` refuses a file that shows none."""
    letters = [cast(re.Match[str], re.search(f"[{LETTERS}]", row.answer))[0] for row in rows]
    shows_options = any(re.search(rf"\b{letter}\b", row.question) for letter, row in zip(letters, rows, strict=True))
    if required and not shows_options and not any(row.options.texts for row in rows):
        raise RequestError(
            f"{file}: the answers are letters, but no question shows its options: put them into columns A, B, C, ...,"
            f" or ask without them: slmr tasks new {shlex.quote(str(file))} --kind choice --to mytasks"
        )
    for letter, row in zip(letters, rows, strict=True):
        if row.options.texts and letter not in row.options.texts:
            raise RequestError(f"{row.place}: its answer is {letter}, its options are {', '.join(row.options.texts)}")
    return [row._replace(question=_question_with_options(row)) for row in rows]


def _question_with_options(row: _Question) -> str:
    """The question with a line for each option, unless it shows them already."""
    if all(text in row.question for text in row.options.texts.values()):
        return row.question
    return "\n".join([row.question, *map(_line, row.options.texts.items())])


def _line(option: tuple[str, str]) -> str:
    letter, text = option
    return text if re.match(rf"\(?{letter}[.):]", text) else f"{letter}. {text}"


def _records(file: Path) -> Placed:
    if file.suffix.lower() not in ENDINGS:
        raise RequestError(f"{file}: questions come as {', '.join(ENDINGS)}")
    if file.suffix.lower() == ".jsonl":
        return json_lines(file)
    if file.suffix.lower() == ".json":
        return json_list(file)
    return csv_records(file)


def csv_records(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a table with commas, semicolons or tabs between its columns, each with its place in the file.

    Raises:
        RequestError: the file cannot be read or is not CSV, or a row has more or fewer cells than there are columns.
    """
    text = read_text(file)
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)  # spreadsheets of many countries write `;`
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = reader.fieldnames or ()
        if duplicate := next((column for column in columns if columns.count(column) > 1), None):
            raise RequestError(f"{file}:1: two columns are named '{duplicate}'")
        for record in reader:
            place = f"{file}:{reader.line_num}"
            if None in record or None in record.values():
                raise RequestError(f"{place}: the number of cells differs from the number of columns")
            yield place, record
    except csv.Error as error:
        raise RequestError(f"{file}:{reader.line_num}: not CSV: {error}") from None


def _columns(file: Path, known: Sequence[str], problem: str, gold: str) -> tuple[str, str]:
    """The columns of the questions and of the answers."""
    question = _column(file, known, problem, PROBLEM_COLUMNS)
    answer = _column(file, known, gold, GOLD_COLUMNS)
    if not (question and answer):
        raise RequestError(_advice(file, known, question, answer))
    return question, answer


def _column(file: Path, columns: Sequence[str], name: str, usual_names: Sequence[str]) -> str:
    """The named column, or the first of the usual ones that exists; empty if there is none."""
    if name and name not in columns:
        raise RequestError(
            f"{file} has no column '{name}'{nearest(name, columns)} (it has: {', '.join(columns) or 'none'})"
        )
    return name or next((column for usual in usual_names for column in columns if column.lower() == usual), "")


def _advice(file: Path, known: Sequence[str], question: str, answer: str) -> str:
    """The error message if the columns of questions or answers cannot be identified: how to name them."""
    if len(known) < 2:
        has = f"only the column {known[0]}" if known else "no column"
        return f"{file} has {has}: it needs two, question and answer"
    missing = [name for name, column in (("question", question), ("answer", answer)) if not column]
    others = [column for column in known if column not in (question, answer)]
    is_unambiguous = len(others) == len(missing)
    candidates = iter(others if is_unambiguous else ["COLUMN"] * 2)
    named = [shlex.quote(column or next(candidates)) for column in (question, answer)]
    both = is_unambiguous and len(missing) == 2
    rename = "them question and answer" if both else f"one {' and one '.join(missing)}"
    command = f"slmr tasks new {shlex.quote(str(file))} --problem {named[0]} --gold {named[1]} --to mytasks"
    return f"{file} has the columns {', '.join(known)}: rename {rename}, or write the task with: {command}"


def _text(record: dict[str, Any], column: str) -> str:
    value = record.get(column)
    is_empty = str(value).strip().lower() in ("", "nan")  # NaN: what pandas writes for an empty cell
    if is_empty or isinstance(value, bool) or not isinstance(value, (str, int, float)) or value in _INFINITE:
        raise RequestError(f"its {column} is {json.dumps(value)[:40]}: it should be a text or a number")
    return str(value).strip()


def _kind(file: Path, golds: Sequence[str], name: str) -> Kind:
    """The requested kind, or the first whose checker can read all answers."""
    kinds: tuple[Kind, ...] = ("choice", "numeric", "math")
    candidates: list[Kind] = [kind for kind in kinds if name in ("auto", kind)]
    if not candidates:
        raise RequestError(f"--kind '{name}' is none of auto, {', '.join(kinds)}")
    unreadable = ""
    for kind in candidates:
        gold = next((gold for gold in golds if not verify(strict_form(gold, kind), gold, kind).strict), None)
        if gold is None:
            return kind
        unreadable = gold
    what = "any kind" if name == "auto" else name
    raise RequestError(
        f"{file}: the answer {unreadable[:60]!r} cannot be checked as {what}: an answer is a number, a formula in"
        " LaTeX, or the letter of an option"
    )
