"""The board: its order, what it leaves out, and its notes."""

from __future__ import annotations

from pathlib import Path

from slmr.results.runs.schema import write_summary
from tests.leaderboard.conftest import Draw, board
from tests.made_results import html, put_samples, summary_row, verdicts

TASKS = ("lab_gsm8k", "lab_math")


def test_rows_are_sorted_by_what_was_chosen(tmp_path: Path, draw: Draw) -> None:
    folder = tmp_path / "own"  # the made-up results are in tmp_path, too
    levels = {"base": (0.1, 0.5), "sft": (0.9, 0.3), "grpo": (0.5, 0.9)}
    rows = [
        put_samples(folder, summary_row(name, task, accuracy=level), verdicts(name, task, level))
        for name, both in levels.items()
        for task, level in zip(TASKS, both, strict=True)
    ]
    write_summary(folder / "summary.json", rows)
    app = draw("board", folder)
    orders = (("sft", "grpo", "base"), ("grpo", "base", "sft"))
    for column, wanted in zip(TASKS, orders, strict=True):
        app.selectbox(key="sort").set_value(column).run()
        places = [board(app).index(f">{name}") for name in wanted]
        assert places == sorted(places), column


def test_a_method_that_lacks_a_task_is_left_out_on_request_and_noted(tmp_path: Path, draw: Draw) -> None:
    folder = tmp_path / "own"
    cells = [("base", TASKS[0]), ("base", TASKS[1]), ("grpo", TASKS[0])]
    rows = [put_samples(folder, summary_row(m, task), verdicts(m, task, 0.5)) for m, task in cells]
    write_summary(folder / "summary.json", rows)
    app = draw("board", folder)
    assert ">grpo" in board(app) and any("grpo" in caption.value for caption in app.caption)
    app.toggle(key="complete").set_value(True).run()
    assert ">base" in board(app) and ">grpo" not in board(app)


def test_the_first_screen_is_a_verdict_three_figures_and_a_plot(draw: Draw) -> None:
    shown = html(draw("board", students=("lab-llama",)))
    verdict, figures, plot, board = (
        shown.index(f'class="slmr-{part}"') for part in ("verdict", "facts", "forest", "board")
    )
    assert verdict < figures < plot < board
    assert "stagewise leads with" in shown and "Best for its cost" in shown and "No significant gain" in shown


def test_tasks_are_folded_until_they_are_asked_for(draw: Draw) -> None:
    app = draw("board", students=("lab-llama",))
    assert ">lab_gsm8k</th>" not in board(app) and ">tokens</th>" in board(app)
    app.toggle(key="by_task").set_value(True).run()
    assert ">lab_gsm8k</th>" in board(app)


def test_a_row_leads_to_its_pages_with_the_filters_of_the_address(draw: Draw) -> None:
    shown = board(draw("board", students=("lab-llama",), query={"seed": "0"}))
    for address in (
        "samples?seed=0&amp;of=lab-llama&amp;method=grpo",
        "curves?seed=0&amp;of=lab-llama&amp;method=grpo",
        "compare?seed=0&amp;of=lab-llama&amp;a=grpo",
    ):
        assert f'<a href="{address}"' in shown
