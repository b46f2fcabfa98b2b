"""What a stage is: a function from artefacts and parameters to an artefact, known by its name."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from slmr.errors import RequestError, unknown
from slmr.store import Cost

Progress = Callable[[int, int, str], None]
InputRule = Literal["one", "many", "optional"]


class Params(BaseModel):
    """Base of every stage's parameters: a key that nobody reads is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def identified(self) -> Params:
        """The same, with the content's digest beside every name of something outside (a model, a task)."""
        return self

    def fits(self, training: TrainingSettings) -> None:
        """Whether a stage with these parameters can be trained so.

        Raises:
            RequestError: it cannot; the message says what to change.
        """


class EngineSettings(Params):
    """How completions are sampled; the same for every method of a run.

    Attributes:
        batch_size: completions generated side by side; `auto` takes what the memory holds.
        concurrency: requests to a server under way at once.
        compile: compile the decoding step (on a CPU for vLLM, too): minutes of start-up, for an accelerator.
        trust_remote_code: run code that a model folder brings along.
        served_name: the model's name on a server that serves several.
        rollouts: what samples for reinforcement learning: `engine` is vLLM inside the training process where that
            is the engine, else the trainer's own sampler; `trainer` is always that sampler; a URL is a vLLM server
            that takes over the policy's weights, see `slmr.engines.vllm_policy`.
    """

    name: Literal["transformers", "vllm", "server"] = "transformers"
    batch_size: int | Literal["auto"] = "auto"
    device: str = "auto"
    dtype: Literal["float32", "bfloat16"] = "float32"
    concurrency: int = Field(default=16, ge=1)
    compile: bool = False
    trust_remote_code: bool = False
    served_name: str | None = None
    rollouts: str = "engine"

    @field_validator("rollouts")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in ("engine", "trainer") and not value.startswith(("http://", "https://")):
            raise ValueError(
                "neither engine, trainer nor the URL of a vLLM server, such as http://127.0.0.1:8000/v1"
            )
        return value

    @property
    def sampled_by(self) -> Literal["trainer", "vllm", "server"]:
        """What rollouts come from: the trainer's own sampler, vLLM inside its process, or a vLLM server."""
        if self.rollouts == "engine":
            return "vllm" if self.name == "vllm" else "trainer"
        return "trainer" if self.rollouts == "trainer" else "server"

    def identity(self, *, rolls_out: bool) -> dict[str, Any]:
        """What of it can change a stage's result; `rolls_out` says that the stage samples rollouts."""
        fields = self.model_dump(exclude={"concurrency", "rollouts"})
        elsewhere = rolls_out and self.sampled_by != "trainer"
        return fields | ({"rollouts": self.sampled_by} if elsewhere else {})

    @property
    def label(self) -> str:
        """For tables: engine and precision; a server keeps its own to itself."""
        return self.name if self.name == "server" else f"{self.name} {self.dtype}"


class LoraSettings(Params):
    """Low-rank adapters (LoRA, 2106.09685) in the place of the weights; merged into them at the end.

    `targets` are names of linear layers, or `all-linear`.
    """

    rank: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    targets: Literal["all-linear"] | tuple[str, ...] = "all-linear"


class Passes(Params):
    """In what passes one kind of stage goes through a step, where not as the others do."""

    accumulation: int | None = Field(default=None, ge=1)
    gradient_checkpointing: bool | None = None


class TrainingSettings(Params):
    """How a stage trains; the same for every method of a run. What a step is does not depend on it.

    Attributes:
        processes: that share each step, one on each GPU of this machine, or on its cores.
        strategy: ddp: each has the whole model; fsdp, zero2, zero3: they share its states, too (GPUs only).
        accumulation: passes that each process makes of its share, one after the other: less memory.
        gradient_checkpointing: activations are computed again in the backward pass: less memory, more time.
        stages: kind of stage → its own passes: a step of RL has many more completions than one of SFT.
    """

    processes: int = Field(default=1, ge=1)
    strategy: Literal["ddp", "fsdp", "zero2", "zero3"] = "ddp"
    accumulation: int = Field(default=1, ge=1)
    gradient_checkpointing: bool = False
    lora: LoraSettings | None = None
    stages: dict[str, Passes] = {}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.strategy != "ddp" and self.processes == 1:
            raise ValueError(
                f"strategy {self.strategy} shares a model among processes: set processes above 1"
            )
        if self.lora and self.shards:
            raise ValueError(
                f"adapters are small, so nothing of them is shared: lora takes ddp, not {self.strategy}"
            )
        return self

    @property
    def shards(self) -> bool:
        """Whether no process holds all of the weights."""
        return self.strategy in ("fsdp", "zero3")

    def of(self, stage: str) -> TrainingSettings:
        """As it is for one kind of stage."""
        own = self.stages.get(stage, Passes()).model_dump(exclude_none=True)
        return self.model_copy(update={"stages": {}, **own})

    def identity(self) -> dict[str, Any]:
        """For a digest: what is not as by default, so that a run of one process keeps the keys that it always had."""
        return self.model_dump(mode="json", exclude_defaults=True)

    def must_not_shard(self, stage: str) -> None:
        """Raises RequestError where no process holds all of the weights, which the stage needs."""
        if self.shards:
            raise RequestError(f"training: {stage} takes ddp or zero2, not {self.strategy}")

    def share(self, rows: int, name: str, parts: int = 1) -> int:
        """Of so many rows of a step those that a process takes in a pass; `parts` are the updates of a step.

        Raises:
            RequestError: they cannot be shared out evenly.
        """
        passes = self.processes * self.accumulation * parts
        if rows % passes:
            among = f"{self.processes} processes in {self.accumulation * parts} passes each"
            raise RequestError(
                f"training: {name} = {rows} cannot be shared among {among}: it must be a multiple of {passes}"
            )
        return rows // passes


