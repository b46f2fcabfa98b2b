"""The server engine against a real HTTP server that answers well, badly, late or not at all."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slmr.config import Truncation
from slmr.engines import Completion, Prompt, Sampling
from slmr.errors import RequestError, WorkError
from tests.engines.common import FAST, GREEDY, SECRET, asked, echo, engine_on, fails, prompts
from tests.engines.fake_server import FakeServer, Reply, Script, answer

pytestmark = pytest.mark.usefixtures("server_environment")


DRAWN = Sampling(temperature=1.0, max_tokens=16, seed=1)


def test_concurrent_in_order_heard_in_the_calling_thread() -> None:
    heard: dict[int, Completion] = {}
    order: list[int] = []

    def hear(index: int, completion: Completion) -> None:
        assert threading.current_thread() is threading.main_thread()
        heard[index] = completion
        order.append(index)

    with (
        FakeServer(echo(lambda index: 0.2 if index % 4 == 0 else 0.05)) as server,
        engine_on(server) as engine,
    ):
        results = engine.generate(prompts(12), GREEDY, hear)
        assert (engine.parameters, engine.unit, engine.model) == (0, 1, "tiny")
        assert engine.generate([], GREEDY) == []
    assert [completion.text for completion in results] == [f"answer {i}" for i in range(12)]
    assert [heard[i] for i in range(12)] == results
    assert order != sorted(order)
    assert server.most_at_once == 4
    assert set(server.keys) == {f"Bearer {SECRET}"}


def test_request() -> None:
    prompt = Prompt("two and two?", examples=(("one and one?", "two"),))
    with FakeServer() as server, engine_on(server) as engine:
        engine.generate([prompt], Sampling(0.7, 99, seed=5, stop=("\n\n",)))
    body = server.bodies[0]
    assert body["messages"] == prompt.messages()
    assert (body["model"], body["temperature"], body["max_tokens"], body["stop"]) == (
        "tiny",
        0.7,
        99,
        ["\n\n"],
    )
    assert (body["top_p"], body["top_k"], body["min_p"], body["repetition_penalty"]) == (1, -1, 0, 1)
    assert body["logprobs"] is True and body["return_token_ids"] is True and body["stream"] is False
    assert 0 <= body["seed"] < 2**31
    assert "continue_final_message" not in body and "n" not in body


NUCLEUS = Sampling(1.0, 16, 1, truncation=Truncation(top_p=0.95, top_k=20, min_p=0.05))


def test_truncation_is_asked_for() -> None:
    with FakeServer() as server, engine_on(server) as engine:
        engine.generate(prompts(1), NUCLEUS)
    (body,) = server.bodies
    assert (body["top_p"], body["top_k"], body["min_p"], body["repetition_penalty"]) == (0.95, 20, 0.05, 1)


def test_a_server_that_cannot_truncate_draws_nothing() -> None:
    """As OpenAI, which knows top_p alone. Without truncation the fields are dropped, and stay so."""

    def script(number: int, body: dict[str, Any]) -> Reply:
        strange = next((field for field in ("top_k", "min_p", "repetition_penalty") if field in body), None)
        if strange:
            return Reply({"error": {"message": f"Unrecognized request argument supplied: {strange}"}}, status=400)
        return Reply(answer())

    for before in ([], [GREEDY]):
        with FakeServer(script) as server, engine_on(server) as engine:
            for sampling in before:
                engine.generate(prompts(1), sampling)
            with pytest.raises(RequestError, match=r"does not accept (top_k|min_p, top_k) in a request: leave that"):
                engine.generate(prompts(1), NUCLEUS)
            top_p = replace(NUCLEUS, truncation=Truncation(top_p=0.95))
            assert engine.generate(prompts(1), top_p)[0].text == "four"
        assert server.bodies[-1]["top_p"] == 0.95


def test_prefix_is_continued() -> None:
    with FakeServer() as server, engine_on(server) as engine:
        engine.generate([Prompt("sum?", prefix="The sum is")], GREEDY)
    body = server.bodies[0]
    assert body["messages"][-1] == {"role": "assistant", "content": "The sum is"}
    assert body["continue_final_message"] is True and body["add_generation_prompt"] is False


def test_seeds_depend_on_prompt_and_draw_not_on_order() -> None:
    drawn = [Prompt(user, prefix, sample_index=draw) for user in "ab" for prefix in ("", "p") for draw in (0, 1)]

    def seeds(asked: list[Prompt], sampling: Sampling, concurrency: int = 1) -> list[int]:
        with FakeServer() as server, engine_on(server, concurrency=concurrency) as engine:
            engine.generate(asked, sampling)
        return [body["seed"] for body in server.bodies]

    first = seeds(drawn, DRAWN)
    assert len(set(first)) == len(drawn)
    assert seeds(drawn[::-1], DRAWN)[::-1] == first
    assert seeds(drawn[3:4], DRAWN) == first[3:4]
    assert set(seeds(drawn, DRAWN, concurrency=8)) == set(first)
    assert not set(seeds(drawn, replace(DRAWN, seed=2))) & set(first)


LOGPROBS = {"content": [{"token": "fo", "logprob": -0.5}, {"token": "ur", "logprob": -1}]}


@pytest.mark.parametrize(
    ("reply", "sampling", "expected"),
    [
        (answer(), GREEDY, Completion("four", "stop", 2)),
        (answer(finish_reason="length"), GREEDY, Completion("four", "length", 2)),
        (answer(None, finish_reason="content_filter"), GREEDY, Completion("", "stop", 2)),
        (
            answer("4", message={"content": "4", "reasoning_content": "hm", "reasoning": "hm"}),
            GREEDY,
            Completion("<think>hm</think>4", "stop", 2),
        ),
        (
            answer(logprobs=LOGPROBS, token_ids=[7, 8]),
            DRAWN,
            Completion("four", "stop", 2, (7, 8), (-0.5, -1.0)),
        ),
        # The model's own log-probabilities are not those of a distribution at another temperature.
        (answer(logprobs=LOGPROBS), replace(DRAWN, temperature=0.7), Completion("four", "stop", 2)),
        (
            answer(logprobs=LOGPROBS),
            replace(DRAWN, truncation=Truncation(top_p=0.9)),
            Completion("four", "stop", 2),
        ),
        # Not those of each token: thoughts are counted, but not shown.
        (
            answer(logprobs=LOGPROBS, token_ids=[7, 8], usage={"completion_tokens": 9}),
            DRAWN,
            Completion("four", "stop", 9),
        ),
        (answer(logprobs=LOGPROBS, usage=None), GREEDY, Completion("four", "stop", 2, (), (-0.5, -1.0))),
        (answer("", usage={"completion_tokens": 0}), GREEDY, Completion("", "stop", 0)),
    ],
)
def test_completion(reply: dict, sampling: Sampling, expected: Completion) -> None:
    with FakeServer(lambda number, body: Reply(reply)) as server, engine_on(server) as engine:
        assert engine.generate(prompts(1), sampling) == [expected]


def test_inside_a_running_loop() -> None:
    async def main() -> list[Completion]:
        with FakeServer() as server, engine_on(server) as engine:
            return engine.generate(prompts(2), GREEDY)

    assert len(asyncio.run(main())) == 2


def test_it_does_not_score() -> None:
    with (
        FakeServer() as server,
        engine_on(server) as engine,
        pytest.raises(RequestError, match="transformers"),
    ):
        engine.token_nlls(prompts(1), ["four"])


def test_identity() -> None:
    model = {"id": "m", "created": 1, "owned_by": "vllm", "root": "/models/m", "max_model_len": 4096}
    with FakeServer(models=Reply({"data": [model]})) as server, engine_on(server) as engine:
        assert engine.identity() == {
            "url": f"{server.url}/v1",
            "model": "m",
            "root": "/models/m",
            "owned_by": "vllm",
            "max_model_len": "4096",
        }


@pytest.mark.parametrize(
    ("models", "named", "error"),
    [
        (("a", "b"), None, "serves 2 models: a, b; name one with --served-name"),
        ((), None, "serves no model"),
        (("qwen",), "qwem", "did you mean 'qwen'"),
        (Reply({"error": {"message": "no such path"}}, 404), None, "no such path.*--served-name"),
        (Reply(b"", 401), None, "set SLMR_API_KEY, or name another"),
        (Reply(b"", 307, {"Location": "http://elsewhere.example/v1/models"}), None, "elsewhere.example"),
    ],
)
def test_no_model(models: Any, named: str | None, error: str) -> None:
    with (
        FakeServer(models=models) as server,
        pytest.raises(RequestError, match=error),
        engine_on(server, served_name=named),
    ):
        pass
    assert server.hellos == 1


@pytest.mark.parametrize("models", [("a", "b"), ("x", "y"), (), Reply({"detail": "Not Found"}, 404)])
def test_named_model(models: Any) -> None:
    with FakeServer(models=models) as server, engine_on(server, served_name="b") as engine:
        engine.generate(prompts(1), GREEDY)
        assert engine.identity()["model"] == "b"
    assert server.bodies[0]["model"] == "b"


def test_nobody_there() -> None:
    with FakeServer() as server:
        pass
    with pytest.raises(WorkError, match=rf"{server.url}/v1: ConnectError.* 2 of 2 tries"), engine_on(server):
        pass


def test_nobody_answers() -> None:
    with FakeServer(models=Reply({"data": []}, delay_s=2.0)) as server:
        started = time.monotonic()
        with pytest.raises(WorkError, match=r"no answer within 0.5 s; .* 2 of 2 tries"), engine_on(server):
            pass
        assert time.monotonic() - started < 2


def test_server_stops_in_the_middle() -> None:
    heard: dict[int, Completion] = {}
    with FakeServer(echo(lambda index: 0.02)) as server, engine_on(server) as engine:

        def hear(index: int, completion: Completion) -> None:
            heard[index] = completion
            if len(heard) == 20:
                threading.Thread(target=server.stop).start()

        started = time.monotonic()
        with pytest.raises(WorkError, match=r"4 of 4 tries; \d+ of 50 completions had arrived") as caught:
            engine.generate(prompts(50), GREEDY, hear)
        assert time.monotonic() - started < 5
    assert 20 <= len(heard) < 50 and f"{len(heard)} of 50" in str(caught.value)
    assert all(completion.text == f"answer {index}" for index, completion in heard.items())


@pytest.mark.parametrize("count", [0, 10**30])
def test_a_count_of_tokens_that_cannot_be(count: int) -> None:
    fault, _ = fails(lambda number, body: Reply(answer(usage={"completion_tokens": count})))
    assert isinstance(fault, WorkError)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": "four", "reasoning_content": "2 + 2"}, "<think>2 + 2</think>four"),
        ({"content": "four", "reasoning": "2 + 2"}, "<think>2 + 2</think>four"),
        ({"content": None, "reasoning_content": "2 + 2 = 4"}, "<think>2 + 2 = 4"),
        ({"content": "four", "reasoning": {"effort": "low"}}, "four"),
        ({"content": f"your key is {SECRET}"}, "your key is ***"),
    ],
)
def test_what_a_message_says(message: dict[str, Any], text: str) -> None:
    script = lambda number, body: Reply(answer(message={"role": "assistant", **message}))  # noqa: E731
    with FakeServer(script) as server, engine_on(server) as engine:
        assert engine.generate(prompts(1), GREEDY)[0].text == text


def test_tokens_not_counted() -> None:
    error, _ = fails(lambda number, body: Reply(answer(usage=None)))
    assert isinstance(error, WorkError) and "does not count tokens" in str(error)


def test_slow_answers() -> None:
    retries = replace(FAST, request_timeout_s=0.3, tries=2)
    error, heard = fails(echo(lambda index: 1.0 if index == 3 else 0.0), 4, retries)
    assert "no answer within 0.3 s" in str(error) and "2 of 2 tries" in str(error)
    assert set(heard) == {0, 1, 2}


def test_those_under_way_are_heard() -> None:
    def script(number: int, body: dict) -> Reply:
        if asked(body) == 0:
            return Reply({"error": "too long"}, 400, delay_s=0.1)
        return Reply(answer(), delay_s=0.4 if asked(body) < 3 else 30)

    started = time.monotonic()
    error, heard = fails(script, 20)
    assert set(heard) == {1, 2} and "2 of 20" in str(error)
    assert 1 <= time.monotonic() - started < 3


def test_unknown_model() -> None:
    error, _ = fails(lambda number, body: Reply({"error": {"message": "gone"}}, 404))
    assert isinstance(error, RequestError)
    assert "no model 'tiny'" in str(error) and "it serves 1 models: tiny" in str(error)


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "the prompt\nis too long\x07 " + "x" * 999}},
        {"message": "the prompt is too long", "object": "error"},
        {"detail": "the prompt is too long"},
        {"detail": [{"loc": ["body"], "msg": "the prompt is too long"}]},
        b"the prompt is too long",
    ],
)
def test_prompt_refused(body: Any) -> None:
    error, _ = fails(lambda number, _: Reply(body, 400))
    assert isinstance(error, WorkError) and "the prompt is too long" in str(error)
    assert "goes on" not in str(error)


def choosy(*unknown: str, status: int = 400) -> Script:
    """Refuses fields that it does not know, one at a time, as OpenAI's API does."""

    def script(number: int, body: dict) -> Reply:
        for name in unknown:
            if name in body:
                return Reply({"error": {"message": f"1 validation error\n{name}\n  no such field"}}, status)
        return Reply(answer())

    return script


