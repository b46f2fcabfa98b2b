"""Environments of verifiers: the taskset in a whole episode, the rubric in those of before 0.4."""

from __future__ import annotations

import asyncio
import http.client
import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from slmr.errors import RequestError
from slmr.rewards import rubric, taskset

VERIFIERS = "verifiers is not installed: pip install 'slmr[verifiers]'"
RUBRICS = "no rubrics: they are tested with verifiers before 0.4"
ROWS = [
    {"question": "3 + 4? End with ####.", "answer": "7"},
    {"prompt": [{"role": "user", "content": "2 + 2?"}], "answer": 4},
    {"question": "Five and five?", "answer": "ten"},
]
REPLIES = {
    "#### 7": {
        "paid": 1.0,
        "strict": 1.0,
        "lenient": 1.0,
        "no_answer": 0.0,
        "abstained": 0.0,
        "cut_off": 0.0,
    },
    "It is 7": {
        "paid": 0.25,
        "strict": 0.0,
        "lenient": 1.0,
        "no_answer": 0.0,
        "abstained": 0.0,
        "cut_off": 0.0,
    },
    "<think>3 +": {
        "paid": 0.0,
        "strict": 0.0,
        "lenient": 0.0,
        "no_answer": 1.0,
        "abstained": 0.0,
        "cut_off": 1.0,
    },
}

# As a user's package: a taskset, and a harness that asks the model once, in this process.
PACKAGE = """
import asyncio
import verifiers.v1 as vf
from slmr.rewards import taskset
from tests.rewards.test_verifiers import ROWS, ask

Answers = taskset("numeric", ROWS, lenient_weight=0.25)

class Once(vf.Harness[vf.HarnessConfig]):
    EXECUTES_CODE = NEEDS_CONTAINER = False

    async def launch(self, ctx, trace, runtime, endpoint, secret, mcp_urls, data, **_):
        await asyncio.to_thread(ask, endpoint, secret, ctx.model, data.prompt_text)
        return vf.ProgramResult(exit_code=0, stdout="", stderr="")

__all__ = ["Answers", "Once"]
"""


def ask(endpoint: str, secret: str, model: str, prompt: str) -> None:
    place = urlsplit(endpoint)
    connection = http.client.HTTPConnection(place.netloc, timeout=300)
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": prompt}]})
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    connection.request("POST", f"{place.path}/chat/completions", body, headers)
    assert connection.getresponse().status == 200


@pytest.fixture
def vf() -> Any:
    pytest.importorskip("verifiers", reason=VERIFIERS)
    return pytest.importorskip("verifiers.v1", reason="no tasksets in this version of verifiers")


@pytest.fixture
def provider() -> Iterator[Callable[[str], str]]:
    """A server as OpenAI's that answers every prompt with the same text; its URL."""
    servers: list[ThreadingHTTPServer] = []

    def start(text: str) -> str:
        class Model(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                choice = {
                    "index": 0,
                    "message": {"role": "assistant", "content": text},
                    "finish_reason": "length" if "<think>" in text else "stop",
                }
                usage = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}
                reply = json.dumps(
                    {
                        "id": "1",
                        "object": "chat.completion",
                        "created": 1,
                        "model": "m",
                        "choices": [choice],
                        "usage": usage,
                    }
                ).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        servers.append(server := ThreadingHTTPServer(("127.0.0.1", 0), Model))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/v1"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


async def episodes(vf: Any, package: str, url: str) -> list[Any]:
    """One episode of every task of a package, as the evaluation of verifiers plays them."""
    agent = {"harness": {"id": package}, "runtime": {"type": "subprocess"}}
    env = vf.load_environment(vf.resolve_env_config({"taskset": {"id": package}, "agent": agent}))
    client = vf.EvalClientConfig(base_url=url, api_key_var="NO_KEY")
    context = vf.ModelContext(model="m", client=client, sampling=vf.SamplingConfig())
    async with env.serving():
        slots = [slot for task in env.taskset for slot in env.slots(task)]
        return [await env.run_slot(slot, context) for slot in slots]


