"""The board's numbers, ranks and blanks."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from board import as_csv, board  # pyright: ignore[reportMissingImports] (found by conftest.py)
from queries import Filters, load_results  # pyright: ignore[reportMissingImports] (found by conftest.py)
from scipy import stats

from slmr.results import SummaryRow

MakeRow = Callable[..., SummaryRow]
LAB = Filters("lab")


def lines(rows: list[SummaryRow], filters: Filters = LAB) -> pd.DataFrame:
    return board(rows, filters).table.set_index("method")


def test_means_intervals_gain_and_shared_ranks(results: Path) -> None:
    table = lines(load_results(results).rows, Filters("lab", students=("lab-llama",)))
    assert table.loc["sft", "mean"] == pytest.approx(47.0)
    by_hand = 100 * 1.959963984540054 * math.sqrt(0.42 * 0.58 / 500 + 0.52 * 0.48 / 500) / 2
    assert table.loc["sft", "mean ±"] == pytest.approx(by_hand)
    assert table.loc["sft", "lab_math"] == pytest.approx(52.0)
    assert table.loc["sft", "lab_math ±"] == pytest.approx(196 * math.sqrt(0.52 * 0.48 / 500))
    assert table.loc["sft", "gain"] == pytest.approx(12.0)
    assert math.isnan(table.loc["base", "gain"])
    assert table["rank"].to_dict() == {"sft": 1, "grpo": 2, "rft": 2, "base": 2}
    assert list(table.index) == ["sft", "grpo", "rft", "base"]


def test_rates_and_costs(make_row: MakeRow) -> None:
    rows = [make_row("sft", seed=s, train_tokens=t) for s, t in enumerate((100, 300))]
    line = lines(rows).loc["sft"]
    assert line["format loss"] == pytest.approx(1.0)
    assert (line["cut off"], line["no answer"]) == (pytest.approx(1.0), pytest.approx(2.0))
    assert (line["trained tokens"], line["sampled tokens"], line["seconds"]) == (200, 2000, 12)
    assert line["items"] == 500


def test_editions_are_never_on_one_board(results: Path) -> None:
    rows = load_results(results).rows
    assert board(rows, LAB).tasks == ["lab_gsm8k", "lab_math"]
    assert board(rows, Filters("paper")).tasks == ["svamp"]


def test_a_line_that_lacks_a_task_has_blanks_and_no_rank(make_row: MakeRow) -> None:
    rows = [make_row("base"), make_row("base", "lab_math"), make_row("sft", accuracy=0.9)]
    table = lines(rows)
    for name in ("lab_math", "lab_math ±", "mean", "mean ±", "gain", "rank"):
        assert math.isnan(table.loc["sft", name]), name
    assert list(table.index) == ["base", "sft"]
    chosen = lines(rows, Filters("lab", tasks=("lab_gsm8k",)))
    assert chosen.loc["sft", "rank"] == 1 and chosen.loc["sft", "gain"] == pytest.approx(40)


def test_a_seed_that_lacks_a_task_does_not_shift_the_mean(make_row: MakeRow) -> None:
    rows = [make_row("sft", "lab_gsm8k", 0.4), make_row("sft", "lab_math", 0.6)]
    rows.append(make_row("sft", "lab_gsm8k", 0.9, seed=1))
    line = lines(rows).loc["sft"]
    assert (line["mean"], line["lab_gsm8k"], line["seeds"]) == (pytest.approx(50), pytest.approx(40), 1)


def test_seeds_are_averaged_and_their_spread_stands_apart(make_row: MakeRow) -> None:
    one = lines([make_row("sft", accuracy=0.45)]).loc["sft"]
    line = lines([make_row("sft", accuracy=a, seed=s) for s, a in enumerate((0.4, 0.5))]).loc["sft"]
    assert (line["seeds"], line["mean"]) == (2, pytest.approx(45.0))
    assert line["seed spread"] == pytest.approx(100 * np.std([0.4, 0.5], ddof=1))
    # Seeds share their items: the item sampling error does not shrink.
    assert line["mean ±"] == pytest.approx(one["mean ±"], rel=0.01)
    assert math.isnan(one["seed spread"])


def test_the_gain_is_over_base_with_the_same_seeds(make_row: MakeRow) -> None:
    rows = [make_row("base", accuracy=a, seed=s) for s, a in enumerate((0.2, 0.4))]
    rows += [make_row("sft", accuracy=0.5, seed=1), make_row("rft", accuracy=0.5, seed=7)]
    table = lines(rows)
    assert table.loc["sft", "gain"] == pytest.approx(10.0)
    assert math.isnan(table.loc["rft", "gain"])


def test_base_stays_and_ranks_hold_whatever_kinds_are_shown(results: Path) -> None:
    rows = load_results(results).rows
    shown = lines(rows, Filters("lab", students=("lab-llama",), kinds=("rl",)))
    assert shown["rank"].to_dict() == {"grpo": 2, "base": 2}


def test_filters_that_fit_nothing_give_an_empty_board(results: Path) -> None:
    assert board(load_results(results).rows, Filters("lab", students=("nobody",))).table.empty


def test_a_few_lucky_items_do_not_rank(make_row: MakeRow) -> None:
    few = {"n_items": 2, "stderr": 0.0}
    rows = [make_row("base", accuracy=0.0, ci95=(0, 0.66), **few), make_row("sft", accuracy=1.0, **few)]
    assert list(lines(rows)["rank"]) == [1, 1]
    assert lines(rows).loc["base", "mean ±"] > 0


def test_the_detectable_difference_of_unpaired_rows(make_row: MakeRow) -> None:
    found = board([make_row("base"), make_row("sft")], LAB)
    stderr = math.sqrt(2 * 0.25 / 500)
    z = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    assert found.detectable == pytest.approx(100 * z * stderr)
    assert found.paired == 0
    assert board([make_row("base")], LAB).detectable is None


def verdicts(seed: int, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Base, and a method that turns a few of its failures into successes and breaks nothing."""
    rng = np.random.default_rng(seed)
    base = rng.random((300, k)) < 0.5
    return base.astype(float), (base | (rng.random((300, k)) < 0.06)).astype(float)


