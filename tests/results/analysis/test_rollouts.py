"""A row of a trainer's rollouts is the completions in it, whatever else it holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from slmr.errors import RequestError
from slmr.results.analysis.rollouts import PaidCompletion, prompt_text, question_text, rollouts_of
from slmr.results.analysis.training_logs import read_training_logs

MESSAGES = [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]


def read(row: dict[str, Any], file: str = "run/3.jsonl") -> tuple[str, list[PaidCompletion]]:
    return rollouts_of(row, Path(file), "here")


def test_a_row_of_verl_may_hold_what_a_reward_adds() -> None:
    row = {
        "input": "1 + 1",
        "output": "2",
        "score": 1.0,
        "gts": "2",
        "prompt": "?",
        "reward": 0.5,
        "acc": True,
    }
    assert read(row) == ("verl", [PaidCompletion(3, "1 + 1", "2", 1.0, "2")])


def test_the_step_may_be_in_the_folder_s_name() -> None:
    row = {"prompt": MESSAGES, "completion": "2", "reward": 1.0}
    assert read(row, "step_12/rollouts.jsonl")[1][0].step == 12
    assert read(row, "run-12/results.jsonl")[1][0].step == 0
    with pytest.raises(RequestError, match="here: a step is a number"):
        read(row | {"step": -1})


def episode(reply: str, score: float, finish: str = "stop") -> dict[str, Any]:
    """By verifiers' own types, as its evaluation writes it to `traces.jsonl`."""
    from verifiers.v1.configs.agent import AgentConfig
    from verifiers.v1.episode import Episode
    from verifiers.v1.graph import MessageNode
    from verifiers.v1.task import TaskData
    from verifiers.v1.trace import AgentInfo, Reward, Trace, TraceTask
    from verifiers.v1.types import AssistantMessage, UserMessage

    class Sum(TaskData):
        answer: str = "2"

    task = TraceTask(type="Sum", data=Sum(idx=0, prompt="1 + 1?"))
    nodes = [
        MessageNode(message=UserMessage(content="1 + 1?")),
        MessageNode(parent=0, message=AssistantMessage(content=reply), sampled=True),
    ]
    trace = Trace(
        task=task,
        agent=AgentInfo(config=AgentConfig()),
        nodes=nodes,
        stop_condition=finish,
        rewards={"paid": Reward(score=score, weight=2.0), "judge": None},
    )
    return json.loads(Episode(task=task, traces=[trace]).model_dump_json())


def test_an_episode_of_verifiers_as_its_own_types_write_it(tmp_path: Path) -> None:
    pytest.importorskip("verifiers.v1")
    rows = [episode("2", 1.0), episode("3", 0.0, "max_output_tokens")]
    file = tmp_path / "traces.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (log,) = read_training_logs(tmp_path)
    assert log.source == "verifiers"
    assert log.completions == [
        PaidCompletion(0, "1 + 1?", "2", 2.0, "2", None, False),
        PaidCompletion(0, "1 + 1?", "3", 0.0, "2", None, True),
    ]


@pytest.mark.parametrize(
    "trace", [{}, {"nodes": 3, "rewards": 1, "task": None, "calls": 2}, {"nodes": [{"message": 1}, 2]}]
)
def test_a_trace_that_says_nothing_is_an_empty_completion(trace: dict[str, Any]) -> None:
    assert read({"traces": [trace, 7]}) == ("verifiers", [PaidCompletion(3, "", "", None)])


def test_what_is_no_rollout_is_said() -> None:
    with pytest.raises(RequestError, match=r"here is not a rollout.*or 'traces'; it has text"):
        read({"text": "?"})


def test_prompts_are_texts() -> None:
    assert prompt_text("a") == "a" == question_text("a") and prompt_text(None) == ""
    assert prompt_text(MESSAGES) == "a\nb" and question_text(MESSAGES) == "b"
