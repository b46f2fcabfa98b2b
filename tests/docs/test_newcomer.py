"""Five things that somebody new tries, each as the pages say.

The pages' own tests evaluate the `quiz.csv` of docs/tutorial.md and docs/howto/task.md, and train with the reward of
docs/checkers.md in TRL. The other three are here, for the pages' tests only plan a bench: a method of one's own,
trained and on the board; two models compared; a run published.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.results.analysis.selection import load_results
from tests.docs.docpages import ROOT, blocks
from tests.in_process import slmr

METHOD = "mymethods/grpo_mixed.yaml"


def test_a_method_of_ones_own_is_trained_compared_published_and_on_the_board(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (method,) = {
        block.text
        for page in ("docs/tutorial.md", "docs/howto/method.md")
        for block in blocks(ROOT / page)
        if block.title == METHOD
    }
    Path("mymethods").mkdir()
    Path(METHOD).write_text(method)
    Path("small.yaml").write_text(
        "extends: lab-quick\ntasks: lab_gsm8k\ncapability: null\nevaluate: {limit: 8, k: 1}\n"
        "stages: {pool: {size: 32}, probe: {k: 4}, grpo: {steps: 2, prompts_per_step: 4}}\n"
    )
    chosen = ("--methods-path", "mymethods", "--profile", "small.yaml", "--jobs", "1")
    assert slmr("bench", "--method", "base,grpo_mixed", *chosen) == 0
    said = capsys.readouterr().out
    (run,) = Path("runs").iterdir()
    (model,) = (line.split()[-1] for line in said.splitlines() if line.startswith("Model of grpo_mixed"))
    assert (Path(model) / "model.safetensors").is_file()
    assert slmr("compare", str(run), "grpo_mixed", "base") == 0
    assert "grpo_mixed - base" in capsys.readouterr().out
    assert slmr("publish", str(run), "--name", "first") == 0
    assert "grpo_mixed" in Path("results/first/README.md").read_text(encoding="utf-8")
    for folder in ("runs", "results"):
        assert {row.row.method for row in load_results(Path(folder)).rows} == {"base", "grpo_mixed"}


def test_two_models_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for model in ("lab-llama", "lab-qwen"):
        assert slmr("eval", model, "--tasks", "lab_gsm8k", "--limit", "16") in (0, None)
    runs = sorted(map(str, Path("runs").iterdir()))
    capsys.readouterr()
    assert slmr("compare", *runs) == 0
    said = capsys.readouterr().out
    assert "lab-llama - lab-qwen" in said and "lab_gsm8k" in said
