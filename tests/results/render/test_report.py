"""A run as a report: its tables, figures, commands, and the whole as one page."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

import pytest

from slmr.errors import RequestError
from slmr.io import write_rows
from slmr.pipeline.export import export_capability
from slmr.results.analysis.ranking import rank_methods
from slmr.results.render.html import ranking_html
from slmr.results.render.report import write_report
from slmr.results.runs.files import RunFiles
from slmr.results.runs.method_results import run_results
from tests.hostile_results import IN_PART, UNREADABLE, hostile_results
from tests.results.made_runs import made_run, several_methods

RATES = {"base": 0.3, "grpo": 0.5, "stagewise": 0.6, "no_bridge": 0.58}


def test_a_report_has_tables_and_one_page_of_figures(tmp_path: Path) -> None:
    run = made_run(tmp_path / "mine", {"base": 0.3, "grpo": 0.5, "stagewise": 0.6})
    for method in ("base", "grpo"):
        for seed in range(3):
            export_capability(
                RunFiles(run, method, "lab-llama", seed),
                [
                    {
                        "task": "t",
                        "item_id": str(i),
                        "difficulty": 1,
                        "k_index": k,
                        "strict": (i + k) % 3 == 0,
                    }
                    for i in range(9)
                    for k in range(4)
                ],
            )
    moves = [{"round": 1, "to": "primed", "before": "hard", "after": "mixed", "n": 3}]
    for what, rows in (
        ("course", [{"stage": "grpo", "step": 1, "tokens": 5, "validation_accuracy": 0.5}]),
        ("moves", moves),
    ):
        file = RunFiles(run, "stagewise", "lab-llama", 0).table(what)
        file.parent.mkdir(parents=True)
        write_rows(file, rows)
    text = write_report([run], tmp_path / "out", "grpo").read_text()
    assert text.startswith("# mine (lab edition)\n\nlab-llama, 3 seeds: stagewise has the highest mean accuracy")
    for part in (
        "| rank | method |",
        "Change from the untrained student",
        "initial difficulty",
        "| method | k = 1 |",
        "Difference to grpo",
        "slmr bench --method grpo --seeds 0,",
    ):
        assert part in text
    page = (tmp_path / "out" / "figures.html").read_text()
    assert page.count("<svg") == 4 and "<script" not in page
    assert "Problems between difficulty groups, stagewise" in text


def test_a_report_as_one_page(tmp_path: Path) -> None:
    run = made_run(tmp_path / "<i>mine", RATES)
    page = write_report([run], tmp_path / "out", "base", html=True)
    text = page.read_text()
    assert page.name == "report.html" and not (tmp_path / "out" / "figures.html").exists()
    assert "[report.html](report.html)" in (tmp_path / "out" / "report.md").read_text()
    assert "<i>mine" not in text and "&lt;i&gt;mine (lab edition)" in text
    verdict, plot, rest = (text.index(part) for part in ('<p class="slmr-verdict">', "<img class=", "<details>"))
    assert verdict < plot < rest and len(text) < 100_000
    foot = text.split("<footer>")[1]
    assert re.match(r"\d{4}-\d\d-\d\d, slmr \d", foot) and "--against base --html</code>" in foot
    assert ranking_html(rank_methods(run_results(run))) in text
    assert text.count("<svg") == 1 and text.count("<caption>Difference to base") == 1
    assert not re.search(r'<(script|link|img)[^>]+(src|href)="?https?:', text)


def test_a_report_has_the_table_the_differences_and_the_commands(tmp_path: Path) -> None:
    run = several_methods(tmp_path)
    text = write_report([run], tmp_path / "out", "stagewise").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("| no_bridge | 1 | -")]
    assert line.split("|")[3].strip().startswith("-50.0 (")
    assert "```bash\nmake stagewise\nmake no_bridge" in text
    assert "minus stagewise" not in write_report([run], tmp_path / "out").read_text()


def test_of_hostile_folders_the_sound_ones_are_reported_and_the_others_named(tmp_path: Path) -> None:
    hostile_results(tmp_path / "results")
    said: list[str] = []
    runs = sorted((tmp_path / "results").iterdir())
    page = write_report(runs, tmp_path / "out", html=True, say=said.append).read_text()
    tables = {name for name in IN_PART if name.startswith(("capability", "course", "stages"))}
    lacking = {*UNREADABLE, *tables, "deep", "summary.json", "to-itself"}
    assert len(said) == len(lacking) and not any("\n" in line for line in said)
    for name in lacking:
        (line,) = [line for line in said if f"results/{name}/" in line]
        assert escape(line) in page and line in (tmp_path / "out/report.md").read_text()
    for name in {run.name for run in runs} - lacking:
        assert f"<h1>{escape(name)} (lab edition)</h1>" in page
    assert "<script>alert" not in page
    with pytest.raises(RequestError, match="none of the runs can be read"):
        write_report([tmp_path / "results" / name for name in UNREADABLE], tmp_path / "out")


def test_links_of_a_note_lead_from_the_report_to_what_they_name(tmp_path: Path) -> None:
    run = made_run(tmp_path / "results/mine", {"base": 0.3, "grpo": 0.5}, seeds=[0])
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/claim.md").write_text("the claim")
    (run / "NOTE.md").write_text(
        "> See [the claim](../../docs/claim.md#what), [here](rows.csv), [there](https://example.org/a) and [below](#x)."
    )
    write_report([run], tmp_path / "deep/er/out", html=True)
    text = (tmp_path / "deep/er/out/report.md").read_text()
    assert "[the claim](../../../docs/claim.md#what), [here](../../../results/mine/rows.csv)" in text
    assert "[there](https://example.org/a) and [below](#x)" in text
    assert "See the claim, here, there and below." in (tmp_path / "deep/er/out/report.html").read_text()
