"""`slmr probe`: rates, the partition, and what was spent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slmr.cli.options import print_table
from slmr.cli.probe import probe_table, rollouts_line
from tests.cli.commands import Command


def test_rates_and_partition(here: Command) -> None:
    done = here("probe", "lab-llama", "--k", "2", "--limit", "8", "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row["name"] for row in rows] == ["simple", "medium", "hard"]
    assert sum(row["problems"] for row in rows) == 8 and rows[0]["rollouts"] == rows[0]["asked_at_most"] == 16
    again = here("probe", "lab-llama", "--k", "2", "--limit", "8")
    assert "16, all that were asked for" in again.stdout and " 0 to do" in again.stderr


def test_what_was_spent_of_what_would_be() -> None:
    assert rollouts_line({"rollouts": 8, "asked_at_most": 8}) == "8, all that were asked for"
    saved = {"rollouts": 600, "asked_at_most": 1000, "saved": 0.4}
    assert rollouts_line(saved) == "600 of at most 1,000: 40% saved"
    assert rollouts_line(saved | {"expected_error": 0.012}).endswith("; about 1.2% of the groups would change")


@pytest.mark.parametrize(("width", "longest"), [(160, 40), (80, 20)])
def test_the_longest_bar_is_the_most_problems(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int, longest: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    rates = [{"correct": c, "k": 2, "problems": n, "rho": c / 2, "low": 0, "high": 1} for c, n in ((0, 10), (1, 5))]
    row = {"name": "hard", "problems": 15, "share": 1.0, "low": 0.8, "high": 1.0, "rates": rates}
    print_table(probe_table([row], width))
    lines = capsys.readouterr().out.splitlines()
    assert [line.count("█") for line in lines if " of 2" in line] == [longest, longest // 2]
    assert max(map(len, lines)) <= width


def test_a_users_problems_and_their_map(here: Command, tmp_path: Path) -> None:
    lines = [
        json.dumps({"prompt": f"Tom has {n} apples and buys 2. How many has he?\n", "gold": n + 2}) for n in range(4)
    ]
    (tmp_path / "mine.jsonl").write_text("\n".join(lines))
    words = (
        "probe",
        "lab-llama",
        "--data",
        "mine.jsonl",
        "--kind",
        "numeric",
        "--k",
        "2",
        "--to",
        "map",
        "--format",
        "trl",
    )
    done = here(*words)
    assert done.returncode == 0, done.stderr
    assert "of groups of 8, expected" in done.stdout and (tmp_path / "map/train.parquet").is_file()
    again = here(*words)
    assert again.returncode == 0 and " 0 to do" in again.stderr
    for wrong, said in (
        (("--format", "trl"), "give --to DIR"),
        (("--kind", "numeric"), "are for --data"),
        (("--data", "mine.jsonl"), "needs the kind"),
        (("--to", "x", "--format", "verk"), "did you mean 'verl'"),
    ):
        refused = here("probe", "lab-llama", *wrong)
        assert refused.returncode == 2 and said in refused.stderr
