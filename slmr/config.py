"""Every typed setting: of stages, engine, training and evaluation, and the profile that holds them all.

`parse` is the one way from what a user wrote to settings: a fault is one line with file, key, value and what is wanted.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from slmr.errors import RequestError, nearest, unknown
from slmr.io import merged, read_settings

# Beyond these a number is a slip of the pen that would fill the memory: docs/concepts.md has them, too.
MAX_K, MAX_TOKENS, MAX_POOL, MAX_STEPS, MAX_SIDE_BY_SIDE = 10_000, 1_000_000, 10_000_000, 1_000_000, 100_000

DEFAULT_PROFILE = "lab-quick"  # of every command that takes a profile
Edition = Literal["lab", "paper", "own"]
# The suites that are shipped: a board is of one suite, its means and ranks are over these tasks.
SUITES = {
    "lab": ("lab_gsm8k", "lab_logiqa", "lab_math", "lab_mawps", "lab_svamp"),
    "paper": ("gsm8k_platinum", "logiqa", "math500", "mawps", "svamp"),
}


def suite_of(task: str, declared: str = "") -> str:
    """The suite that a task belongs to: a shipped one, else the declared one; without that it is a suite of itself."""
    return next((name for name, tasks in SUITES.items() if task in tasks), declared or task)


MethodKind = Literal[
    "base", "reference", "sft", "distill", "rl", "sft_rl", "stagewise", "ablation", "control", "model"
]  # fmt: skip


def kind_label(kind: str) -> str:
    """A method's kind in words; `distill` is the class of methods that learn from a stronger model."""
    return "teacher model" if kind == "distill" else kind


class StrictModel(BaseModel):
    """Base of what is read from files: a key that nobody reads is an error."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Params(StrictModel):
    """Base of every stage's parameters."""

    model_config = ConfigDict(frozen=True)
    # Parameters that came when artefacts without them were there.
    LATER: ClassVar[frozenset[str]] = frozenset()

    def identity(self) -> dict[str, Any]:
        """For a digest: a later parameter only where it is not as by default, so that old artefacts keep their keys."""
        unset = {name for name in self.LATER if getattr(self, name) == type(self).model_fields[name].default}
        return self.model_dump(mode="json", exclude=unset)

    def identified(self) -> Params:
        """The same, with the content's digest beside every name of something outside (a model, a task)."""
        return self

    def fits(self, training: TrainingSettings) -> None:
        """Whether a stage with these parameters can be trained so.

        Raises:
            RequestError: it cannot; the message says what to change.
        """


VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class EngineSettings(Params):
    """How completions are sampled; the same for every method of a run.

    Attributes:
        batch_size: completions generated side by side; `auto` takes what the memory holds.
        concurrency: requests to a server under way at once.
        compile: compile the decoding step (on a CPU for vLLM, too): minutes of start-up, for an accelerator.
        trust_remote_code: run code that a model folder brings along.
        served_name: the model's name on a server that serves several.
        api_key_env: the environment variable that holds the server's key.
        chat_template_kwargs: variables of the model's chat template, such as `{enable_thinking: false}`.
        rollouts: what samples for reinforcement learning: `engine` is vLLM inside the training process where that
            is the engine, else the trainer's own sampler; `trainer` is always that sampler; a URL is a vLLM server
            that takes over the policy's weights, see `slmr.engines.vllm_policy`.
    """

    name: Literal["transformers", "vllm", "server"] = "transformers"
    batch_size: Annotated[int, Field(ge=1, le=MAX_SIDE_BY_SIDE)] | Literal["auto"] = "auto"
    device: str = "auto"
    dtype: Literal["float32", "bfloat16"] = "float32"
    concurrency: int = Field(default=16, ge=1, le=10_000)
    compile: bool = False
    trust_remote_code: bool = False
    served_name: str | None = None
    api_key_env: str | None = None
    chat_template_kwargs: dict[VariableName, bool | int | float | str] = {}
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
        unset = set() if self.chat_template_kwargs else {"chat_template_kwargs"}  # as in the keys of before
        fields = self.model_dump(exclude={"concurrency", "rollouts", "api_key_env", *unset})
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
        report_to: trackers that are told of every step; no part of a key, and none at first.
    """

    processes: int = Field(default=1, ge=1, le=4096)
    strategy: Literal["ddp", "fsdp", "zero2", "zero3"] = "ddp"
    accumulation: int = Field(default=1, ge=1)
    gradient_checkpointing: bool = False
    lora: LoraSettings | None = None
    stages: dict[str, Passes] = {}
    report_to: tuple[Literal["trackio", "tensorboard", "wandb", "mlflow"], ...] = ()

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
        return self.model_dump(mode="json", exclude_defaults=True, exclude={"report_to"})

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


class EvaluationSettings(StrictModel):
    """How every method of a run is evaluated; `max_tokens` instead of each task's own budget of a completion."""

    limit: int | None = Field(default=None, ge=1)
    k: int = Field(default=1, ge=1, le=MAX_K)
    temperature: float | None = Field(default=None, ge=0)
    max_tokens: int | None = Field(default=None, ge=1, le=MAX_TOKENS)


class CapabilitySettings(StrictModel):
    """What is sampled many times over, to tell what a model can do at all from what it does at once.

    `tasks` as on the command line; the first `limit` items of each, `k` completions at temperature 1.
    """

    tasks: str
    limit: int = Field(default=100, ge=2)
    k: int = Field(default=64, ge=2, le=MAX_K)


