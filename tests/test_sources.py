"""The paper edition's data: files in the documented layout, their faults, and a hub that cannot be reached."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slmr.errors import RequestError
from slmr.sources import SOURCES
from slmr.tasks import load_task, strict_form

SHARED = Path(__file__).parents[2] / "shared" / "data"
LOGIQA = (
    "\n".join(["", "c", "Ann is older than Bo.", "Who is the oldest?", "A.Bo", "B.Cy", "C.Ann", "D.none"])
    + "\n"
)
FILES = {
    "gsm8k/test.jsonl": json.dumps({"question": "3 + 4?", "answer": "3 + 4 = <<3+4=7>>7\n#### 1,007"}),
    "gsm8k/train.jsonl": json.dumps({"question": "1 + 1?", "answer": "It is 2.\n#### 2"}),
    "svamp/SVAMP.json": json.dumps([{"Body": "Ann has 3 pens", "Question": "How many?", "Answer": 3.0}]),
    "mawps/test.jsonl": json.dumps({"input": "How many?", "target": 4.5}),
    "math500/test.jsonl": json.dumps({"problem": "Half?", "answer": "\\frac{1}{2}", "solution": "..."}),
    "logiqa/Test.txt": LOGIQA,
    "logiqa/Eval.txt": LOGIQA,
}
GOLDS = {"gsm8k_platinum": "1007", "svamp": "3", "mawps": "4.5", "math500": "\\frac{1}{2}", "logiqa": "C"}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("SLMR_DATA", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("name", SOURCES)
def test_a_task_reads_its_file(name: str, data: Path) -> None:
    task = load_task(name)
    (item,) = task.items("test")
    assert (item.gold, item.id, task.edition) == (GOLDS[name], f"{name}/test/0", "paper")
    assert task.verify(strict_form(item.gold, task.kind), item.gold).strict
    assert item.problem in task.prompt(item.problem)


def test_options_and_sentences_are_put_together(data: Path) -> None:
    (item,) = load_task("logiqa").items("validation")
    assert item.problem == "Ann is older than Bo.\nWho is the oldest?\nA. Bo\nB. Cy\nC. Ann\nD. none"
    assert load_task("svamp").items("test")[0].problem == "Ann has 3 pens. How many?"


def test_other_data_is_another_task(data: Path) -> None:
    before = load_task("mawps").digest
    (data / "mawps/test.jsonl").write_text(json.dumps({"input": "How many?", "target": 5}))
    assert load_task("mawps").digest != before


@pytest.mark.parametrize(
    ("name", "file", "content", "message"),
    [
        ("mawps", "mawps/test.jsonl", b'{"input": "How many?"}', "test.jsonl:1: no record of mawps: KeyError 'target'"),
        ("mawps", "mawps/test.jsonl", b'\n{"input": ', "test.jsonl:2: not JSON"),
        ("mawps", "mawps/test.jsonl", b"\xff", "not UTF-8 at byte 0"),
        ("mawps", "mawps/test.jsonl", b"", "its test split is empty"),
        ("gsm8k_platinum", "gsm8k/train.jsonl", b'{"question": "?", "answer": "2"}', "train.jsonl:1: no record"),
        ("logiqa", "logiqa/Test.txt", b"\nc\nonly\nfour", "Test.txt:1: a sample has eight lines"),
        ("logiqa", "logiqa/Test.txt", LOGIQA.replace("\nc\n", "\ne\n").encode(), "the label 'E' is none of ABCD"),
        ("svamp", "svamp/SVAMP.json", b"[{]", "SVAMP.json: not JSON"),
    ],
)  # fmt: skip
def test_a_fault_is_one_line_with_its_place(
    name: str, file: str, content: bytes, message: str, data: Path
) -> None:
    (data / file).write_bytes(content)
    with pytest.raises(RequestError, match=name) as caught:
        load_task(name).items("test")
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_without_data_the_error_names_both_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RequestError, match=r"cannot load 'svamp' from the hub .* set SLMR_DATA"):
        load_task("svamp").items("test")
    monkeypatch.setenv("SLMR_DATA", str(tmp_path))
    with pytest.raises(RequestError, match=r"holds no svamp/SVAMP\.json"):
        load_task("svamp").items("test")
    monkeypatch.setenv("SLMR_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(RequestError, match="which is no folder"):
        load_task("svamp").items("test")


@pytest.mark.skipif(not SHARED.exists(), reason="the data folder is not here")
@pytest.mark.parametrize("name", SOURCES)
def test_every_gold_passes_its_own_checker(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLMR_DATA", str(SHARED))
    task = load_task(name)
    items = task.items("test")
    assert len({item.id for item in items}) == len(items) >= 500
    assert [i.id for i in items if not task.verify(strict_form(i.gold, task.kind), i.gold).strict] == []
