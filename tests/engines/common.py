"""What several tests of the engines need: a server's engine, and plain decoding to compare with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from slmr.config import EngineSettings
from slmr.engines import Completion, Prompt, Sampling
from slmr.engines.decode import Decoding, Generation, decode
from slmr.engines.endpoint import RetryPolicy
from slmr.engines.server import ServerEngine
from slmr.errors import SlmrError
from tests.engines.fake_server import FakeServer, Reply, Script, answer

SECRET = "sk-very-secret-0123456789"

FAST = RetryPolicy(
    tries=4,
    garbage_tries=2,
    hello_tries=2,
    hello_timeout_s=0.5,
    first_wait_s=0.01,
    longest_wait_s=2.0,
    request_timeout_s=5.0,
    total_s=10.0,
    grace_s=1.0,
)

GREEDY = Sampling(temperature=0.0, max_tokens=16, seed=1)


@contextmanager
def engine_on(
    server: FakeServer, retries: RetryPolicy = FAST, concurrency: int = 4, **settings: Any
) -> Iterator[ServerEngine]:
    settings = {"name": "server", "concurrency": concurrency, **settings}
    engine = ServerEngine(server.url, EngineSettings(**settings), retries)
    try:
        yield engine
    finally:
        engine.close()


def prompts(count: int) -> list[Prompt]:
    return [Prompt(f"question {number}") for number in range(count)]


def asked(body: dict[str, Any]) -> int:
    return int(body["messages"][-1]["content"].split()[-1])


def echo(delay: Callable[[int], float] = lambda index: 0.0) -> Script:
    """Answers `answer i` to `question i`."""
    return lambda number, body: Reply(answer(f"answer {asked(body)}"), delay_s=delay(asked(body)))


def fails(script: Script, count: int = 1, retries: RetryPolicy = FAST, **settings: Any) -> tuple[SlmrError, dict]:
    """The error that sampling ends with, and what had been heard before."""
    heard: dict[int, Completion] = {}
    with (
        FakeServer(script) as server,
        engine_on(server, retries, **settings) as engine,
        pytest.raises(SlmrError) as caught,
    ):
        engine.generate(prompts(count), GREEDY, heard.__setitem__)
    message = str(caught.value)
    assert SECRET not in message and message.isprintable() and len(message) < 800
    return caught.value, heard


def plain_greedy(model: Any, prompt: list[int], tokens: int) -> list[int]:
    """Token by token, with a whole forward pass for each."""
    ids = list(prompt)
    with torch.inference_mode():
        for _ in range(tokens):
            ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
    return ids[len(prompt) :]


def greedy(model: Any, prompts: list[list[int]], tokens: int, slots: int) -> list[list[int]]:
    how = Decoding(tokens, 0.0, frozenset(), 0)
    rows = decode(model, [Generation(i, tuple(p), i) for i, p in enumerate(prompts)], slots, how)
    return [row.ids for row in sorted(rows, key=lambda row: row.index)]
