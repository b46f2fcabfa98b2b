"""The paper edition's data: files in the documented layout, their faults, and the hub, with a stand-in for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import datasets as hub_library
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slmr.errors import RequestError
from slmr.tasks import datasets, strict_form
from slmr.tasks.datasets import SOURCES
from slmr.tasks.registry import load_task

SHARED = Path(__file__).parents[3] / "shared" / "data"
needs_data = pytest.mark.skipif(not SHARED.exists(), reason="the data folder is not here")
LOGIQA = "\n".join(["", "c", "Ann is older than Bo.", "Who is the oldest?", "A.Bo", "B.Cy", "C.Ann", "D.none"]) + "\n"
FILES = {
    "gsm8k/test.jsonl": json.dumps({"question": "3 + 4?", "answer": "3 + 4 = <<3+4=7>>7\n#### 1,007"}),
    "gsm8k/train.jsonl": json.dumps({"question": "1 + 1?", "answer": "It is <<1+1=2>>2.\n#### 2"}),
    "svamp/SVAMP.json": json.dumps([{"Body": "Ann has 3 pens", "Question": "How many?", "Answer": 3.0}]),
    "mawps/test.jsonl": json.dumps({"input": "How many?", "target": 4.5}),
    "math500/test.jsonl": json.dumps({"problem": "Half?", "answer": "\\frac{1}{2}", "solution": "..."}),
    "logiqa/Test.txt": LOGIQA,
    "logiqa/Eval.txt": LOGIQA,
}
TEST_FILES = {
    "gsm8k_platinum": "gsm8k/test.jsonl",
    "svamp": "svamp/SVAMP.json",
    "mawps": "mawps/test.jsonl",
    "math500": "math500/test.jsonl",
    "logiqa": "logiqa/Test.txt",
}
GOLDS = {"gsm8k_platinum": "1007", "svamp": "3", "mawps": "4.5", "math500": "\\frac{1}{2}", "logiqa": "C"}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("SLMR_DATA", str(tmp_path))
    return tmp_path


def refused(ask: Callable[[], object]) -> str:
    """The one line that a request is refused with."""
    with pytest.raises(RequestError) as caught:
        ask()
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SOURCES)
def test_a_task_reads_its_file(name: str, data: Path) -> None:
    task = load_task(name)
    (item,) = task.items("test")
    assert (item.gold, item.id, task.edition) == (GOLDS[name], f"{name}/test/0", "paper")
    assert task.verify(strict_form(item.gold, task.kind), item.gold).strict
    assert item.problem in task.prompt(item.problem)


@pytest.mark.parametrize("name", SOURCES)
def test_whoever_has_only_the_test_file_can_evaluate(name: str, data: Path) -> None:
    for file in FILES:
        if file != TEST_FILES[name]:
            (data / file).unlink()
    task = load_task(name)
    assert task.items("test")[0].gold == GOLDS[name]
    assert task.digest and task.data_note.startswith(f"file {TEST_FILES[name]}")
    stock = datasets.dataset(name, version=1, kind="numeric")
    assert stock["test"].features.keys() == {"id", "problem", "gold"} and "fewshot" in stock
    assert not task.has_data("train") and not task.has_data("validation")


def test_a_missing_split_names_its_file_and_both_ways(data: Path) -> None:
    (data / "gsm8k/train.jsonl").unlink()
    said = refused(lambda: load_task("gsm8k_platinum").items("train"))
    assert "'gsm8k_platinum' has no data for its train split" in said
    assert all(part in said for part in ("gsm8k/train.jsonl", str(data), "--data-dir", "SLMR_DATA", "openai/gsm8k"))
    assert "gsm8k/train.jsonl" in refused(lambda: load_task("svamp").fewshot(1))
    assert "gsm8k/train.jsonl" in refused(lambda: dict(datasets.dataset("svamp")["fewshot"][0]))


def test_only_the_split_that_is_asked_for_is_read(data: Path) -> None:
    (data / "gsm8k/train.jsonl").write_bytes(b"\xff")
    splits = datasets.dataset("gsm8k_platinum")
    assert list(splits) == ["test", "train", "fewshot"] and len(splits) == 3
    assert len(splits["test"]) == 1 and splits["test"] is splits["test"]
    refused(lambda: splits["train"])
    with pytest.raises(KeyError):
        splits["validation"]


def test_options_and_sentences_are_put_together(data: Path) -> None:
    (item,) = load_task("logiqa").items("validation")
    assert item.problem == "Ann is older than Bo.\nWho is the oldest?\nA. Bo\nB. Cy\nC. Ann\nD. none"
    assert load_task("svamp").items("test")[0].problem == "Ann has 3 pens. How many?"


def test_the_right_letter_is_the_option_s_own(data: Path) -> None:
    """Some samples of LogiQA list A, C, B, D: what is right then stands at another place."""
    swapped = ["", "b", "All x are y.", "What is true?", "A.n", "C.no", "B.yes", "D.m"]
    unlettered = ["", "b", "All x are y.", "What is true?", "Xi.n", "Yo.no", "Zu.yes", "D.m"]
    (data / "logiqa/Test.txt").write_text("\n".join([*swapped, *unlettered]) + "\n")
    first, second = load_task("logiqa").items("test")
    assert (first.gold, second.gold) == ("C", "B")
    assert first.problem.endswith("A. n\nB. no\nC. yes\nD. m")


@pytest.mark.parametrize("name", ["mawps", "gsm8k_platinum"])
def test_other_data_is_another_task(name: str, data: Path) -> None:
    before = load_task(name).digest
    (data / "gsm8k/train.jsonl").write_text(json.dumps({"question": "2 + 1?", "answer": "#### 3"}))
    after = load_task(name).digest
    assert after != before, "the examples are made of it"
    (data / "mawps/test.jsonl").write_text(json.dumps({"input": "How many?", "target": 5}))
    assert (load_task(name).digest == after) == (name != "mawps")


def test_the_folder_of_the_command_line(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLMR_DATA", "/nowhere")
    monkeypatch.chdir(data.parent)
    datasets.use_data_folder(data.name)
    assert datasets.data_folder() == data.resolve()
    assert "--data-dir names none, which is no folder" in refused(lambda: datasets.use_data_folder("none"))
    monkeypatch.setenv("SLMR_DATA", "/nowhere")
    assert "SLMR_DATA names /nowhere, which is no folder" in refused(datasets.data_folder)


# --- faults ------------------------------------------------------------------------------------------

GSM8K, PLATINUM = "gsm8k/test.jsonl", "gsm8k_platinum"
SVAMP_RECORD = {"Body": "b", "Question": "q", "Answer": 1, "ID": "chal-1"}


@pytest.mark.parametrize(
    ("name", "file", "content", "message"),
    [
        # a field that is not there, is no text or number, or is empty
        (
            "mawps",
            "mawps/test.jsonl",
            b'{"input": "How many?"}',
            "test.jsonl:1: no record of mawps: no field 'target'",
        ),
        ("mawps", "mawps/test.jsonl", b'{"a": 1}', "no field 'input' (it has: a)"),
        (
            "mawps",
            "mawps/test.jsonl",
            b'{"input": "?", "target": "six"}',
            "field 'target' is 'six', not a number",
        ),
        (
            "mawps",
            "mawps/test.jsonl",
            b'{"input": "?", "target": true}',
            "field 'target' is 'True', not a number",
        ),
        ("mawps", "mawps/test.jsonl", b'{"input": "?", "target": NaN}', "field 'target' is nan"),
        ("mawps", "mawps/test.jsonl", b'{"input": "?", "target": 1e999999}', "field 'target' is inf"),
        ("mawps", "mawps/test.jsonl", b'{"input": "?", "target": " "}', "field 'target' is empty"),
        ("mawps", "mawps/test.jsonl", b'{"input": " ", "target": 1}', "field 'input' is empty"),
        (
            PLATINUM,
            GSM8K,
            b'{"question": null, "answer": "#### 2"}',
            "field 'question' is NoneType, not text",
        ),
        (PLATINUM, GSM8K, b'{"question": "?", "answer": "2"}', "does not end in ####"),
        (PLATINUM, GSM8K, b'{"question": "?", "answer": "2 ####"}', "does not end in ####"),
        ("math500", "math500/test.jsonl", b'{"problem": "?", "answer": ""}', "field 'answer' is empty"),
        (
            "svamp",
            "svamp/SVAMP.json",
            b'[{"Body": "b", "Question": "q"}]',
            "SVAMP.json, record 0: no record of svamp: no field 'Answer'",
        ),
        # what is no record
        ("mawps", "mawps/test.jsonl", b'\n{"input": ', "test.jsonl:2: not JSON"),
        ("mawps", "mawps/test.jsonl", b"[" * 100_000, "test.jsonl:1: not JSON"),
        ("mawps", "mawps/test.jsonl", b"9" * 5000, "test.jsonl:1: not JSON"),
        ("mawps", "mawps/test.jsonl", b'["input"]', "test.jsonl:1: a record of mawps is an object, not list"),
        ("svamp", "svamp/SVAMP.json", b"[{]", "SVAMP.json: not JSON"),
        ("svamp", "svamp/SVAMP.json", b'{"a": 1}', "must hold a list of records, not dict"),
        # bytes
        ("mawps", "mawps/test.jsonl", b"\xff", "test.jsonl:1: not UTF-8: byte 0xff at position 1"),
        (
            "mawps",
            "mawps/test.jsonl",
            b'{"input": "a", "target": 1}\n{"\xe9": 1}',
            "test.jsonl:2: not UTF-8: byte 0xe9 at position 3",
        ),
        # empty splits
        ("mawps", "mawps/test.jsonl", b"", "its test split is empty"),
        ("svamp", "svamp/SVAMP.json", b"[]", "its test split is empty"),
        ("logiqa", "logiqa/Test.txt", b"\n", "its test split is empty"),
        # LogiQA's own format
        ("logiqa", "logiqa/Test.txt", b"\nc\nonly\nfour", "Test.txt:1: a sample has eight lines"),
        ("logiqa", "logiqa/Test.txt", LOGIQA.encode() + b"x", "Test.txt:9: a sample has eight lines"),
        (
            "logiqa",
            "logiqa/Test.txt",
            LOGIQA.replace("\nc\n", "\ne\n").encode(),
            "the label 'E' is none of ABCD",
        ),
        # the data's own ids
        (
            "svamp",
            "svamp/SVAMP.json",
            json.dumps([SVAMP_RECORD, SVAMP_RECORD]).encode(),
            "record 1: the ID 'chal-1' of svamp is also at",
        ),
        (
            "math500",
            "math500/test.jsonl",
            b'{"problem": "a", "answer": "1", "unique_id": "u"}\n' * 2,
            "test.jsonl:2: the unique_id 'u' of math500 is also at",
        ),
    ],
)
def test_a_fault_is_one_line_with_its_place(name: str, file: str, content: bytes, message: str, data: Path) -> None:
    (data / file).write_bytes(content)
    said = refused(lambda: load_task(name).items("test"))
    assert message in said and name in said and str(data / file) in said


def test_a_file_that_cannot_be_read(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    said = refused(lambda: load_task("mawps").items("test"))
    assert said == f"cannot read {data / 'mawps/test.jsonl'}: Permission denied"


def test_the_same_problem_twice_is_no_fault(data: Path) -> None:
    """MAWPS holds 77 problems more than once."""
    (data / "mawps/test.jsonl").write_text((FILES["mawps/test.jsonl"] + "\n") * 2)
    assert [i.id for i in load_task("mawps").items("test")] == ["mawps/test/0", "mawps/test/1"]


# --- where the data came from ------------------------------------------------------------------------


def test_a_stand_in_says_so(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = load_task("gsm8k_platinum")
    stand_in = "file gsm8k/test.jsonl, standing in for GSM8K-Platinum: original GSM8K test split, label faults included"
    assert task.data_note == stand_in
    (data / "gsm8k_platinum").mkdir()
    real = json.dumps({"question": "Platinum?", "answer": "#### 8", "cleaning_status": "consensus"})
    (data / "gsm8k_platinum/test.jsonl").write_text(real)
    assert (task.data_note, task.items("test")[0].gold) == ("file gsm8k_platinum/test.jsonl", "8")
    (data / "gsm8k_platinum/test.jsonl").write_text(FILES["gsm8k/test.jsonl"])
    assert "not known to be GSM8K-Platinum" in task.data_note
    (data / "gsm8k_platinum/test.jsonl").unlink()
    (data / "gsm8k/test.jsonl").write_text(real)
    assert task.data_note == "file gsm8k/test.jsonl (GSM8K-Platinum)"
    (data / "gsm8k/test.jsonl").unlink()
    assert task.data_note == "none: the data folder holds no gsm8k_platinum/test.jsonl or gsm8k/test.jsonl"
    monkeypatch.delenv("SLMR_DATA")
    assert task.data_note == "hub madrylab/gsm8k-platinum"


# --- the hub -----------------------------------------------------------------------------------------

# Files as they lie on the hub, with the columns of each data set; one record, or none for a split beside it.
PART = "00000-of-00001"
GSM8K_ROW = {"question": "Hub?", "answer": "Six.\n#### 6"}
SVAMP_ROW = {
    "question_concat": "Ann has 5 pens. How many?",
    "Equation": "5",
    "Answer": "5.0",
    "Type": "Addition",
    "Body": "Ann has 5 pens.",
    "Question": "How many?",
}
MAWPS_ROW = {
    "question": "How many?",
    "chain": "<result>1_250</result>",
    "result": "1_250",
    "result_float": 1250.0,
    "equation": "x = 1250",
    "expression": "1250",
}
MATH_ROW = {
    "problem": "Half?",
    "solution": "s",
    "answer": "0.5",
    "subject": "Algebra",
    "level": 1,
    "unique_id": "t/1",
}
LOGIQA_ROW = {"label": "b", "context": "c", "question": "q", "options": ["v", "w", "x", "y"]}
THREE = ["train", "validation", "test"]
HUB: dict[str, dict[str, dict[str, Any]]] = {
    "madrylab/gsm8k-platinum": {f"main/test-{PART}.parquet": GSM8K_ROW | {"cleaning_status": "consensus"}},
    "openai/gsm8k": {
        f"{config}/{split}-{PART}.parquet": GSM8K_ROW | {"question": f"{config} {split}?"}
        for config in ("main", "socratic")
        for split in ("train", "test")
    },
    "ChilleD/SVAMP": {
        f"data/{split}-{PART}.parquet": SVAMP_ROW | {"ID": f"chal-{split}"} for split in ("train", "test")
    },
    "MU-NLPC/Calc-mawps": {
        f"{folder}/{split}-{PART}-4f420cd8985debf1.parquet": MAWPS_ROW | {"id": f"{folder}/{split}"}
        for folder in ("data", "original-splits")
        for split in THREE
    },
    "HuggingFaceH4/MATH-500": {"test.jsonl": MATH_ROW},
    "EleutherAI/logiqa": {f"logiqa/{split}/0000.parquet": LOGIQA_ROW | {"context": split} for split in THREE},
}
CONFIGS = {
    "madrylab/gsm8k-platinum": {"main": ("main", ["test"])},
    "openai/gsm8k": {"main": ("main", ["train", "test"]), "socratic": ("socratic", ["train", "test"])},
    "ChilleD/SVAMP": {"default": ("data", ["train", "test"])},
    "MU-NLPC/Calc-mawps": {"default": ("data", THREE), "original-splits": ("original-splits", THREE)},
}


def hub_folder(root: Path) -> Path:
    for name, files in HUB.items():
        for file, row in files.items():
            (root / name / file).parent.mkdir(parents=True, exist_ok=True)
            if file.endswith(".jsonl"):
                (root / name / file).write_text(json.dumps(row) + "\n")
            else:
                pq.write_table(pa.Table.from_pylist([row]), root / name / file)
        configs = [
            {
                "config_name": config,
                "data_files": [{"split": split, "path": f"{folder}/{split}-*"} for split in splits],
            }
            for config, (folder, splits) in CONFIGS.get(name, {}).items()
        ]
        if configs:  # JSON is YAML
            (root / name / "README.md").write_text(f"---\nconfigs: {json.dumps(configs)}\n---\n")
    return root


@pytest.fixture(scope="module")
def hub_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hub_folder(tmp_path_factory.mktemp("hub"))


@pytest.fixture
def hub(hub_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str | None]]]:
    """`load_dataset` itself, with folders in place of the hub; yields what was asked of it."""
    monkeypatch.delenv("SLMR_DATA", raising=False)
    asked: list[tuple[str, str | None]] = []
    real = hub_library.load_dataset

    def load(path: str, name: str | None, *, split: str, revision: str | None) -> Any:
        asked.append((path, revision))
        return real(str(hub_files / path), name, split=split, cache_dir=str(tmp_path / "cache"))

    monkeypatch.setattr(hub_library, "load_dataset", load)
    yield asked


@pytest.mark.parametrize(
    ("name", "split", "golds"),
    [
        ("gsm8k_platinum", "test", ["6"]),
        ("gsm8k_platinum", "train", ["6"]),
        ("svamp", "test", ["5", "5"]),
        ("mawps", "test", ["1250"]),
        ("math500", "test", ["0.5"]),
        ("logiqa", "test", ["B"]),
        ("logiqa", "validation", ["B"]),
    ],
)
def test_the_hub_is_read(name: str, split: Any, golds: list[str], hub: list[tuple[str, str | None]]) -> None:
    task = load_task(name)
    items = task.items(split)
    assert [item.gold for item in items] == golds
    assert all(task.verify(strict_form(item.gold, task.kind), item.gold).strict for item in items)
    ((path, revision),) = hub
    assert path == SOURCES[name].hub[split][0] and revision == SOURCES[name].revision
    assert items[0].id == f"{name}/{split}/0"
    if name == "logiqa":
        assert items[0].problem == f"{split}\nq\nA. v\nB. w\nC. x\nD. y"
    if split == "train":
        assert items[0].problem == "main train?"


def test_opening_a_task_asks_the_hub_for_no_examples(hub: list[tuple[str, str | None]]) -> None:
    assert len(list(datasets.dataset("svamp")["fewshot"])) == datasets.FEWSHOT_POOL and hub == []
    assert load_task("svamp").fewshot(1)[0][1] == "Six.\n#### 6" and hub == [("openai/gsm8k", None)]


def test_without_data_the_error_names_both_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = refused(lambda: load_task("svamp").items("test"))
    ways = (
        "'svamp' has no data for its test split",
        "ChilleD/SVAMP",
        "hub",
        "svamp/SVAMP.json",
        "--data-dir",
        "SLMR_DATA",
    )
    assert all(part in said for part in (*ways, "HF_HUB_OFFLINE")), said
    monkeypatch.setenv("SLMR_DATA", str(tmp_path))
    said = refused(lambda: load_task("svamp").items("test"))
    assert all(part in said for part in (*ways, f"{tmp_path} holds no svamp/SVAMP.json")), said


def test_whatever_the_hub_s_client_raises_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise hub_library.exceptions.DatasetGenerationError("An error\noccurred")

    monkeypatch.setattr(hub_library, "load_dataset", broken)
    assert "from the hub (An error occurred)" in refused(lambda: load_task("mawps").items("test"))


# --- the real files ----------------------------------------------------------------------------------


@needs_data
@pytest.mark.parametrize("name", SOURCES)
def test_every_gold_passes_its_own_checker(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLMR_DATA", str(SHARED))
    task = load_task(name)
    items = task.items("test")
    assert len({item.id for item in items}) == len(items) >= 500
    assert [i.id for i in items if not task.verify(strict_form(i.gold, task.kind), i.gold).strict] == []
    golds: dict[str, str] = {}
    assert [i.id for i in items if golds.setdefault(i.problem, i.gold) != i.gold] == []
