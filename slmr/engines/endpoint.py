"""Client of one OpenAI-compatible API: its key, its connections, and how requests are retried."""

from __future__ import annotations

import asyncio
import json
import math
import os
import random
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from ipaddress import ip_address
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from pydantic import AliasPath, BaseModel, ConfigDict, Field, ValidationError

from slmr.config import Truncation
from slmr.errors import RequestError, WorkError
from slmr.parsing import first_fault

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI
KEY_VARIABLE = "SLMR_API_KEY"
MAX_ANSWER_BYTES = 64_000_000
_OPENAI = "api.openai.com"  # the one host that OPENAI_API_KEY is for
_TEMPORARY_STATUSES = {408, 409, 425, 429, 500, *range(502, 600)}


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long a request is tried.

    Attributes:
        tries: of a request that fails for a temporary reason, including the first.
        garbage_tries: of a request whose answer is no completion.
        hello_tries: of the first request, which lists the models.
        hello_timeout_s: for the answer to that request.
        first_wait_s: before the second try; it doubles each time.
        longest_wait_s: if a server asks for a longer wait (Retry-After), the request fails.
        request_timeout_s: for a whole answer, including the time in the server's queue.
        total_s: no try of a request begins later than this after its first.
        grace_s: for open requests to finish after another has failed permanently.
    """

    tries: int = 8
    garbage_tries: int = 3
    hello_tries: int = 3
    hello_timeout_s: float = 30.0
    first_wait_s: float = 1.0
    longest_wait_s: float = 120.0
    request_timeout_s: float = 1200.0
    total_s: float = 3600.0
    grace_s: float = 30.0

    def for_hello(self) -> RetryPolicy:
        return replace(self, tries=self.hello_tries, request_timeout_s=self.hello_timeout_s)


RETRIES = RetryPolicy()


def distribution_fields(truncation: Truncation) -> dict[str, float]:
    """A request's fields for the distribution, in full: a server's defaults may come from the model's folder."""
    return {**truncation.model_dump(), "top_k": truncation.top_k or -1, "repetition_penalty": 1.0}


class Wire(BaseModel):
    """Base of what is read from a server: unknown fields are ignored, a wrong type is an error."""

    model_config = ConfigDict(strict=True)


def at(*path: str | int, **options: Any) -> Any:
    """A field at this path of a server's answer."""
    return Field(validation_alias=AliasPath(*path), **options)  # type: ignore[arg-type]


_Shape = TypeVar("_Shape", bound=Wire)
_Call = Callable[[], Awaitable[Any]]
_jitter = random.Random()  # separate, so that seeded draws elsewhere stay the same


class _Temporary(Exception):
    """A failure after which another try may succeed."""

    def __init__(self, why: str, wait_s: float = 0.0, *, garbage: bool = False) -> None:
        super().__init__(why)
        self.wait_s = wait_s
        self.garbage = garbage


class Refused(Exception):
    """The server rejects the request; `everything` is its whole answer."""

    def __init__(self, status: int, message: str, everything: str) -> None:
        super().__init__(f"HTTP {status}: {message}")
        self.status = status
        self.everything = everything


class GaveUp(WorkError):
    """A temporary failure outlasted the retries."""


