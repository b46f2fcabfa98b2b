"""The board: its order, what it leaves out, and its notes."""

from __future__ import annotations

from pathlib import Path

from slmr.results.schema import write_summary
from tests.leaderboard.conftest import Draw
from tests.made_results import html, put_samples, summary_row, verdicts


def test_rows_are_sorted_by_what_was_chosen(tmp_path: Path, draw: Draw) -> None:
    levels = {"base": (0.1, 0.5), "sft": (0.9, 0.3), "grpo": (0.5, 0.9)}
    rows = [
        put_samples(tmp_path, summary_row(name, task, accuracy=level), verdicts(name, task, level))
        for name, both in levels.items()
        for task, level in zip("tu", both, strict=True)
    ]
    write_summary(tmp_path / "summary.json", rows)
    app = draw("board", tmp_path)
    for column, wanted in (("t", ("sft", "grpo", "base")), ("u", ("grpo", "base", "sft"))):
        app.selectbox(key="sort").set_value(column).run()
        places = [html(app).index(f">{name}") for name in wanted]
        assert places == sorted(places), column


def test_a_method_that_lacks_a_task_is_left_out_on_request_and_noted(tmp_path: Path, draw: Draw) -> None:
    cells = [("base", "t"), ("base", "u"), ("grpo", "t")]
    rows = [put_samples(tmp_path, summary_row(m, task), verdicts(m, task, 0.5)) for m, task in cells]
    write_summary(tmp_path / "summary.json", rows)
    app = draw("board", tmp_path)
    assert ">grpo" in html(app) and any("grpo" in caption.value for caption in app.caption)
    app.toggle(key="complete").set_value(True).run()
    assert ">base" in html(app) and ">grpo" not in html(app)
