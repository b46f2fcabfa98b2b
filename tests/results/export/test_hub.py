"""A model's papers: boards get what is theirs, the card says the rest, and the hub's own reader takes both."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard, parse_eval_result_entries

from slmr.errors import RequestError
from slmr.results.export.hub import export_hub
from slmr.results.runs.schema import Contamination, write_summary
from tests.made_results import summary_row

PAPER = {"edition": "paper", "student": "org/Small-1B"}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A trained model on the hub's data, on files, and in the lab; and its student untrained."""
    rows = [
        summary_row("base", "svamp", 0.4, data="hub ChilleD/SVAMP", **PAPER),
        summary_row("grpo", "svamp", 0.6, data="hub ChilleD/SVAMP", **PAPER),
        summary_row("grpo", "mawps", 0.7, data="mawps/test.jsonl", **PAPER),
        summary_row("grpo", "lab_math", student="org/Small-1B"),
    ]
    told = Contamination(
        train="a|b", test="svamp", n_train=9, n_test=500, overlapping=3, exact=1, rate=0.006, examples=[]
    )
    (tmp_path / "run").mkdir()
    write_summary(tmp_path / "run/summary.json", rows, [told])
    return tmp_path / "run"


def test_a_board_gets_paper_results_on_the_hubs_data_alone(run: Path, tmp_path: Path) -> None:
    files, notices = export_hub(run, tmp_path / "out")
    folder = tmp_path / "out/org--Small-1B--grpo-seed-0"
    assert files == [folder / "README.md", folder / ".eval_results/slmr.yaml"]
    (entry,) = parse_eval_result_entries(yaml.safe_load(files[1].read_text()))
    assert (entry.dataset_id, entry.task_id, entry.value) == ("ChilleD/SVAMP", "svamp", 60.0)
    assert "95 % interval" in str(entry.notes) and "slmr bench --method grpo" in str(entry.notes)
    assert [line.split(":")[0].split(", ")[1] for line in notices] == ["mawps", "lab_math"]
    assert "lab" not in files[1].read_text()


def test_the_card_has_method_base_budget_intervals_contamination_and_command(run: Path, tmp_path: Path) -> None:
    files, _ = export_hub(run, tmp_path / "out")
    card = ModelCard.load(files[0])
    assert card.data.base_model == "org/Small-1B" and card.data.tags == ["slmr", "grpo"]
    for said in (
        "`grpo` of slmr, with seed 0",
        "60.0 (",
        "40.0 (",
        "1,000 tokens trained on",
        "3 of 500",
        "slmr bench --method grpo",
        "a&#124;b",
        "say nothing",
    ):
        assert said in card.text
    assert card.text.index("paper edition") < card.text.index("lab edition")


def test_untrained_students_alone_have_no_card_of_ours(tmp_path: Path) -> None:
    write_summary(tmp_path / "summary.json", [summary_row("base", "svamp", **PAPER)])
    with pytest.raises(RequestError, match="untrained students alone"):
        export_hub(tmp_path, tmp_path / "out")


def test_no_name_leads_out_of_the_folder(tmp_path: Path) -> None:
    write_summary(tmp_path / "summary.json", [summary_row("grpo", "svamp", edition="paper", student="/a/x<b>")])
    files, _ = export_hub(tmp_path, tmp_path / "out")
    assert files[0].parent.parent == tmp_path / "out" and "<b>" not in files[0].read_text().split("---")[2]