@dataclass
class StageContext:
    """What a running stage gets.

    Attributes:
        folder: where to write; a killed stage finds there what it had written.
        inputs: input name → the artefact folders (one, or several where the stage takes many); a
            student that a server serves is its URL.
        seed: the training seed of the run (0 for a stage that is not random).
        progress: call it with (done, total, what is counted).
        cost: add to it what the stage spends; wall time is added by the caller.
        stats: counts and curves that a reader should see; saved as `stats.json`.
        allowance: tokens that are left of the budget; None is no limit.
        rank: which of the processes of a training this is; the first one alone writes.
    """

    folder: Path
    inputs: dict[str, list[Path | str]]
    seed: int
    engine: EngineSettings
    progress: Progress
    cost: Cost = field(default_factory=Cost)
    stats: dict[str, Any] = field(default_factory=dict)
    tasks_paths: Sequence[Path] = ()
    allowance: int | None = None
    training: TrainingSettings = field(default_factory=TrainingSettings)
    rank: int = 0

    @property
    def leads(self) -> bool:
        """Whether this process writes and reports."""
        return self.rank == 0

    def input(self, name: str) -> Path:
        """The folder of an input that there is exactly one of.

        Raises:
            RequestError: it is a server's model, and the stage needs its files.
        """
        (place,) = self.folders(name)
        return place

    def folders(self, name: str) -> list[Path]:
        """The folders of an input that there may be many of; raises as `input` does."""
        places = [place for place in self.inputs[name] if isinstance(place, Path)]
        for url in set(self.inputs[name]) - set(places):
            raise RequestError(f"{url}: a server's model can be evaluated and probed, not trained or scored")
        return places

    def model(self, name: str) -> Path:
        """The transformers folder of an input that is a model; raises as `input` does."""
        return model_in(self.input(name))

    def sampled_model(self, name: str) -> Path | str:
        """As `model`, for an engine that only samples: a server's model is its URL."""
        (place,) = self.inputs[name]
        return place if isinstance(place, str) else model_in(place)


def model_in(artefact: Path) -> Path:
    """The transformers folder of a trained model's artefact, or the folder itself where it is a model's."""
    inner = artefact / "model"
    return inner if inner.is_dir() else artefact


@dataclass(frozen=True)
class Stage:
    """A kind of stage: `run` turns the inputs into what it writes in the context's folder."""

    name: str
    run: Callable[[StageContext, Any], None]
    params: type[Params]
    inputs: dict[str, InputRule]
    random: bool
    uses_engine: bool
    version: int

    @property
    def trains(self) -> bool:
        """Whether it writes a model."""
        return "learning_rate" in self.params.model_fields

    @property
    def rolls_out(self) -> bool:
        """Whether it samples from the model that it trains."""
        return self.trains and "group_size" in self.params.model_fields

    def parse(self, values: dict[str, Any], where: str) -> Params:
        """The parameters, checked.

        Raises:
            RequestError: an unknown key or an unfitting value, named with its place.
        """
        try:
            return self.params.model_validate(values)
        except ValidationError as error:
            fault = error.errors()[0]
            key = ".".join(map(str, fault["loc"]))
            if fault["type"] == "extra_forbidden":
                raise RequestError(
                    f"{where}: {unknown('parameter', key, self.params.model_fields)}"
                ) from None
            raise RequestError(
                f"{where}: {key} = {json.dumps(fault['input'], default=str)}: {fault['msg']}"
            ) from None


_STAGES: dict[str, Stage] = {}


def stage(
    name: str, params: type[Params], inputs: dict[str, InputRule], *, random: bool, uses_engine: bool = False,
    version: int = 1,
) -> Callable[[Callable[[StageContext, Any], None]], Callable[[StageContext, Any], None]]:  # fmt: skip
    """Registers the decorated function as the stage `name`.

    `random` says that its output depends on the seed, `uses_engine` that it samples or scores with
    the engine; raise `version` whenever its output can change.
    """

    def register(function: Callable[[StageContext, Any], None]) -> Callable[[StageContext, Any], None]:
        if name in _STAGES:
            raise RequestError(f"stage '{name}' is defined twice")
        _STAGES[name] = Stage(name, function, params, inputs, random, uses_engine, version)
        return function

    return register


def registered() -> dict[str, Stage]:
    """The stages of every module imported so far; `slmr.recipes.stages` imports them all."""
    return _STAGES
