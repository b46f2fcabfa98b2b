"""What sharing saves, against the same methods in benches of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.artifacts import Cost, Store
from slmr.cli.display import BenchDisplay
from slmr.pipeline.bench import run_bench
from slmr.pipeline.sharing import Sharing, sharing
from slmr.results.runs.schema import read_summary
from studies.sharing import published, shared
from tests.pipeline.test_bench import plan_of


def bench(folder: Path, methods: str) -> tuple[Sharing, Path]:
    folder.mkdir()
    plan = plan_of(folder, methods)
    with BenchDisplay() as display:
        run_bench(plan, display)
    return sharing(Store(plan.folder / "artefacts"), plan), plan.folder


@pytest.mark.slow
def test_what_the_methods_take_one_by_one_is_what_they_take_one_by_one(tmp_path: Path) -> None:
    together, run = bench(tmp_path / "both", "sft,sft_grpo")
    sft, _ = bench(tmp_path / "sft", "sft")
    both_stages, _ = bench(tmp_path / "sft_grpo", "sft_grpo")
    # Its SFT is that of `sft`, so the longer of the two pays for all.
    assert together.training.tokens == both_stages.training.tokens == both_stages.training_alone.tokens > 0
    assert together.training_alone.tokens == sft.training.tokens + both_stages.training.tokens
    assert together.whole_alone.tokens == sft.whole.tokens + both_stages.whole.tokens
    answers = sum(row.n_items * row.k * row.mean_tokens for row in read_summary(run / "summary.json").rows)
    assert together.whole.tokens - together.training.tokens > round(answers)  # the rest is of capability
    assert together.whole.wall_s > together.training.wall_s
    # The published stages say the same.
    ((_, runs),) = published(run).items()
    for evaluations, one, alone in (
        (True, together.whole, together.whole_alone),
        (False, together.training, together.training_alone),
    ):
        found = shared(runs, evaluations)
        assert found[0] == pytest.approx([one.tokens, one.wall_s])
        assert found[1] == pytest.approx([alone.tokens, alone.wall_s])
    assert "of what the methods take separately" in str(together)


def test_where_nothing_is_shared_there_is_no_ratio() -> None:
    assert str(Sharing(Cost(), Cost(), Cost(wall_s=1), Cost())) == "Shared      nothing: no method was trained"
    training, whole, alone = (Cost(train_tokens=n, wall_s=1) for n in (12_000, 20_000, 24_000))
    expected = "Shared      no trained stage serves two methods: 12 k tokens for training; 20 k with evaluations"
    assert str(Sharing(training, training, whole, alone)) == expected