@pytest.mark.parametrize("reply", list(REPLIES))
def test_episodes_are_paid_and_measured(
    reply: str, vf: Any, provider: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "answers_env.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("NO_KEY", "none")
    monkeypatch.delitem(sys.modules, "answers_env", raising=False)
    first, second, third = asyncio.run(episodes(vf, "answers_env", provider(reply)))
    assert not first.errors and first.ok
    (trace,) = first.traces
    assert {**trace.metrics, "paid": trace.reward} == REPLIES[reply]
    assert trace.info["extracted"] == (None if "<think>" in reply else "7") and trace.info["reason"]
    assert second.traces[0].metrics["lenient"] == second.traces[0].reward == 0.0
    assert third.traces[0].metrics["abstained"] == 1.0 and third.traces[0].reward == 0.0


def test_a_task_is_valid_if_its_gold_can_be_read(vf: Any) -> None:
    tasks = list(taskset("numeric", lambda: iter(ROWS))(vf.TasksetConfig()))
    assert [asyncio.run(task.validate(None)) for task in tasks] == [True, True, False]
    assert [task.data.gold for task in tasks] == ["7", "4", "ten"]
    assert tasks[1].data.prompt[0].content == "2 + 2?" and tasks[0].data.prompt == ROWS[0]["question"]


def test_rows_that_can_be_read_once_are_kept(vf: Any) -> None:
    made = taskset("math", iter([{"question": "?", "gold": "7"}]), gold="gold")(vf.TasksetConfig())
    assert len(list(made)) == len(list(made)) == 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"prompt": "?", "solution": 7}, "no column 'answer'.*columns: prompt, solution"),
        ({"answer": "7", "problem": "?"}, r"a row has no 'prompt' or 'question' \(keys: answer, problem"),
    ],
)
def test_a_row_without_prompt_or_gold_is_an_error_that_says_what_there_is(
    vf: Any, row: dict[str, Any], message: str
) -> None:
    with pytest.raises(RequestError, match=message):
        list(taskset("numeric", [row])(vf.TasksetConfig()))


NOTHING = dict.fromkeys(("paid", "accuracy", "lenient", "no_answer", "abstained", "reward"), 0.0)


def scored(environment: Any, reply: Any) -> list[dict[str, float]]:
    """What the rubric says of one reply to every row."""
    found = []
    for row in environment.get_dataset():
        state = {**row, "completion": [{"role": "assistant", "content": reply}]}
        asyncio.run(environment.rubric.score_rollout(state))
        found.append({name: state["metrics"].get(name, state["reward"]) for name in NOTHING})
    return found


@pytest.mark.parametrize("gold", ["answer", "solution"])
def test_an_environment_of_before_is_scored_by_the_rubric(gold: str) -> None:
    verifiers = pytest.importorskip("verifiers", reason=VERIFIERS)
    if not hasattr(verifiers, "Rubric"):
        pytest.skip(RUBRICS)
    from datasets import Dataset

    rows = Dataset.from_dict({"question": ["3 + 4?", "2 + 2?"], gold: ["7", "four"]})
    environment = verifiers.SingleTurnEnv(dataset=rows, rubric=rubric("numeric", gold, lenient_weight=0.25))
    right, abstained = scored(environment, "3 + 4 = 7\n#### 7")
    assert right == NOTHING | {"paid": 1.0, "accuracy": 1.0, "lenient": 1.0, "reward": 1.0}
    assert abstained == NOTHING | {"abstained": 1.0}
    lenient, _ = scored(environment, "It is 7")
    assert lenient == NOTHING | {"paid": 0.25, "lenient": 1.0, "reward": 0.25}
    assert scored(environment, None)[0] == NOTHING | {"no_answer": 1.0}


def test_a_version_without_rubrics_or_tasksets_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "verifiers", None)
    monkeypatch.setitem(sys.modules, "verifiers.v1", None)
    with pytest.raises(RequestError, match=r"pip install 'verifiers<0\.4', or use slmr\.rewards\.taskset"):
        rubric("numeric")
    with pytest.raises(RequestError, match=r"pip install 'verifiers>=0\.4'"):
        taskset("numeric", ROWS)