class Profile(StrictModel):
    """A benchmark's settings.

    Attributes:
        stages: the parameters of each kind of stage, for every method.
        tuned: method → kind of stage → parameters, where a method's own tuning chose others; what extends a
            method has its parent's. A profile that extends this one and writes such a parameter under `stages`
            sets it for all methods.
        capability: a second evaluation, for pass@k and by difficulty; none where it is not given.
        budget: tokens that a method may spend, generated, trained on and taught together; training stops there.
        leave_out: methods that `all` leaves out here, and why.
        training: on how many processes, and how, for every method.
        threads: of torch, in each stage, however many stages run side by side, so that numbers depend on neither that
            nor the machine; None is as many as torch takes.
    """

    name: str
    students: list[str] = Field(min_length=1)
    default_student: str
    tasks: str
    evaluate: EvaluationSettings = EvaluationSettings()
    capability: CapabilitySettings | None = None
    engine: EngineSettings = EngineSettings()
    training: TrainingSettings = TrainingSettings()
    threads: int | None = Field(default=1, ge=1, le=4096)
    stages: dict[str, dict[str, Any]] = {}
    tuned: dict[str, dict[str, dict[str, Any]]] = {}
    budget: int | None = Field(default=None, ge=1)
    leave_out: dict[str, str] = {}


_FOLDER = Path(__file__).parent / "profiles"


def profile_names() -> list[str]:
    """The names of the shipped profiles."""
    return sorted(file.stem for file in _FOLDER.glob("*.yaml"))


def load_profile(name: str) -> Profile:
    """The profile of that name, or of a YAML file's path. One that `extends` another says only what is different.

    Raises:
        RequestError: there is none, or it holds a key that nobody reads or a value that does not fit.
    """
    file = _file(name)
    return parse(Profile, {"name": file.stem, **_content(file, ())}, file)


def _file(name: str, beside: Path = Path()) -> Path:
    file = beside / name if name.endswith((".yaml", ".yml")) else _FOLDER / f"{name}.yaml"
    if not os.path.isfile(file):  # of a name that is too long, too, where Path raises
        raise unknown("profile", name, profile_names())
    return file


def _content(file: Path, children: tuple[Path, ...]) -> dict[str, Any]:
    """A profile's settings over those of what it extends."""
    if file in children:
        raise RequestError(f"{file} extends itself, by way of {', '.join(map(str, children))}")
    content = read_settings(file, "a profile")
    if "extends" not in content:
        return content
    extended = content.pop("extends")
    if not isinstance(extended, str):
        raise RequestError(
            f"{file}: extends = {extended}: it should be the name of one profile, or a YAML file's path"
        )
    parent = _content(_file(extended, file.parent), (*children, file))
    return merged(_without_tuned(parent, content.get("stages")), content)


def _without_tuned(parent: dict[str, Any], written: object) -> dict[str, Any]:
    """A parent's settings without what it tuned for single methods of parameters that its child writes for all."""
    tuned = parent.get("tuned")
    if not (isinstance(tuned, Mapping) and isinstance(written, Mapping)):
        return parent
    removals = {
        kind: dict.fromkeys(values) for kind, values in written.items() if isinstance(values, Mapping)
    }
    kept = {
        method: merged(by_kind, {kind: removals[kind] for kind in by_kind if kind in removals})
        for method, by_kind in tuned.items()
        if isinstance(by_kind, Mapping)
    }
    return parent | {"tuned": {**tuned, **kept}}


# --- from what a user wrote to settings, and faults in words -------------------------------------

ModelT = TypeVar("ModelT", bound=BaseModel)


def parse(model: type[ModelT], content: object, where: object, kind: str = "key") -> ModelT:
    """What was read from `where` (a file, or the name of a place in one), as a `model`; `kind` is what its keys are.

    Raises:
        RequestError: a key is unknown or missing, or a value does not fit.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise RequestError(f"{where}: {first_fault(error, model, kind)}") from None


def first_fault(error: ValidationError, model: type[BaseModel], kind: str = "key") -> str:
    """The first thing wrong with what should be a `model`, in one line: key, value, what is wanted."""
    fault = error.errors(include_url=False)[0]
    path, value = fault["loc"], fault["input"]
    key = ".".join(map(str, path))
    if fault["type"] == "extra_forbidden":
        inside = f"{'.'.join(map(str, path[:-1]))}: " if path[1:] else ""
        return f"{inside}{unknown(kind, str(path[-1]), _keys_at(model, path[:-1]))}"
    if fault["type"] == "missing":
        return f"{key} is missing"
    wanted = re.sub(r"a valid dictionary( or instance of \w+)?", "a mapping", fault["msg"])
    wanted = wanted.removeprefix("Value error, ").replace("Input should", "it should")
    if fault["type"] == "literal_error":
        wanted += nearest(str(value), re.findall(r"'(.*?)'", wanted))
    if not path:
        return wanted
    if fault["type"] == "value_error" and isinstance(value, Mapping):  # the message says which of its values
        return f"{key}: {wanted}"
    return f"{key} = {_shortened(value)}: {wanted}"


def _keys_at(model: type[BaseModel], path: Iterable[int | str]) -> list[str]:
    """The keys that are known at a path into a model; parts of it that are no fields are keys of a mapping."""
    for part in path:
        if part in model.model_fields:
            model = _model_within(model.model_fields[str(part)].annotation) or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_within(annotation: object) -> type[BaseModel] | None:
    """The first model in an annotation such as `dict[str, Passes] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_within(part))), None)


def _shortened(value: object) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:79]}…"
