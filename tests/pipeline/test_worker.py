"""What runs a stage: the number of threads that it has, and what garbage collections look at."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from slmr.config import EngineSettings, Params, TrainingSettings
from slmr.pipeline.worker import run_stage, set_libraries_aside
from slmr.stage import Stage, StageContext


def kind_that(run: object) -> Stage:
    return Stage("test", run, Params, {}, False, False, False, False, 1)  # type: ignore[arg-type]


def context_in(folder: Path, threads: int | None) -> StageContext:
    return StageContext(
        folder,
        {"model": ["http://a/v1"], "problems": [folder]},
        7,
        EngineSettings(),
        lambda *_: None,
        stats={"a": 1},
        tasks_paths=(folder,),
        remaining_tokens=5,
        training=TrainingSettings(processes=2),
        threads=threads,
    )


@pytest.mark.parametrize("threads", [1, 3])
def test_a_stage_has_its_number_of_threads_and_the_process_its_own_again(threads: int, tmp_path: Path) -> None:
    before = torch.get_num_threads()
    seen: list[int] = []
    context = context_in(tmp_path, threads)
    run_stage(kind_that(lambda *_: seen.append(torch.get_num_threads())), context, Params())
    assert seen == [threads] and context.threads == threads
    assert torch.get_num_threads() == before


def test_without_a_number_it_has_what_torch_takes(tmp_path: Path) -> None:
    context = context_in(tmp_path, None)
    run_stage(kind_that(lambda *_: None), context, Params())
    assert context.threads == torch.get_num_threads()


def test_from_the_first_training_on_the_libraries_are_no_concern_of_garbage_collections(
    tmp_path: Path,
) -> None:
    set_libraries_aside.cache_clear()
    gc.unfreeze()
    context = replace(context_in(tmp_path, 1), training=TrainingSettings())
    try:
        run_stage(kind_that(lambda *_: None), context, Params())
        assert gc.get_freeze_count() == 0
        run_stage(replace(kind_that(lambda *_: None), trains=True), context, Params())
        frozen = gc.get_freeze_count()
        assert frozen > len(gc.get_objects())
        later = [[] for _ in range(100_000)]
        run_stage(replace(kind_that(lambda *_: None), trains=True), context, Params())
        assert later and gc.get_freeze_count() <= frozen  # what a later stage leaves is collected as ever
    finally:
        gc.unfreeze()
