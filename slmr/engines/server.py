"""The server engine: chat completions from any OpenAI-compatible endpoint, local or hosted."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Coroutine, Sequence
from functools import partial
from queue import SimpleQueue
from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat

from slmr.config import WHOLE_DISTRIBUTION, EngineSettings
from slmr.engines import Completion, OnCompletion, Prompt, Sampling
from slmr.engines.draws import SEED_BITS, row_seed
from slmr.engines.endpoint import (
    RETRIES,
    Endpoint,
    GaveUp,
    Refused,
    RetryPolicy,
    Wire,
    at,
    distribution_fields,
)
from slmr.errors import RequestError, WorkError, unknown

MAX_TOKENS = 10_000_000  # a server that reports more for one completion is not believed
# Fields that are dropped from requests if a server rejects them as unknown.
_OPTIONAL = {"seed", "logprobs", "return_token_ids", *distribution_fields(WHOLE_DISTRIBUTION)}


class _Model(Wire):
    id: str
    root: Any = None
    owned_by: Any = None
    max_model_len: Any = None


class _Models(Wire):
    data: list[_Model]


class _Message(Wire):
    """The model's message. A server that parses thoughts puts them into a separate field, under one of two names."""

    content: str | None = None
    reasoning_content: Any = None
    reasoning: Any = None

    @property
    def text(self) -> str:
        """The completion as the model wrote it: the thought, closed if an answer follows, then the answer."""
        thought = self.reasoning_content or self.reasoning
        if not thought or not isinstance(thought, str):
            return self.content or ""
        return f"<think>{thought}" + (f"</think>{self.content}" if self.content else "")


class _Token(Wire):
    logprob: FiniteFloat


class _Answer(Wire):
    message: _Message = at("choices", 0, "message")
    # Any other value (null, tool_calls, abort) is no answer that can be scored.
    finish_reason: Literal["stop", "length", "content_filter"] = at("choices", 0, "finish_reason")
    logprobs: list[_Token] | None = at("choices", 0, "logprobs", "content", default=None)
    token_ids: list[int] | None = at("choices", 0, "token_ids", default=None)
    tokens: Annotated[int, Field(ge=0, le=MAX_TOKENS)] | None = at("usage", "completion_tokens", default=None)


