"""The service: right rewards whoever asks at once, and every fault of a request in one line."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slmr.errors import RequestError
from slmr.rewards import service
from slmr.rewards.grader import Grader
from slmr.rewards.service import RewardServer
from slmr.verify import checker_version, verify

Ask = Callable[..., tuple[int, Any]]


@pytest.fixture
def serve() -> Iterator[Callable[..., Ask]]:
    """Starts a service in this process; what it returns asks it and gives status and content."""
    servers: list[tuple[RewardServer, threading.Thread]] = []

    def start(*arguments: Any, **options: Any) -> Ask:
        server = RewardServer(Grader(*arguments, **options), "127.0.0.1", 0)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        servers.append((server, thread))

        def ask(path: str, content: Any = None, method: str = "POST", **headers: str) -> tuple[int, Any]:
            connection = http.client.HTTPConnection(*server.server_address[:2], timeout=300)
            body = content if isinstance(content, bytes | None) else json.dumps(content).encode()
            connection.request(method, path, body, headers)
            reply = connection.getresponse()
            text = reply.read()
            connection.close()
            assert reply.headers["Content-Type"] == "application/json" and b"\n" not in text
            assert int(reply.headers["Content-Length"]) == len(text)
            return reply.status, json.loads(text)

        return ask

    yield start
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()


def test_rewards_and_verdicts_in_order(serve: Callable[..., Ask]) -> None:
    completions = ["#### 7", "It is 7", [{"role": "assistant", "content": "#### 8"}], [], None, "#### 7"]
    golds = ["7", 7, "7", "7", "7", "seven"]
    status, content = serve("numeric", lenient_weight=0.25)("/reward", {"completions": completions, "gold": golds})
    assert status == 200 and content["rewards"] == [1.0, 0.25, 0.0, 0.0, 0.0, None]
    assert [row["status"] for row in content["verdicts"]] == [
        "correct",
        "correct",
        "wrong",
        "no_answer",
        "no_answer",
        "malformed_gold",
    ]
    assert content["verdicts"][1] == {
        "status": "correct",
        "strict": False,
        "lenient": True,
        "abstained": False,
        "extracted": "7",
        "reason": "right, but not in the requested form",
    }


def test_health_says_what_is_judged_and_paid(serve: Callable[..., Ask]) -> None:
    ask = serve("lab_math", gold="answer", form="any")
    assert ask("/health", method="GET") == ask("/", method="GET")
    assert ask("/health", method="GET")[1] == {
        "status": "ok",
        "task": "lab_math",
        "kind": "math",
        "checker": checker_version("math"),
        "gold": "answer",
        "form": "any",
        "lenient_weight": 0.0,
    }
    assert ask("/reward", {"completions": ["The answer is $7$"], "answer": ["7"]})[1]["rewards"] == [1.0]


def test_sixty_four_at_once_get_the_right_verdicts(serve: Callable[..., Ask]) -> None:
    ask = serve("math")
    forms = [
        "\\boxed{{{}}}",
        "\\boxed{{\\frac{{{0}}}{{1}}}}",
        "It is {}.",
        "\\boxed{{{}}} or 3",
        "\\boxed{{x+{}}}",
    ]
    ready = threading.Barrier(64)

    def request(number: int) -> tuple[Any, list[Any]]:
        completions = [form.format(number + i // 5 % 2) for i, form in enumerate(forms * 4)]
        golds = [str(number)] * len(completions)
        ready.wait()
        status, content = ask("/reward", {"completions": completions, "gold": golds})
        assert status == 200
        verdicts = [verify(c, g, "math") for c, g in zip(completions, golds, strict=True)]
        return content, [(v.status, v.strict, v.extracted) for v in verdicts]

    with ThreadPoolExecutor(64) as threads:
        for content, verdicts in threads.map(request, range(64)):
            assert [(v["status"], v["strict"], v["extracted"]) for v in content["verdicts"]] == verdicts
            assert content["rewards"] == [float(strict) for _, strict, _ in verdicts]
            assert 0 < sum(content["rewards"]) < len(verdicts)


def test_what_openrlhf_sends_is_judged_without_its_prompt(serve: Callable[..., Ask]) -> None:
    prompts = ["An example: #### 7\nAnd 3 + 4?\n", "3 + 4?", "3 + 4?"]
    query = [f"<s>{prompts[0]}I do not know", f"{prompts[1]}#### 7</s>", f"{prompts[2]}#### 7"]
    sent = {"query": query, "prompts": prompts, "labels": ["7", "7", "seven"]}
    assert serve("numeric")("/openrlhf", sent) == (
        200,
        {
            "rewards": [0.0, 1.0, 0.0],
            "scores": [0.0, 1.0, 0.0],
            "extra_logs": {
                "strict": [0.0, 1.0, 0.0],
                "lenient": [0.0, 1.0, 0.0],
                "no_answer": [1.0, 0.0, 0.0],
                "abstained": [0.0, 0.0, 1.0],
            },
        },
    )


@pytest.mark.parametrize(("label", "reward"), [("7", 1.0), (7, 1.0), ("8", 0.0), ("seven", 0.0)])
def test_what_slime_sends_is_answered_with_a_number(serve: Callable[..., Ask], label: Any, reward: float) -> None:
    assert serve("numeric")("/slime", {"prompt": "3 + 4?", "response": "#### 7", "label": label}) == (
        200,
        reward,
    )


FAULTS = [
    (b"{", "not JSON: "),
    (b"[" * 100_000, "not JSON: "),
    (b"\xff", "not JSON: "),
    (b"", "not JSON: "),
    ({"completions": [{"content": [3]}], "gold": ["7"]}, "completion 0 should be"),
    ([], "it should be a JSON object"),
    ({}, "'completions' is missing; there are: none"),
    ({"completions": ["x"], "answer": ["7"]}, "'gold' is missing; there are: answer, completions"),
    ({"completions": "x", "gold": ["7"]}, "'completions' should be a list"),
    ({"completions": ["x"], "gold": "7"}, "'gold' should be a list"),
    ({"completions": ["x"], "gold": ["7", "7"]}, "1 completions, but 2 golds"),
    (
        {"completions": ["x", 3], "gold": ["7", "7"]},
        "completion 1 should be a text, a message or a list of messages",
    ),
    ({"completions": [["x"]], "gold": ["7"]}, "completion 0 should be"),
    ({"completions": [[{"content": 3}]], "gold": ["7"]}, "completion 0 should be"),
    ({"completions": [{"content": [{"text": 3}]}], "gold": ["7"]}, "completion 0 should be"),
    ({"completions": ["x"], "gold": [["7"]]}, "gold 0 should be a text or a number"),
]


@pytest.mark.parametrize(("content", "message"), FAULTS)
def test_a_fault_is_one_line(serve: Callable[..., Ask], content: Any, message: str) -> None:
    status, reply = serve("numeric")("/reward", content)
    assert status == 400 and list(reply) == ["error"] and message in reply["error"]


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        ("/openrlhf", {"query": ["x"], "labels": ["7"]}, "'prompts' is missing"),
        (
            "/openrlhf",
            {"query": ["x"], "prompts": ["p"], "labels": ["7"]},
            "query 0 does not contain its prompt",
        ),
        (
            "/openrlhf",
            {"query": ["x"], "prompts": [], "labels": ["7"]},
            "lists of texts with the same length",
        ),
        ("/openrlhf", {"query": ["x"], "prompts": ["x"], "labels": []}, "1 completions, but 0 golds"),
        ("/slime", {"response": "x"}, "'label' is missing; there are: response"),
        ("/slime", {"response": 3, "label": "7"}, "completion 0 should be"),
    ],
)
def test_a_fault_of_another_format_is_one_line(
    serve: Callable[..., Ask], path: str, content: Any, message: str
) -> None:
    status, reply = serve("numeric")(path, content)
    assert status == 400 and message in reply["error"]


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["role", "content", "text", "type"]), inner)
        ),
    ),
    st.sampled_from(["/reward", "/openrlhf", "/slime"]),
)
def test_whatever_json_is_sent_is_judged_or_refused(serve: Callable[..., Ask], value: Any, path: str) -> None:
    ask = serve("math")
    for content in (
        value,
        {"completions": [value], "gold": ["7"]},
        {"completions": ["\\boxed{7}"], "gold": [value]},
        {"query": [value], "prompts": [value], "labels": [value]},
        {"response": value, "label": value},
    ):
        assert ask(path, content)[0] in (200, 400)


def test_other_paths_methods_and_lengths_are_refused(serve: Callable[..., Ask]) -> None:
    ask = serve("numeric")
    assert ask("/rewards", {})[0] == ask("/x", method="GET")[0] == 404
    assert ask("/reward", {}, method="PUT")[0] == 501
    chunked = {"Transfer-Encoding": "chunked"}
    assert ask("/reward", b"0\r\n\r\n", **chunked)[0] == 411
    assert ask("/reward", b"{}", **{"Content-Length": "-2"})[0] == 411


def test_a_request_that_is_too_large_is_refused_in_words(
    serve: Callable[..., Ask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_BODY", 1 << 20)
    ask = serve("numeric")
    content = {"completions": ["#### 7"], "gold": ["7"], "more": "x" * (8 << 20)}
    status, reply = ask("/reward", content)
    assert status == 413 and "send smaller batches" in reply["error"]
    assert ask("/reward", content | {"more": ""})[1]["rewards"] == [1.0]


def test_a_fault_of_ours_is_no_score_and_the_service_goes_on(
    serve: Callable[..., Ask], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = serve("numeric")
    with monkeypatch.context() as broken:
        broken.setattr(Grader, "judge", lambda *_: 1 / 0)
        status, reply = ask("/reward", {"completions": ["#### 7"], "gold": ["7"]})
    assert status == 500 and reply == {"error": "internal error of the service; see its output"}
    assert ask("/reward", {"completions": ["#### 7"], "gold": ["7"]})[1]["rewards"] == [1.0]
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_silent_client_is_dropped_and_keeps_nobody_waiting(
    serve: Callable[..., Ask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service._Handler, "timeout", 0.5)
    server = RewardServer(Grader("numeric"), "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    with socket.create_connection(server.server_address[:2]) as silent:
        silent.sendall(b"POST /reward HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
        assert silent.recv(100) == b""  # closed by the service
        server.shutdown()
        server.server_close()
    thread.join(300)
    assert not thread.is_alive()


def test_an_address_that_cannot_be_had_is_one_line() -> None:
    with RewardServer(Grader("numeric"), "127.0.0.1", 0) as server, pytest.raises(RequestError) as error:
        RewardServer(Grader("numeric"), "127.0.0.1", server.server_port)
    assert server.url == f"http://127.0.0.1:{server.server_port}"
    assert "cannot listen on 127.0.0.1, port" in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(RequestError, match=r"cannot listen on 203\.0\.113\.7"):
        RewardServer(Grader("numeric"), "203.0.113.7", 0)
