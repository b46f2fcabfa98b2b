"""Runs of words that a test set shares with a training set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.results.runs.schema import Contamination
from slmr.tasks import Item
from slmr.tasks.contamination import RUN, Hit, normalised, overlap
from slmr.tasks.registry import load_task
from tests.in_process import slmr

SHARED = Path(__file__).parents[3] / "shared" / "data"
STORY = "Ann has 3 red pens and buys 4 more of them at the shop on Monday. How many pens?"


def items(*problems: str) -> list[Item]:
    return [Item(f"t/{i}", problem, "1") for i, problem in enumerate(problems)]


def test_what_is_a_hit() -> None:
    again = STORY.upper().replace(".", " !")
    other = STORY.replace("How many", "Which")  # the first 16 words are the same: four runs of the seven
    number = STORY.replace("buys 4", "buys 5")
    assert overlap([other], items(STORY)).hits == (Hit("t/0", 4, 4 / 7, 0),)
    found = overlap(["nothing", other, again], items(STORY, "How many pens?", number))
    assert found.hits == (Hit("t/0", 7, 1.0, 1),)
    assert (found.n_train, found.n_test, found.exact, found.rate) == (3, 3, ("t/0",), 1 / 3)
    row = found.as_row("pool", "tests")
    assert Contamination(**row).model_dump() == row
    assert row == {
        "train": "pool",
        "test": "tests",
        "n_train": 3,
        "n_test": 3,
        "overlapping": 1,
        "exact": 1,
        "rate": 1 / 3,
        "examples": ["t/0"],
    }


def test_a_short_problem_is_compared_as_a_whole() -> None:
    inside = f"Ann writes: how many pens? {STORY}"
    assert overlap([inside], items("How many pens?")).hits == ()
    found = overlap(["x", "how many, PENS"], items("How many pens?", "?"))
    assert found.hits == (Hit("t/0", 1, 1.0, 1),) and found.exact == ("t/0",)
    assert overlap(["..."], items("?")).hits == ()


def test_nothing_to_compare() -> None:
    assert overlap([], items(STORY)).rate == overlap([STORY], []).rate == 0


def test_punctuation_and_case_do_not_count_but_arithmetic_does() -> None:
    assert normalised("  A $1,200_ «Éclair»:\n3.5 %, no. .5.  ") == "a 1200 éclair 3.5 no 5"
    assert normalised("\\(x + 3 = -5^{2}\\)") == "x + 3 = -5^2"
    assert not overlap(["Solve x - 3 = 5."], items("Solve x + 3 = 5.")).hits


WORDS = st.lists(st.sampled_from("abc"), max_size=8).map(" ".join)
TEXTS = st.lists(WORDS, max_size=6)


def runs(text: str, n: int) -> set[tuple[str, ...]]:
    words = tuple(text.split())
    return {words[i : i + n] for i in range(max(1, len(words) - n + 1))} - {()}


@given(TEXTS, TEXTS, st.integers(1, 4))
def test_it_is_what_its_definition_says(train: list[str], test: list[str], n: int) -> None:
    found = overlap(train, items(*test), n)
    seen = set().union(*(runs(text, n) for text in train))
    shared = {f"t/{i}": len(runs(text, n) & seen) for i, text in enumerate(test)}
    assert {hit.test_id: hit.shared for hit in found.hits} == {k: v for k, v in shared.items() if v}
    for hit in found.hits:
        own = runs(test[int(hit.test_id[2:])], n)
        assert hit.share == hit.shared / len(own) and own & runs(train[hit.train_index], n)
        assert not any(own & runs(text, n) for text in train[: hit.train_index])
    assert set(found.exact) == {f"t/{i}" for i, text in enumerate(test) if text and text in train}
    assert [h.share for h in found.hits] == sorted((h.share for h in found.hits), reverse=True)


@given(TEXTS, TEXTS, TEXTS)
def test_more_training_data_takes_no_hit_away(train: list[str], more: list[str], test: list[str]) -> None:
    few, many = overlap(train, items(*test), 2), overlap(train + more, items(*test), 2)
    assert {h.test_id for h in few.hits} <= {h.test_id for h in many.hits}
    assert set(few.exact) <= set(many.exact)


def test_the_lab_s_splits_share_templates_and_no_problem() -> None:
    pool = [item.problem for item in load_task("lab_gsm8k").items("train", 200)]
    found = overlap(pool, load_task("lab_gsm8k").items("test"))
    assert found.exact == () and found.hits
    other = overlap(pool, load_task("lab_mawps").items("test"))
    assert other.exact == () and len(other.hits) < len(found.hits) / 4  # of each unseen skill they share a wording


def said(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    """What a command prints."""
    assert not slmr(*command)
    return capsys.readouterr().out


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    command = ("tasks", "overlap", "lab_gsm8k", "lab_math", "--train", "lab_gsm8k", "--size", "50")
    first, second = json.loads(said(capsys, *command, "--show", "1", "--json"))
    assert (first["name"], first["n_train"], first["n_test"], first["exact"]) == ("lab_gsm8k", 50, 600, 0)
    (pair,) = first["pairs"]
    assert overlap([pair["training_problem"]], items(pair["problem"])).hits[0].share == pair["share"]
    assert (second["overlapping"], second["rate"], second["pairs"]) == (0, 0, [])
    lines = said(capsys, *command).splitlines()
    assert lines[0].split() == [
        "train",
        "test",
        "n_train",
        "n_test",
        "overlapping",
        "exact",
        "rate",
        "examples",
    ]
    assert lines[2].split() == ["lab_gsm8k", "lab_math", "50", "600", "0", "0", "0.00%"]


@pytest.mark.skipif(not SHARED.exists(), reason="the data folder is not here")
def test_the_figures_of_the_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLMR_DATA", str(SHARED))
    train = [item.problem for item in load_task("gsm8k_platinum").items("train")]
    rows = {
        name: overlap(train, load_task(name).items("test")).as_row("gsm8k_platinum", name)
        for name in ("gsm8k_platinum", "svamp", "mawps", "math500", "logiqa")
    }
    counts = {name: (row["overlapping"], row["exact"]) for name, row in rows.items()}
    assert counts == {
        "gsm8k_platinum": (3, 0),
        "svamp": (0, 0),
        "mawps": (3, 0),
        "math500": (0, 0),
        "logiqa": (0, 0),
    }
    assert RUN == 13
