"""What goes to a worker process and comes back: nothing is lost on the way."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from slmr.artifacts import Cost
from slmr.config import EngineSettings, TrainingSettings
from slmr.pipeline.messages import Done, Exited, Failed, Job, Message, Progress, Ready, Stopped, read_message
from slmr.stage import StageContext


def test_a_context_is_the_same_on_the_other_side(tmp_path: Path) -> None:
    context = StageContext(
        tmp_path,
        {"model": ["http://a/v1"], "problems": [tmp_path], "traces": [Path("a/b")]},
        7,
        EngineSettings(device="cpu"),
        lambda *_: None,
        cost=Cost(train_tokens=3),
        stats={"a": 1},
        tasks_paths=(tmp_path,),
        remaining_tokens=5,
        training=TrainingSettings(processes=2),
        threads=3,
        tracked_as="grpo/s/seed-0/grpo",
        tracked_in=tmp_path / "trackers",
    )
    job = Job(stage="pool", params={"size": 1}, context=context)
    there = Job.model_validate_json(job.model_dump_json())
    assert (there.stage, there.params) == ("pool", {"size": 1})
    assert replace(there.context, progress=context.progress) == context


@pytest.mark.parametrize(
    "message",
    [
        Ready(),
        Progress(done=1, total=2, unit="steps"),
        Done(stats={"loss": [0.5]}, cost=Cost(flops=1.5), threads=None),
        Failed(error="no", is_request=True),
        Stopped(),
        Exited(code=-9),
    ],
)
def test_a_message_is_one_line_and_the_same_on_the_other_side(message: Message) -> None:
    line = message.model_dump_json()
    assert "\n" not in line and read_message(line) == message


def test_statistics_keep_numbers_that_are_none() -> None:
    line = Done(stats={"loss": math.nan}, cost=Cost(), threads=1).model_dump_json()
    done = read_message(line)
    assert isinstance(done, Done) and math.isnan(done.stats["loss"])