class Endpoint:
    """One API: its URL, key and connections, and the retries of a request.

    Attributes:
        url: the URL that the requests use.
        client: openai's client, without its own retries and redirects.
    """

    def __init__(self, url: str, retries: RetryPolicy, connections: int, key_variable: str | None = None) -> None:
        from openai import DEFAULT_CONNECTION_LIMITS, AsyncOpenAI, DefaultAsyncHttpxClient, Timeout

        self.url = api_url(url)
        self.retries = retries
        self._key = api_key(self.url, key_variable)
        # `_try` limits the time of a whole answer, so the client has no read timeout. Both types come from openai,
        # whose version 3 replaced httpx by httpx2.
        timeout = Timeout(None, connect=10.0)
        limits = type(DEFAULT_CONNECTION_LIMITS)(max_connections=None, max_keepalive_connections=connections)
        # A redirect would send prompts and the key to a server that the user did not name.
        http = DefaultAsyncHttpxClient(
            follow_redirects=False,
            timeout=timeout,
            limits=limits,
            event_hooks={"response": [_bounded]},
            headers={"Accept-Encoding": "identity"},
        )
        self.client: AsyncOpenAI = AsyncOpenAI(
            base_url=self.url, api_key=self._key or "none", max_retries=0, timeout=timeout, http_client=http
        )
        if urlsplit(self.url).hostname != _OPENAI:  # the client takes both from its environment
            self.client.organization = self.client.project = None

    async def ask(self, call: _Call, shape: type[_Shape], retries: RetryPolicy, stopping: asyncio.Event) -> _Shape:
        """Retries until there is an answer.

        The retries of openai's client (2 and 3) have no time limit, do not report their number, do not repeat a request
        whose answer is no completion, and continue when another request has failed permanently.

        Raises:
            RequestError: the key is wrong, or the server redirects to another URL.
            Refused: the server rejects the request.
            GaveUp: the retries are used up, or `stopping` is set.
        """
        started = time.monotonic()
        for attempt in count(1):
            try:
                return await self._try(call, shape, retries.request_timeout_s)
            except _Temporary as fault:
                spent = time.monotonic() - started
                backoff = min(retries.first_wait_s * 2 ** (attempt - 1), retries.longest_wait_s)
                wait = max(backoff * _jitter.uniform(0.75, 1), fault.wait_s)
                enough = attempt >= retries.tries or (fault.garbage and attempt >= retries.garbage_tries)
                late = spent + wait > retries.total_s or fault.wait_s > retries.longest_wait_s
                if enough or late or await set_within(stopping, wait):
                    raise GaveUp(
                        f"{self.url}: {fault}; given up after {spent:.0f} s and {attempt} of {retries.tries} tries"
                    ) from None
        raise AssertionError("unreachable")

    async def _try(self, call: _Call, shape: type[_Shape], timeout_s: float) -> _Shape:
        import openai

        try:
            async with asyncio.timeout(timeout_s):
                response = await call()
        except TimeoutError:
            raise _Temporary(f"no answer within {timeout_s:g} s") from None
        except openai.APIConnectionError as error:
            cause = error.__cause__ or error
            raise _Temporary(self.clean(f"{type(cause).__name__} {cause}")) from None
        except openai.APIStatusError as error:
            raise self._fault(error) from None
        try:
            return shape.model_validate_json(response.content)
        except ValidationError as error:
            fault, text = self.clean(first_fault(error, shape)), self.clean(response.http_response.text)
            raise _Temporary(f"not an answer ({fault}), it begins: {text}", garbage=True) from None

    def _fault(self, error: APIStatusError) -> Exception:
        status, body = error.status_code, error.body
        if status in (401, 403):  # the server's message may contain a part of the key
            what = "the API key" if self._key else "a request without an API key"
            return RequestError(
                f"{self.url} refused {what} ({status}); set {KEY_VARIABLE}, or name another variable (--api-key-env)"
            )
        if status < 400:
            where = self.clean(error.response.headers.get("location", "elsewhere"))
            return RequestError(f"{self.url} redirects to {where}, which is not followed; give the final URL")
        message = (body.get("message") or body.get("detail") or body) if isinstance(body, dict) else body
        text = message if isinstance(message, str) else json.dumps(message)
        line = self.clean(text or error.response.reason_phrase)
        if status in _TEMPORARY_STATUSES:
            wait_s = _retry_after(error.response.headers.get("retry-after", ""))
            asks = f" (asks to wait {wait_s:.0f} s)" if wait_s else ""
            return _Temporary(f"HTTP {status}: {line}{asks}", wait_s)
        # Escape sequences would hide word boundaries.
        return Refused(status, line, re.sub(r"\\+[nrt]", " ", json.dumps(body)))

    def without_key(self, text: str) -> str:
        """A server's text with the key masked: servers may echo requests."""
        return text.replace(self._key, "***") if self._key else text

    def clean(self, text: str, limit: int = 300) -> str:
        """A server's text as one printable line without the key."""
        line = self.without_key(" ".join("".join(c if c.isprintable() else " " for c in text[:10_000]).split()))
        return line if len(line) <= limit else line[: limit - 1] + "…"


async def _bounded(response: Any) -> None:
    """Makes a response fail if it exceeds `MAX_ANSWER_BYTES`, or is compressed and so could exceed it."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise _TooLong("a compressed answer, which was not asked for")
    # httpx, or httpx2 with openai 3, requires a stream of its own type.
    kind = next(base for base in type(response.stream).__mro__ if base.__name__ == "AsyncByteStream")
    response.stream = type("Bounded", (_Bounded, kind), {})(response.stream)


class _TooLong(Exception):
    """An answer that is too long to be read."""


class _Bounded:
    """A response's bytes, up to `MAX_ANSWER_BYTES`."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        remaining = MAX_ANSWER_BYTES
        async for part in self._stream:
            remaining -= len(part)
            if remaining < 0:
                raise _TooLong(f"an answer of more than {MAX_ANSWER_BYTES:,} bytes")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


def api_url(url: str) -> str:
    """The API's URL; /v1 is added to a URL without a path.

    Raises:
        RequestError: it is no http URL, or contains what may be a secret (user, password, query).
    """
    # Checked before parsing: an invalid URL must not be printed either if it may contain a password.
    if set("@?#") & set(url):
        raise RequestError(f"a server's URL has no user, query or fragment; the API key goes into {KEY_VARIABLE}")
    try:
        parsed = urlsplit(url.strip())
        valid = parsed.scheme in ("http", "https") and bool(parsed.hostname) and parsed.port != 0
    except ValueError:  # a port that is no number, unbalanced brackets
        valid = False
    if not valid or not url.strip().isprintable() or " " in url.strip():
        raise RequestError(f"'{url}' is no server's URL, such as http://127.0.0.1:8000/v1")
    path = parsed.path.rstrip("/").removesuffix("/chat/completions")
    return urlunsplit((parsed.scheme, parsed.netloc.lower(), path or "/v1", "", ""))


def api_key(url: str, variable: str | None = None) -> str:
    """The key for an API, from `variable` or else SLMR_API_KEY or, for OpenAI itself, OPENAI_API_KEY; else empty.

    Raises:
        RequestError: the named variable is not set, or the key would be sent unencrypted.
    """
    parsed = urlsplit(url)
    names = (variable,) if variable else (KEY_VARIABLE, *(("OPENAI_API_KEY",) if parsed.hostname == _OPENAI else ()))
    name, key = next(((n, k) for n in names if (k := os.environ.get(n, "").strip())), ("", ""))
    if variable and not key:
        raise RequestError(f"--api-key-env {variable}: that variable is not set")
    if key and not (key.isascii() and key.isprintable()):
        raise RequestError(f"{name} contains characters that cannot be sent as an API key")
    if key and parsed.scheme == "http" and not is_loopback(parsed.hostname or ""):
        raise RequestError(
            f"{url} is plain http, so the key in {name} would be sent unencrypted; use https, or unset {name}"
        )
    return key


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the host."""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()


def _retry_after(header: str) -> float:
    """The seconds that a Retry-After header asks for; 0 without one or for a date."""
    with suppress(ValueError):
        seconds = float(header)
        return max(0.0, seconds) if math.isfinite(seconds) else 0.0
    return 0.0
