"""What a bench says while it runs, also where stages run side by side or not as they were planned."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from slmr.cli.display import BenchDisplay
from slmr.pipeline.bench import BenchRequest, make_plan
from slmr.pipeline.schedule import rough_seconds


def test_stages_side_by_side_each_have_their_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    plan = make_plan(BenchRequest("sft,grpo", "lab-quick", out=tmp_path))
    first, second = plan.nodes[0], plan.nodes[1]
    with BenchDisplay() as display:
        display.planned([first, second], [first, second])
        display.started(first, ["base"])
        display.started(second, ["sft", "grpo"])
        display.progress(second, 0, 8, "rollouts")
        display.finished(second, False, 3.0)
        display.progress(first, 0, 4, "completions")
        display.finished(first, False, 5.0)
    said = capsys.readouterr().err
    assert "2 stages: 0 done before, 2 to do" in said
    assert f"    sft and 1 more: {second.label}: 0 of 8 rollouts" in said
    assert f"    base: {first.label}: 0 of 4 completions" in said  # alone, too: a log is read from anywhere
    assert f"[1/2] sft and 1 more: {second.label}: 3 s" in said and f"[2/2] base: {first.label}: 5 s" in said


def test_a_stage_that_was_thought_done_and_is_made_after_all_is_no_fault(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Another bench in the same folder may have removed it meanwhile."""
    (node, *_) = make_plan(BenchRequest("base", "lab-quick", out=tmp_path)).nodes
    with BenchDisplay() as display:
        display.planned([node], [])
        display.started(node, ["base"])
        display.progress(node, 0, 4, "completions")
        display.finished(node, False, 1.0)
    assert "1 stage: 1 done before, 0 to do" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "times_as_long", "at_most"),
    [("pool", 30.0, 1.6), ("grpo", 3.0, 3.01)],  # seconds of start-up say little, minutes say much
)
def test_a_short_stage_that_took_long_does_not_make_days_of_a_bench(
    kind: str, times_as_long: float, at_most: float, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    plan = make_plan(BenchRequest("sft,grpo", "lab", out=tmp_path))
    first = next(node for node in plan.nodes if node.kind == kind)
    thought = sum(rough_seconds(node) for node in plan.nodes if node is not first)
    with BenchDisplay() as display:
        display.planned(plan.nodes, plan.nodes)
        display.started(first, ["sft"])
        display.finished(first, False, times_as_long * rough_seconds(first))
    minutes = re.search(r"about (\d+) min left", capsys.readouterr().err.splitlines()[-1])
    assert minutes and at_most / 2 < int(minutes[1]) * 60 / thought < at_most


def test_the_bar_is_titled_by_its_command() -> None:
    for command, display in (("bench", BenchDisplay()), ("eval", BenchDisplay("eval"))):
        with display:
            (bar,) = display._progress.tasks
            assert bar.description == f"[bold]{command}"


@pytest.mark.parametrize("width", [80, 100, 140])
def test_the_clock_of_every_bar_is_whole(width: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plan = make_plan(BenchRequest("sft,grpo", "lab-quick", out=tmp_path))
    monkeypatch.setenv("COLUMNS", str(width))
    display = BenchDisplay()
    terminal = Console(file=StringIO(), width=width, force_terminal=True, color_system=None, record=True)
    display._console = terminal
    display._live = True
    with display:
        display.planned(plan.nodes, plan.nodes)
        display.started(plan.nodes[1], ["stagewise_model_teacher", "bread"])
        display.progress(plan.nodes[1], 12_345, 98_765, "completions of two more")
        terminal.print(display._progress.get_renderable())
    clocks = re.findall(r" \d:\d\d:\d\d$", terminal.export_text(clear=False).replace(" \n", "\n"), re.M)
    assert len(clocks) == 2 and max(map(len, terminal.export_text(clear=False).splitlines())) <= width
