"""What the SFT stage learns from: which tokens carry loss."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from slmr.config import EngineSettings
from slmr.engines.scoring import next_token_nll
from slmr.engines.transformers import load_model, load_tokenizer
from slmr.io import read_rows
from slmr.lab import model_path
from slmr.stage import StageContext
from slmr.training.sft import SftParams, sft_stage, tokenize
from tests.curriculum.common import folder


def trace(prefix: str, completion: str) -> dict[str, str]:
    return {"prompt": "Gus has 3 coins.\nSolution:\n", "prefix": prefix, "completion": completion}


def test_loss_is_on_the_completion_and_the_end_mark_alone() -> None:
    tokenizer = load_tokenizer(model_path("lab-llama"))
    (row,) = tokenize(tokenizer, [trace("", "3 + 1 = 4. #### 4")], 512)
    learnt = [t for t, m in zip(row["input_ids"], row["completion_mask"], strict=True) if m]
    assert tokenizer.decode(learnt) == "3 + 1 = 4. #### 4<eos>"


def test_a_repairs_prefix_is_read_but_not_learnt() -> None:
    tokenizer = load_tokenizer(model_path("lab-llama"))
    (row,) = tokenize(tokenizer, [trace("3 + 1 = 4. ", "4 * 2 = 8. #### 8")], 512)
    learnt = [t for t, m in zip(row["input_ids"], row["completion_mask"], strict=True) if m]
    assert tokenizer.decode(learnt) == "4 * 2 = 8. #### 8<eos>"
    assert "3 + 1 = 4. 4 * 2" in tokenizer.decode(row["input_ids"])


def test_a_trace_that_is_too_long_is_left_out_whole() -> None:
    tokenizer = load_tokenizer(model_path("lab-llama"))
    assert tokenize(tokenizer, [trace("", "3 + 1 = 4. " * 100)], 128) == []


def test_dft_weighs_a_tokens_loss_by_its_probability(tmp_path: Path) -> None:
    """2508.05629, eq. 9: the mean of -sg(p) log p; in the first step of a run, by the model before it."""
    model, tokenizer = load_model(model_path("lab-llama")).eval(), load_tokenizer(model_path("lab-llama"))
    traces = [{"problem_id": "p", "source": "raw", **trace("", text)} for text in ("3 + 1 = 4. #### 4", "#### 9")]
    total, count, by_hand = 0.0, 0, {}
    for row in tokenize(tokenizer, traces, 512):  # type: ignore[arg-type]
        ids = torch.tensor([row["input_ids"]])
        with torch.no_grad():
            nll = next_token_nll(model, ids, ids)[0, row["completion_mask"].index(1) - 1 :]
        total, count = total + nll.sum().item(), count + len(nll)
        by_hand["dft"] = by_hand.get("dft", 0.0) + (nll * (-nll).exp()).sum().item()
    by_hand = {"nll": total / count, "dft": by_hand["dft"] / count}
    assert by_hand["dft"] < by_hand["nll"]
    for loss, expected in by_hand.items():
        place = folder(tmp_path / loss)
        context = StageContext(
            place,
            {"model": [model_path("lab-llama")], "traces": [folder(tmp_path / "raw", traces=traces)]},
            0,
            EngineSettings(device="cpu"),
            lambda *_: None,
        )
        sft_stage(context, SftParams(loss=loss, epochs=1, batch_size=2))  # type: ignore[arg-type]
        assert read_rows(place / "curve.parquet")[0]["loss"] == pytest.approx(expected, rel=1e-3)
        assert context.stats["steps"] == 1 and context.stats["unchanged"] is False, "its one step trains"


def test_an_epoch_is_as_long_as_the_problems_that_it_is_named_after(tmp_path: Path) -> None:
    steps = {}
    problems = folder(tmp_path / "pool", problems=[{"id": str(i)} for i in range(6)])
    traces = folder(tmp_path / "raw", traces=[{"problem_id": "p", "source": "raw", **trace("", "#### 4")}] * 2)
    for name, inputs in (("alone", {}), ("of six", {"epochs_of": [problems]})):
        place = folder(tmp_path / name)
        context = StageContext(
            place,
            {"model": [model_path("lab-llama")], "traces": [traces], **inputs},
            0,
            EngineSettings(device="cpu"),
            lambda *_: None,
        )
        sft_stage(context, SftParams(epochs=1, batch_size=2))
        steps[name] = len(read_rows(place / "curve.parquet"))
    assert steps == {"alone": 1, "of six": 3}
