"""ReLIFT, LUFFY and BREAD: the three stages that a teacher helps run as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slmr.config import EngineSettings
from slmr.lab import model_path
from slmr.stage import StageContext
from slmr.training.bread import BreadParams
from slmr.training.luffy import LuffyParams


def test_the_stages_run(tmp_path: Path) -> None:
    """Each of the three for two steps, with everything around it."""
    from slmr.curriculum.schema import PROBLEMS
    from slmr.io import read_rows, write_rows
    from slmr.training.bread import bread_stage
    from slmr.training.luffy import luffy_stage
    from slmr.training.relift import ReliftParams, relift_stage
    from tests.curriculum.common import problems

    pool = problems(6, level=3)
    (tmp_path / "pool").mkdir()
    write_rows(tmp_path / "pool" / PROBLEMS, pool)
    traces = [
        {
            "problem_id": p["id"],
            "prompt": p["prompt"],
            "prefix": "",
            "completion": f"#### {p['gold']}",
            "source": "raw",
        }
        for p in pool
    ]
    write_rows(tmp_path / "pool" / "traces.parquet", traces)
    common: dict[str, Any] = {"steps": 2, "group_size": 4, "prompts_per_step": 3, "max_tokens": 60}
    for stage, params in (
        (luffy_stage, LuffyParams(**common)),
        (bread_stage, BreadParams(**common)),
        (relift_stage, ReliftParams(**common, buffer=1)),
    ):
        context = StageContext(
            tmp_path / stage.__name__,
            {
                "model": [model_path("lab-llama")],
                "problems": [tmp_path / "pool"],
                "traces": [tmp_path / "pool"],
            },
            0,
            EngineSettings(device="cpu"),
            lambda *_: None,
        )
        context.folder.mkdir()
        stage(context, params)
        curve = read_rows(context.folder / "curve.parquet")
        assert len(curve) == 2 and all(0 <= row["logprob_gap"] < 1e-4 for row in curve)
        assert (context.folder / "model" / "model.safetensors").is_file()
        assert context.cost.train_tokens and context.cost.rollout_tokens
        if stage is relift_stage:
            assert context.stats["sft_updates"] and context.stats["sft_tokens"] < context.cost.train_tokens
        if stage is luffy_stage:
            assert sum(context.stats["groups"].values()) == 6 and context.stats["problems_with_trace"] == 6
