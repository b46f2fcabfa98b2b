"""One API: its URL and key, and the retries with which it is asked."""

from __future__ import annotations

import gzip
import time
from dataclasses import replace
from typing import Any

import pytest

from slmr.engines import endpoint
from slmr.engines.endpoint import RETRIES, Endpoint, api_key, api_url
from slmr.errors import RequestError, WorkError
from tests.engines.common import FAST, GREEDY, SECRET, asked, engine_on, fails, prompts
from tests.engines.fake_server import FakeServer, Reply, Script, answer

pytestmark = pytest.mark.usefixtures("server_environment")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://h:8000", "http://h:8000/v1"),
        (" http://h:8000/ ", "http://h:8000/v1"),
        ("http://h:8000/v1/", "http://h:8000/v1"),
        ("https://h.example/api/v1", "https://h.example/api/v1"),
        ("https://h.example/api/v1/chat/completions", "https://h.example/api/v1"),
        ("http://[::1]:8000", "http://[::1]:8000/v1"),
    ],
)
def test_url(url: str, expected: str) -> None:
    assert api_url(url) == expected


@pytest.mark.parametrize("url", ["h:8000", "ftp://h", "http://", "http://h:port", "http://u:pa55@h", "http://h?k=pa55"])
def test_bad_url(url: str) -> None:
    with pytest.raises(RequestError) as caught:
        api_url(url)
    assert "pa55" not in str(caught.value)


@pytest.mark.parametrize(
    ("named", "sent"), [(None, "a-key"), ("OPENAI_API_KEY", SECRET)], ids=["slmr's own", "one that is named"]
)
def test_key(named: str | None, sent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLMR_API_KEY", "a-key")
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "another")
    with FakeServer() as server, engine_on(server, api_key_env=named) as engine:
        engine.generate(prompts(1), GREEDY)
    assert server.keys == [f"Bearer {sent}"] * 2


def test_what_is_openai_s_goes_to_openai_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLMR_API_KEY", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("OPENAI_ORG_ID", "my-organisation")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "my-project")
    assert api_key("https://api.openai.com/v1") == SECRET
    assert api_key("https://api.openai.com.evil.test/v1") == ""
    headers = Endpoint("http://127.0.0.1:8000", RETRIES, 1).client.default_headers
    assert not {"my-organisation", "my-project"} & {str(value) for value in headers.values()}
    with FakeServer() as server, engine_on(server) as engine:
        engine.generate(prompts(1), GREEDY)
    assert server.keys == ["Bearer none"] * 2


def test_a_key_does_not_go_over_the_network_in_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLMR_API_KEY", SECRET)
    for url in ("http://10.0.0.7:8000/v1", "http://localhost.evil.test/v1", "http://api.openai.com/v1"):
        with pytest.raises(RequestError, match="is plain http, so the key in SLMR_API_KEY") as caught:
            api_key(url)
        assert SECRET not in str(caught.value)
    for url in ("http://127.0.0.1:1/v1", "http://localhost:1/v1", "http://[::1]:1/v1", "https://10.0.0.7/v1"):
        assert api_key(url) == SECRET
    with pytest.raises(RequestError, match="--api-key-env MINE: that variable is not set"):
        api_key("https://h/v1", "MINE")


def test_an_answer_without_end_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "MAX_ANSWER_BYTES", 100_000)
    packed = Reply(gzip.compress(b"{}"), 200, {"Content-Encoding": "gzip"})
    for reply, message in ((Reply(answer("x" * 200_000)), "more than 100,000 bytes"), (packed, "compressed")):
        fault, _ = fails(lambda number, body, reply=reply: reply)
        assert message in str(fault)


def test_key_that_cannot_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLMR_API_KEY", "pa55\nword")
    with (
        FakeServer() as server,
        pytest.raises(RequestError, match="SLMR_API_KEY") as caught,
        engine_on(server),
    ):
        pass
    assert "pa55" not in str(caught.value)


def flaky(*first: Reply) -> Script:
    return lambda number, body: first[number] if number < len(first) else Reply(answer("fine"))