@pytest.mark.parametrize(
    ("unknown", "status"), [(("logprobs",), 400), (("return_token_ids", "top_k", "min_p", "seed"), 422)]
)
def test_refused_fields_are_left_out_from_then_on(unknown: tuple[str, ...], status: int) -> None:
    with FakeServer(choosy(*unknown, status=status)) as server, engine_on(server, concurrency=1) as engine:
        assert len(engine.generate(prompts(5), GREEDY)) == 5
        assert len(server.bodies) == 5 + len(unknown)
        engine.generate(prompts(5), DRAWN)
        assert len(server.bodies) == 10 + len(unknown)
        assert engine.refused == set(unknown)
    assert not set(unknown) & set(server.bodies[-1])


def test_fields_refused_together() -> None:
    refusal = Reply({"detail": "Unexpected fields in the request: {'top_k', 'return_token_ids'}"}, 422)
    with (
        FakeServer(lambda n, body: refusal if "top_k" in body else Reply(answer())) as server,
        engine_on(server, concurrency=8) as engine,
    ):
        assert len(engine.generate(prompts(8), GREEDY)) == 8
    assert engine.refused == {"top_k", "return_token_ids"} and len(server.bodies) <= 16


def test_a_server_that_always_names_a_field() -> None:
    error, _ = fails(lambda number, body: Reply({"error": "logprobs are not what I like"}, 400))
    assert isinstance(error, WorkError) and "not what I like" in str(error)