class ServerEngine:
    """Samples from a server, with many simultaneous requests; it cannot score.

    The requests run in an event loop in a separate thread, so that `generate` can be called from
    anywhere, even within a running loop; `on_completion` is always called from the calling thread.

    Attributes:
        url: the API's URL.
        model: the model's name on the server.
        refused: optional fields of a request that the server did not accept.
    """

    parameters: int = 0
    unit: int = 1

    def __init__(self, url: str, settings: EngineSettings, retries: RetryPolicy = RETRIES) -> None:
        """Asks the server which models it has.

        Raises:
            RequestError: not a URL, no or several models and none named, or the key is refused.
            WorkError: there is no server that answers.
        """
        self._api = Endpoint(url, retries, settings.concurrency, settings.api_key_env)
        self.url = self._api.url
        self.refused: set[str] = set()
        self.width = settings.concurrency
        self._template = settings.chat_template_kwargs
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="slmr-server", daemon=True)
        self._thread.start()
        try:
            self._served = self._run(self._hello(named=settings.served_name is not None))
            self._model = self._choose(settings.served_name)
        except BaseException:
            self.close()
            raise
        self.model = self._model.id

    def generate(
        self, prompts: Sequence[Prompt], sampling: Sampling, on_completion: OnCompletion | None = None
    ) -> list[Completion]:
        """One completion per prompt, in order. A request's seed depends on its prompt, not on its position.

        Raises:
            RequestError: the server rejects the key, does not know the model, or cannot truncate as asked.
            WorkError: it rejects a prompt, does not count tokens, or still fails after all retries.
                Completions that arrived before have been given to `on_completion`.
        """
        if not prompts:
            return []
        arrived: SimpleQueue[tuple[int, Completion] | None] = SimpleQueue()
        future = asyncio.run_coroutine_threadsafe(self._ask_all(prompts, sampling, arrived), self._loop)
        future.add_done_callback(lambda _: arrived.put(None))
        results: dict[int, Completion] = {}
        try:
            for index, completion in iter(arrived.get, None):
                results[index] = completion
                if on_completion:
                    on_completion(index, completion)
        except BaseException:  # Ctrl-C, or `on_completion` failed: nothing waits for the answers any more
            future.cancel()
            raise
        try:
            future.result()
        except WorkError as fault:
            if not on_completion:  # nothing is kept
                raise
            after = "; the same command goes on from there" if isinstance(fault, GaveUp) else ""
            raise WorkError(f"{fault}; {len(results)} of {len(prompts)} completions had arrived{after}") from None
        return [results[i] for i in range(len(prompts))]

    def token_nlls(self, prompts: Sequence[Prompt], completions: Sequence[str]) -> list[list[float]]:
        """Raises RequestError: a server only samples."""
        raise RequestError("a server cannot score completions; use the engine transformers or vllm")

    def identity(self) -> dict[str, str]:
        """What distinguishes this model from others, as far as the server reports it."""
        described = {name: getattr(self._model, name) for name in ("root", "owned_by", "max_model_len")}
        known = {name: str(value) for name, value in described.items() if value is not None}
        return {"url": self.url, "model": self.model, **known}

    def close(self) -> None:
        """Cancels open requests and closes the connections."""
        if self._loop.is_closed():
            return
        self._run(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def _shut(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._api.client.close()

    async def _hello(self, *, named: bool) -> list[_Model]:
        """The models that the server lists; a server without a list is accepted if the model is `named`."""
        retries = self._api.retries.for_hello()
        call = self._api.client.models.with_raw_response.list
        try:
            return (await self._api.ask(call, _Models, retries, asyncio.Event())).data
        except Refused as refusal:
            if named:
                return []
            raise RequestError(
                f"{self.url}/models: {refusal}; is this the API's URL? If the server lists no models,"
                " name one with --served-name"
            ) from None

    def _choose(self, name: str | None) -> _Model:
        known = {model.id: model for model in self._served}
        if name is None and len(known) != 1:
            raise RequestError(f"{self.url} serves {self._list_models()}; name one with --served-name")
        # A server with one model may accept any name, and would be evaluated under a wrong one.
        if name is not None and len(known) == 1 and name not in known:
            raise unknown("served model", name, map(self._api.clean, known))
        return self._served[0] if name is None else known.get(name, _Model(id=name))

    def _list_models(self) -> str:
        names = [model.id for model in self._served]
        return f"{len(names)} models: {self._api.clean(', '.join(names), 2000)}" if names else "no model"

    async def _ask_all(self, prompts: Sequence[Prompt], sampling: Sampling, arrived: SimpleQueue[Any]) -> None:
        """Puts (index, completion) into `arrived`; after a failure, open requests get `grace_s` to finish."""
        todo = iter(enumerate(prompts))
        stopping = asyncio.Event()

        async def work() -> None:
            for index, prompt in todo:
                arrived.put((index, await self._ask(prompt, sampling, stopping)))
                if stopping.is_set():
                    return

        workers = [asyncio.create_task(work()) for _ in range(min(len(prompts), self.width))]
        try:
            done, late = await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
            failed = [task for task in done if task.exception()]
            stopping.set()
            if late:
                await asyncio.wait(late, timeout=self._api.retries.grace_s)
        finally:
            for task in workers:
                task.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        for task in failed:
            task.result()

    async def _ask(self, prompt: Prompt, sampling: Sampling, stopping: asyncio.Event) -> Completion:
        while True:  # each round drops at least one field, or ends
            if lost := self.refused.intersection(sampling.truncation.cuts):
                raise RequestError(
                    f"{self.url} does not accept {', '.join(sorted(lost))} in a request: leave that setting out"
                )
            fields = self._fields(prompt, sampling)
            messages: list[Any] = prompt.messages()
            if prompt.prefix:
                messages.append({"role": "assistant", "content": prompt.prefix})
            create = self._api.client.chat.completions.with_raw_response.create
            call = partial(create, model=self.model, messages=messages, stream=False, extra_body=fields)
            try:
                answer = await self._api.ask(call, _Answer, self._api.retries, stopping)
            except Refused as refusal:
                if refusal.status == 404:
                    raise RequestError(
                        f"{self.url} has no model '{self.model}' or no chat completions ({refusal});"
                        f" it serves {self._list_models()}"
                    ) from None
                named = {f for f in _OPTIONAL & fields.keys() if _names(refusal.everything, f)}
                if not named:
                    raise WorkError(f"{self.url} refused a request: {refusal}") from None
                self.refused |= named
            else:
                return self._completion(answer, sampling)

    def _fields(self, prompt: Prompt, sampling: Sampling) -> dict[str, Any]:
        fields = {
            "temperature": sampling.temperature,
            "max_tokens": sampling.max_tokens,
            "seed": row_seed(sampling.seed, prompt) & SEED_BITS,
            "logprobs": True,
            "return_token_ids": True,
            **distribution_fields(sampling.truncation),
        }
        if self._template:
            fields["chat_template_kwargs"] = self._template
        if sampling.stop:
            fields["stop"] = list(sampling.stop)
        if prompt.prefix:
            fields |= {"continue_final_message": True, "add_generation_prompt": False}
        return {name: value for name, value in fields.items() if name not in self.refused}

    def _completion(self, answer: _Answer, sampling: Sampling) -> Completion:
        listed, ids = answer.logprobs or [], answer.token_ids or []
        text = self._api.without_key(answer.message.text)
        tokens = answer.tokens or len(listed)
        if not tokens and (text or answer.tokens is None):
            raise WorkError(
                f"{self.url} does not count tokens: neither usage.completion_tokens nor logprobs in its answer"
            )
        # Servers report the model's own log-probabilities, which differ from the sampled distribution at other
        # temperatures and if it is truncated. If there are fewer than tokens (hidden thoughts, no end token), they
        # cannot be assigned.
        own = sampling.temperature == 0 or (sampling.temperature == 1 and not sampling.truncation.cuts)
        of_each_token = own and len(listed) == tokens
        return Completion(
            text=text,
            finish_reason="length" if answer.finish_reason == "length" else "stop",
            tokens=tokens,
            token_ids=tuple(ids) if len(ids) == tokens else (),
            logprobs=tuple(token.logprob for token in listed) if of_each_token else (),
        )


def _names(text: str, field: str) -> bool:
    return re.search(rf"(?<![\w-]){field}(?![\w-])", text) is not None