@pytest.mark.parametrize(
    "first",
    [
        [Reply({"error": {"message": "overloaded"}}, 500)] * 3,
        [Reply({}, 503), Reply(b"<html>Bad Gateway</html>", 502, {"Content-Type": "text/html"})],
        [
            Reply({}, 429, {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}),
            Reply({}, 429, {"Retry-After": "nan"}),
        ],
        [Reply(answer("a" * 5000), cut=True)] * 3,
        [Reply(answer(finish_reason="abort"))],
        [Reply(b"<html>please log in</html>", headers={"Content-Type": "text/html"})],
        [Reply(b"")],
    ],
)
def test_passing_failures_pass(first: list[Reply]) -> None:
    with FakeServer(flaky(*first)) as server, engine_on(server) as engine:
        assert engine.generate(prompts(1), GREEDY)[0].text == "fine"
    assert len(server.bodies) == len(first) + 1


def test_retry_after_is_obeyed() -> None:
    with FakeServer(flaky(Reply({}, 429, {"Retry-After": "1"}))) as server, engine_on(server) as engine:
        started = time.monotonic()
        assert engine.generate(prompts(1), GREEDY)[0].text == "fine"
        assert time.monotonic() - started >= 1


def test_retry_after_too_long() -> None:
    started = time.monotonic()
    error, _ = fails(lambda number, body: Reply({}, 429, {"Retry-After": "3600"}))
    assert isinstance(error, WorkError) and "asks to wait 3600 s" in str(error) and "1 of 4 tries" in str(error)
    assert time.monotonic() - started < 2


def test_fails_for_ever_after_some() -> None:
    def script(number: int, body: dict) -> Reply:
        broken = Reply({"error": {"message": f"no memory\x1b[31m\nfor {SECRET}"}}, 500)
        return broken if asked(body) >= 6 else Reply(answer())

    error, heard = fails(script, count=30)
    assert isinstance(error, WorkError)
    assert set(heard) == set(range(6))
    assert "HTTP 500: no memory [31m for ***; given up after 0 s and 4 of 4 tries" in str(error)
    assert "6 of 30 completions had arrived; the same command goes on from there" in str(error)


@pytest.mark.parametrize(
    ("body", "excerpt"),
    [
        (b"<html>please\x00 log in</html>", "Invalid JSON.*<html>please log in</html>"),
        (b'{"choices": [{"mess', r'Invalid JSON.*\{"choices": \[\{"mess'),
        (b"\xff\xfe", "not an answer"),
        (b"[]", r"begins: \[\]"),
        (b"null", "begins: null"),
        ({"object": "chat.completion", "usage": {}}, "choices.0.message is missing"),
        ({"choices": []}, "choices.0.message is missing"),
        ({"choices": "none"}, "choices.0.message"),
        (answer(message="four"), "choices.0.message"),
        (answer(message={"content": 4}), "choices.0.message.content = 4: it should be a valid string"),
        (answer(message=None), "choices.0.message"),
        (answer(usage={"completion_tokens": "two"}), "usage.completion_tokens"),
        (answer(usage={"completion_tokens": -2}), "usage.completion_tokens"),
        (answer(logprobs={"content": [{"logprob": float("nan")}]}), "logprob"),
        (answer(finish_reason=None), "choices.0.finish_reason = null"),
        (answer(finish_reason="tool_calls"), 'choices.0.finish_reason = "tool_calls"'),
    ],
)
def test_garbage(body: Any, excerpt: str) -> None:
    with (
        FakeServer(lambda number, _: Reply(body)) as server,
        engine_on(server) as engine,
        pytest.raises(WorkError, match=excerpt) as caught,
    ):
        engine.generate(prompts(1), GREEDY)
    assert "2 of 4 tries" in str(caught.value) and str(caught.value).isprintable()
    assert len(server.bodies) == 2


def test_total_patience() -> None:
    started = time.monotonic()
    error, _ = fails(
        lambda number, body: Reply({}, 503), retries=replace(FAST, tries=100, first_wait_s=0.1, total_s=0.5)
    )
    assert time.monotonic() - started < 3 and " of 100 tries" in str(error)


@pytest.mark.parametrize("status", [401, 403])
def test_key_refused(status: int) -> None:
    error, _ = fails(lambda number, body: Reply({"error": {"message": f"bad key {SECRET[:9]}"}}, status), 9)
    assert isinstance(error, RequestError) and "set SLMR_API_KEY, or name another" in str(error)
    assert SECRET[:9] not in str(error)


def test_redirect_is_not_followed() -> None:
    with FakeServer() as other:
        error, _ = fails(lambda n, body: Reply(b"", 308, {"Location": f"{other.url}/v1/chat/completions"}))
    assert isinstance(error, RequestError) and other.url in str(error)
    assert not other.bodies and not other.keys
