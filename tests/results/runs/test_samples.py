"""Scores of files of completions: grouped by item, read again when a file changes, taken over from another process."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.errors import RequestError
from slmr.results.runs import samples
from slmr.results.runs.samples import read_below, read_verdicts, remember


def written(file: Path, ids: list[str | None], strict: list[bool], **more: object) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"item_id": pa.array(ids, pa.string()), "strict": strict}), file, **more)  # type: ignore[arg-type]
    return file


@given(
    items=st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=12, unique=True),
    k=st.integers(1, 4),
    data=st.data(),
)
def test_rows_in_any_order_are_grouped_by_item(
    tmp_path_factory: pytest.TempPathFactory, items: list[str], k: int, data: st.DataObject
) -> None:
    right = {item: data.draw(st.lists(st.booleans(), min_size=k, max_size=k)) for item in items}
    places = data.draw(st.permutations([item for item in items for _ in range(k)]))
    left = {item: list(values) for item, values in right.items()}
    rows = [(item, left[item].pop(0)) for item in places]
    file = written(tmp_path_factory.mktemp("scores") / "a.parquet", *map(list, zip(*rows, strict=True)))
    ids, values = read_verdicts(file)
    assert list(ids) == list(dict.fromkeys(places))
    assert values.tolist() == [right[item] for item in ids]


def test_the_same_items_are_the_same_object_and_several_row_groups_are_one_file(tmp_path: Path) -> None:
    ids: list[str | None] = ["a", "a", "b", "b"]
    one = read_verdicts(written(tmp_path / "1.parquet", ids, [True, False, True, True]))
    two = read_verdicts(written(tmp_path / "2.parquet", ids, [False, False, True, True]))
    parts = read_verdicts(written(tmp_path / "3.parquet", ids, [False, True, True, False], row_group_size=1))
    assert one[0] is two[0] and one[1].tolist() == [[1, 0], [1, 1]]
    assert parts[0] == one[0] and parts[1].tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["a", "a", "b"], "different numbers"),
        ([], "or there are none"),
        (["a", None], "not a file of completions"),
    ],
)
def test_what_cannot_be_grouped_is_said(tmp_path: Path, ids: list[str | None], message: str) -> None:
    file = written(tmp_path / "a.parquet", ids, [True] * len(ids))
    with pytest.raises(RequestError, match=message):
        read_verdicts(file)


def test_what_is_no_file_of_completions_is_said(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="is missing"):
        read_verdicts(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("PAR1")
    with pytest.raises(RequestError, match="not a file of completions"):
        read_verdicts(tmp_path / "text.parquet")


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    file = written(tmp_path / "a.parquet", ["a"], [True])
    first = read_verdicts(file)
    assert read_verdicts(file) is first
    written(file, ["a"], [False])
    os.utime(file, ns=(1, 1))
    assert read_verdicts(file)[1].tolist() == [[0]]


def test_another_process_reads_for_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "results"
    file = written(folder / "run" / "samples" / "sft" / "s" / "seed-0" / "t.parquet", ["a", "b"], [True, False])
    written(folder / "run" / "artefacts" / "samples" / "t.parquet", ["a"], [True])
    (file.parent / "broken.parquet").write_text("no")
    elsewhere = written(tmp_path / "elsewhere.parquet", ["a"], [True])
    with ProcessPoolExecutor(1, get_context("spawn")) as other:
        other.submit(read_verdicts, elsewhere).result()
        read = other.submit(read_below, folder).result()
    assert list(read) == [file]
    monkeypatch.setattr(samples, "_CACHE", {})
    remember(read)
    monkeypatch.setattr(samples, "_read", lambda file: pytest.fail("read again"))
    ids, values = read_verdicts(file)
    assert ids == ("a", "b") and np.array_equal(values, [[1], [0]])
