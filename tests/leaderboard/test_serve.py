"""Where the leaderboard finds results and a port."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from slmr_leaderboard.serve import free_port, results_folder

from slmr.errors import RequestError
from slmr.results.runs.schema import read_summary


def test_own_runs_come_before_results_and_these_before_the_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place, sample = results_folder(None)
    assert sample and read_summary(next(place.glob("**/summary.json"))).rows
    for name in ("results", "runs"):
        (tmp_path / name / "lab").mkdir(parents=True)
        assert results_folder(None) != (Path(name), False)  # an empty folder shows nothing
        (tmp_path / name / "lab" / "summary.json").write_text("{}")
        assert results_folder(None) == (Path(name), False)
    assert results_folder(tmp_path) == (tmp_path, False)
    with pytest.raises(RequestError, match="no folder"):
        results_folder(tmp_path / "nowhere")


def test_the_sample_is_a_part_of_what_is_published() -> None:
    root = Path(__file__).parents[2]
    sample = read_summary(root / "leaderboard/slmr_leaderboard/sample" / "lab" / "summary.json").rows
    published = read_summary(root / "results" / "lab-quick" / "summary.json").rows
    assert {row.method for row in sample} == {"base", "sft", "grpo", "stagewise"}
    assert all(row in published for row in sample)
    for row in sample:
        same = [
            row.samples_file(root / place).read_bytes()
            for place in ("leaderboard/slmr_leaderboard/sample/lab", "results/lab-quick")
        ]
        assert same[0] == same[1]


def test_a_free_port_is_found_and_a_taken_one_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(RequestError, match=f"port {port} is in use"):
            free_port(port)
        assert free_port(None) != port
    assert free_port(port) == port
