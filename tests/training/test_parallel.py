"""What a sharded model needs for sampling. Accelerate shards nothing on a CPU, so FSDP2 is applied here by hand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from slmr.config import TrainingSettings
from slmr.engines import Sampling
from slmr.engines.decode import Generation
from slmr.engines.sampler import Sampler
from slmr.engines.transformers import load_model, load_tokenizer
from slmr.lab import model_path
from slmr.training import parallel


def drawn(model: Any, rank: int) -> list[list[int]]:
    """Other numbers of completions and of steps on each process: nothing may wait for another one."""
    tokenizer: Any = load_tokenizer(model_path("lab-llama"))
    prompt = tuple(tokenizer("Gus has 3 coins.\nSolution:\n")["input_ids"])
    rows = [Generation(i, prompt, 100 * rank + i) for i in range(1 + 3 * rank)]
    list(Sampler(model, tokenizer).run(rows, Sampling(1.0, 10 + 20 * rank, 0), 2))
    return [row.ids for row in rows]


def process() -> None:
    """One of two: samples from a sharded model as from a plain one, then takes the same gradient."""
    import torch
    import torch.distributed as dist
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    rank = int(os.environ["RANK"])
    dist.init_process_group("gloo", init_method=f"file://{os.environ['MEET']}", rank=rank, world_size=2)
    mesh = init_device_mesh("cpu", (2,))
    plain, model = (load_model(model_path("lab-llama"), "cpu") for _ in range(2))
    for part in [*model.model.layers, model]:  # type: ignore[union-attr]
        fully_shard(part, mesh=mesh)
    whole = model.num_parameters()
    with parallel.unsharded(model):
        found = drawn(model, rank)
    assert found == drawn(plain, rank)
    assert sum(p.to_local().numel() for p in model.parameters()) < whole  # type: ignore[operator]
    ids = torch.tensor([[5, 6, 7, 8]])
    for which in (model, plain):
        which(input_ids=ids, labels=ids).loss.backward()
    for sharded, own in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(sharded.grad.full_tensor(), own.grad, atol=1e-7)  # type: ignore[union-attr, arg-type]
    assert parallel.all_sum({"a": rank, "b": 1}) == {"a": 1, "b": 2}
    assert parallel.all_gather(rank)[0] == 0


@pytest.mark.slow
def test_each_process_samples_by_itself_from_a_sharded_model(tmp_path: Path) -> None:
    code = "from tests.training.test_parallel import process; process()"
    begun = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env=os.environ | {"RANK": str(rank), "WORLD_SIZE": "2", "MEET": str(tmp_path / "meet"), "PYTHONPATH": "."},
        )
        for rank in range(2)
    ]
    assert [child.wait(timeout=300) for child in begun] == [0, 0]


@pytest.mark.parametrize(("strategy", "key"), [("fsdp", "fsdp_config"), ("zero2", "deepspeed"), ("zero3", "deepspeed")])
def test_every_strategy_has_its_file(strategy: Any, key: str) -> None:
    said = parallel.settings(TrainingSettings(processes=2, strategy=strategy, gradient_checkpointing=True))
    assert said[key] and said["average_tokens_across_devices"]
    # FSDP makes activations again by itself.
    assert said["gradient_checkpointing"] == (strategy != "fsdp")


def test_one_process_agrees_with_itself() -> None:
    assert (parallel.rank(), parallel.world_size()) == (0, 1) and not parallel.several()
    assert parallel.is_main_process() and parallel.all_gather("x") == ["x"]
    assert parallel.settings(TrainingSettings())["gradient_accumulation_steps"] == 1