def test_samples_make_the_test_a_paired_one(tmp_path: Path, publish: Callable[..., None]) -> None:
    base, better = verdicts(0)
    publish(tmp_path, {("base", 0): base, ("sft", 0): better})
    loaded = load_results(tmp_path)
    paired = board(loaded.rows, LAB, loaded.samples)
    assert paired.paired == 1
    assert list(paired.table["rank"]) == [1, 2]
    change = (better - base)[:, 0]
    half = stats.norm.ppf(0.975) * math.hypot(stats.sem(change), 1 / len(change))
    assert paired.table.loc[0, "gain"] == pytest.approx(100 * change.mean())
    assert paired.table.loc[0, "gain ±"] == pytest.approx(100 * half)
    unpaired = board(loaded.rows, LAB)
    assert list(unpaired.table["rank"]) == [1, 1]
    assert paired.detectable is not None and unpaired.detectable is not None
    assert paired.detectable < unpaired.detectable


def test_the_page_says_what_compare_and_the_report_say(tmp_path: Path, publish: Callable[..., None]) -> None:
    """Over seeds and items, since another training run would come out differently."""
    from slmr.compare import compare
    from slmr.standings import board as standings

    scores = {}
    for seed in (0, 1, 2):
        scores["base", seed], scores["sft", seed] = verdicts(seed, k=4)
    publish(tmp_path, scores)
    loaded = load_results(tmp_path)
    table = board(loaded.rows, LAB, loaded.samples).table.set_index("method")
    own = compare(f"{tmp_path}:sft", f"{tmp_path}:base").tasks[0].difference
    reported = {s.method: s for s in standings(tmp_path, "lab-llama").standings}
    assert own == reported["sft"].gain
    for method in ("base", "sft"):
        entry = reported[method]
        shown = table.loc[method]
        assert shown["mean"] == pytest.approx(100 * entry.accuracy.mean)
        assert shown["mean ±"] == pytest.approx(50 * (entry.accuracy.high - entry.accuracy.low))
        assert shown["rank"] == entry.rank
    assert table.loc["sft", "gain"] == pytest.approx(100 * own.mean)
    assert table.loc["sft", "gain ±"] == pytest.approx(50 * (own.high - own.low))


@pytest.mark.parametrize("fault", ["missing", "garbage", "other verdicts", "no column", "other items"])
def test_samples_that_do_not_fit_are_not_used(
    tmp_path: Path, publish: Callable[..., None], fault: str
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    base, better = verdicts(0)
    publish(tmp_path, {("base", 0): base, ("sft", 0): better})
    file = tmp_path / "samples" / "sft" / "lab-llama" / "seed-0" / "lab_gsm8k.parquet"
    table = pq.read_table(file)
    ids = pa.array([f"other-{i}" for i in range(table.num_rows)])
    changed = {
        "other verdicts": table.set_column(2, "strict", pa.array([True] * table.num_rows)),
        "no column": table.drop_columns(["strict"]),
        "other items": table.set_column(0, "item_id", ids),
    }
    if fault == "missing":
        file.unlink()
    elif fault == "garbage":
        file.write_bytes(b"not a table")
    else:
        pq.write_table(changed[fault], file)
    loaded = load_results(tmp_path)
    found = board(loaded.rows, LAB, loaded.samples)
    assert found.paired == 0
    assert list(found.table["rank"]) == [1, 1]


def test_the_csv_has_the_intervals_and_no_formulas(results: Path, make_row: MakeRow) -> None:
    rows = [*load_results(results).rows, make_row("=1+1"), make_row("=1+1", "lab_math")]
    text = as_csv(board(rows, LAB), "lab")
    head, *body = text.splitlines()
    assert head.startswith("edition,rank,method,student,mean,mean ±,gain,gain ±,lab_gsm8k,lab_gsm8k ±")
    assert len(body) == 6 and all(line.startswith("lab,") for line in body)
    assert any(line.split(",")[2] == "'=1+1" for line in body)