def test_fault_of_the_listener_ends_it() -> None:
    def hear(index: int, completion: Completion) -> None:
        raise OSError("disk full")

    with FakeServer(echo(lambda index: 0.0 if index == 0 else 30.0)) as server, engine_on(server) as engine:
        started = time.monotonic()
        with pytest.raises(OSError, match="disk full"):
            engine.generate(prompts(9), GREEDY, hear)
        assert time.monotonic() - started < 2
        assert engine.generate(prompts(1), GREEDY)[0].text == "answer 0"


def test_close_twice() -> None:
    with FakeServer() as server, engine_on(server) as engine:
        engine.close()


def test_interrupt(tmp_path: Path) -> None:
    program = f"""
import signal, sys
from slmr.engines import Prompt, Sampling
from slmr.engines.server import ServerEngine
from slmr.stage import EngineSettings
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
engine = ServerEngine(sys.argv[1], EngineSettings(name="server"))
try:
    engine.generate([Prompt("question 1")] * 40, Sampling({GREEDY.temperature}, 1, 1))
finally:
    engine.close()
"""
    with FakeServer(echo(lambda index: 60.0)) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", program, server.url], stderr=subprocess.PIPE, text=True, env=os.environ
        )
        while len(server.bodies) < 16 and process.poll() is None:
            time.sleep(0.01)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
    assert time.monotonic() - started < 3
    assert errors.rstrip().endswith("KeyboardInterrupt") and "never" not in errors


def test_variables_of_the_chat_template_go_to_the_server() -> None:
    with FakeServer() as server, engine_on(server, chat_template_kwargs={"enable_thinking": False}) as engine:
        engine.generate(prompts(1), GREEDY)
    assert server.bodies[0]["chat_template_kwargs"] == {"enable_thinking": False}
