"""Client of a vLLM server that samples from a model in training, whose weights it loads.

The docstring of `slmr.training.vllm_rollouts` shows how to start the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import FiniteFloat

from slmr.config import EngineSettings
from slmr.engines import Sampling
from slmr.engines.decode import Generation
from slmr.engines.draws import SEED_BITS
from slmr.engines.endpoint import (
    RETRIES,
    Endpoint,
    Refused,
    Wire,
    api_key,
    api_url,
    at,
    distribution_fields,
)
from slmr.engines.vllm_policy import EXTENSION
from slmr.errors import RequestError, WorkError, unknown

_LOAD_S = 1800.0  # timeout; reading the weights of a large model takes long


class _Drawn(Wire):
    token_ids: list[int] = at("choices", 0, "token_ids")
    logprobs: list[FiniteFloat] = at("choices", 0, "logprobs", "token_logprobs")


class VllmServer:
    """Samples from a vLLM server, whose weights can be replaced.

    Attributes:
        url: the API's URL.
        version: the server's vLLM version.

    Raises:
        RequestError: the server was started with wrong options; the message lists the right ones.
        WorkError: no server answers.
    """

    def __init__(self, settings: EngineSettings) -> None:
        import httpx

        self.url = api_url(settings.rollouts)
        self._root = self.url.removesuffix("/v1")
        self._concurrency, self._loaded = settings.concurrency, ""
        self._key_variable = settings.api_key_env
        key = api_key(self.url, self._key_variable)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(headers=headers, timeout=httpx.Timeout(_LOAD_S, connect=10.0))
        self._check(settings)
        models = [model["id"] for model in self._ask("GET", f"{self.url}/models")["data"]]
        if settings.served_name not in (None, *models):
            raise unknown("served model", str(settings.served_name), models)
        self._model = settings.served_name or models[0]
        self.version = str(self._ask("GET", f"{self._root}/version")["version"])

    def load(self, folder: Path) -> None:
        """Makes the server load the weights of a folder, which must have the same path on the server.

        Raises:
            WorkError: it could not.
        """
        order = {"method": "load_policy", "kwargs": {"folder": str(folder.resolve())}}
        self._ask("POST", f"{self._root}/collective_rpc", order)
        # The prefix cache was computed with the old weights.
        if not self._ask("POST", f"{self._root}/reset_prefix_cache").get("success", True):
            raise WorkError(f"{self.url} is serving other requests: a server can sample for one run at a time")
        self._loaded = uuid4().hex
        self._ask("POST", f"{self._root}/update_weight_version", {"new_version": self._loaded})

    def fill(self, rows: Sequence[Generation], sampling: Sampling, ends: Iterable[int]) -> None:
        """Sets every row's token ids and log-probabilities; a row's draws depend only on its own seed.

        Raises:
            WorkError: the server refuses, keeps failing, or received other weights meanwhile.
        """
        with ThreadPoolExecutor(1) as thread:  # the caller may run inside an event loop
            answers = thread.submit(asyncio.run, self._draw(rows, sampling, sorted(ends))).result()
        if self._loaded and self._ask("GET", f"{self._root}/weight_info")["weight_version"] != self._loaded:
            raise WorkError(
                f"another run loaded its weights into {self.url}: a server can sample for one run at a time"
            )
        for row, answer in zip(rows, answers, strict=True):
            row.ids, row.logprobs = answer.token_ids, answer.logprobs

    def close(self) -> None:
        self._http.close()

    def _check(self, settings: EngineSettings) -> None:
        config = self._ask("GET", f"{self._root}/server_info?config_format=json")["vllm_config"]
        options_of_server = {
            "worker-extension-cls": config["parallel_config"]["worker_extension_cls"],
            "logprobs-mode": config["model_config"]["logprobs_mode"],
            "dtype": str(config["model_config"]["dtype"]).removeprefix("torch."),
        }
        required = {
            "worker-extension-cls": EXTENSION,
            "logprobs-mode": "processed_logprobs",
            "dtype": settings.dtype,
        }
        if wrong := [name for name in required if options_of_server[name] != required[name]]:
            options = " ".join(f"--{name} {required[name]}" for name in wrong)
            raise RequestError(f"{self.url}: to sample rollouts, vLLM's server has to be started with {options}")

    def _ask(self, method: str, url: str, body: dict[str, Any] | None = None) -> Any:
        import httpx

        try:
            response = self._http.request(method, url, json=body)
        except httpx.HTTPError as error:
            raise WorkError(f"{url}: {type(error).__name__} {error}") from None
        if response.status_code == 404:
            raise RequestError(
                f"{url} does not exist: to sample rollouts, a vLLM server of version 0.32 or newer has to be started"
                f" with VLLM_SERVER_DEV_MODE=1 in its environment and --worker-extension-cls {EXTENSION}"
            )
        if response.status_code != 200:
            raise WorkError(f"{url}: HTTP {response.status_code}: {response.text[:300]}")
        return response.json() if response.content else None

    async def _draw(self, rows: Sequence[Generation], sampling: Sampling, ends: list[int]) -> list[_Drawn]:
        api = Endpoint(self.url, RETRIES, self._concurrency, self._key_variable)
        gate, stopping = asyncio.Semaphore(self._concurrency), asyncio.Event()

        async def draw(row: Generation) -> _Drawn:
            async with gate:
                return await api.ask(lambda: self._completion(api, row, sampling, ends), _Drawn, RETRIES, stopping)

        try:
            return await asyncio.gather(*(draw(row) for row in rows))
        except Refused as refusal:
            raise WorkError(f"{self.url} refused a request: {refusal}") from None
        finally:
            await api.client.close()

    async def _completion(self, api: Endpoint, row: Generation, sampling: Sampling, ends: list[int]) -> Any:
        return await api.client.completions.with_raw_response.create(
            model=self._model,
            prompt=list(row.prompt),
            max_tokens=sampling.max_tokens,
            seed=row.seed & SEED_BITS,
            temperature=sampling.temperature,
            logprobs=0,
            stop=list(sampling.stop) or None,
            extra_body={
                "stop_token_ids": ends,
                "return_token_ids": True,
                **distribution_fields(sampling.truncation),
            },
        )
