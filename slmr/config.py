"""Typed settings of stages, engine, training and evaluation, and the profile that holds them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from slmr.errors import RequestError, unknown
from slmr.io import merged, read_settings
from slmr.parsing import StrictModel, parse

# A larger number is a typing error that would exhaust the memory. docs/troubleshooting.md lists these limits, too.
MAX_K, MAX_TOKENS, MAX_POOL, MAX_STEPS, MAX_SIDE_BY_SIDE = 10_000, 1_000_000, 10_000_000, 1_000_000, 100_000
MAX_TOP_K = 10_000_000  # more than any vocabulary

DEFAULT_PROFILE = "lab-quick"  # of every command that takes a profile
Edition = Literal["lab", "paper", "own"]
# The shipped suites. A leaderboard shows one suite: its means and ranks are over these tasks.
SUITES = {
    "lab": ("lab_gsm8k", "lab_logiqa", "lab_math", "lab_mawps", "lab_svamp"),
    "paper": ("gsm8k_platinum", "logiqa", "math500", "mawps", "svamp"),
}


def suite_of(task: str, declared: str = "") -> str:
    """The shipped suite that contains the task, else the declared suite, else the task's own name."""
    return next((name for name, tasks in SUITES.items() if task in tasks), declared or task)


MethodKind = Literal["base", "reference", "sft", "distill", "rl", "sft_rl", "stagewise", "ablation", "control", "model"]
STAGEWISE = "stagewise"  # the paper's method, and the kind of its variants
ABLATIONS = ("ablation", "control")  # `ablations` selects them, not `all`; a board shows them when asked
UNRANKED = (*ABLATIONS, "reference")  # compared, but without a rank
AS_GIVEN = ("base", "model")  # the evaluated model is the student itself
UNTRAINED = (*AS_GIVEN, "reference")  # another seed gives the same model


def kind_label(kind: str) -> str:
    """A method's kind as shown to readers; `distill` is the kind of methods that learn from a stronger model."""
    return "teacher model" if kind == "distill" else kind


class Settings(StrictModel):
    """Base of settings that nothing changes once they are read."""

    model_config = ConfigDict(frozen=True)


class Params(Settings):
    """Base of every stage's parameters."""

    # Parameters added after the first artefacts of this stage were published.
    LATER: ClassVar[frozenset[str]] = frozenset()

    def identity(self) -> dict[str, Any]:
        """The values that enter a digest. Those in `LATER` enter only if set, so that old artefacts keep their keys."""
        unset = {name for name in self.LATER if getattr(self, name) == type(self).model_fields[name].default}
        return self.model_dump(mode="json", exclude=unset)

    def identified(self) -> Params:
        """A copy that holds, beside every name of something outside (a model, a task), the digest of its content."""
        return self

    def fits(self, training: TrainingSettings) -> None:
        """Checks that a stage with these parameters can be trained with these settings.

        Raises:
            RequestError: it cannot; the message says what to change.
        """


VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class EngineSettings(Settings):
    """How completions are sampled; the same for every method of a run.

    Attributes:
        batch_size: completions generated in one batch; `auto` takes as many as fit into memory.
        concurrency: simultaneous requests to a server.
        compile: compile the decoding step (with vLLM on a CPU, too); takes minutes, worthwhile on an accelerator.
        trust_remote_code: run code from the model folder.
        served_name: the model's name on a server that serves several.
        api_key_env: the environment variable that holds the server's key.
        chat_template_kwargs: variables of the model's chat template, such as `{enable_thinking: false}`.
        rollouts: what samples for reinforcement learning. `engine`: vLLM inside the training process if the engine
            is vLLM, else the trainer's own sampler. `trainer`: always the trainer's sampler. A URL: a vLLM server
            that receives the policy's weights, see `slmr.engines.vllm_policy`.
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
            raise ValueError("neither engine, trainer nor the URL of a vLLM server, such as http://127.0.0.1:8000/v1")
        return value

    @property
    def sampled_by(self) -> Literal["trainer", "vllm", "server"]:
        """What samples rollouts: the trainer's own sampler, vLLM inside its process, or a vLLM server."""
        if self.rollouts == "engine":
            return "vllm" if self.name == "vllm" else "trainer"
        return "trainer" if self.rollouts == "trainer" else "server"

    def identity(self, *, rolls_out: bool) -> dict[str, Any]:
        """The settings that can change a stage's result; `rolls_out` says that the stage samples rollouts."""
        # Empty template arguments are left out: old artefacts have no such field in their keys.
        unset = set() if self.chat_template_kwargs else {"chat_template_kwargs"}
        fields = self.model_dump(exclude={"concurrency", "rollouts", "api_key_env", *unset})
        elsewhere = rolls_out and self.sampled_by != "trainer"
        return fields | ({"rollouts": self.sampled_by} if elsewhere else {})

    @property
    def label(self) -> str:
        """Engine and precision, for tables; a server's precision is unknown."""
        return self.name if self.name == "server" else f"{self.name} {self.dtype}"


class LoraSettings(Settings):
    """Low-rank adapters (LoRA, 2106.09685), trained instead of the weights and merged into them at the end.

    `targets` are names of linear layers, or `all-linear`.
    """

    rank: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    targets: Literal["all-linear"] | tuple[str, ...] = "all-linear"


class Passes(Settings):
    """How one kind of stage divides a step into passes, where it differs from the other stages."""

    accumulation: int | None = Field(default=None, ge=1)
    gradient_checkpointing: bool | None = None


class TrainingSettings(Settings):
    """How a stage trains; the same for every method of a run. It does not change what one step computes.

    Attributes:
        processes: processes that share each step, one per GPU of this machine, or on its cores.
        strategy: ddp: each process has the whole model; fsdp, zero2, zero3: they shard its states (GPUs only).
        accumulation: passes into which each process divides its share of a step, to save memory.
        gradient_checkpointing: recompute activations in the backward pass: less memory, more time.
        stages: kind of stage → its own passes: a step of RL has many more completions than one of SFT.
        report_to: trackers that receive every step; not part of a key.
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
            raise ValueError(f"strategy {self.strategy} shards a model among processes: set processes above 1")
        if self.lora and self.shards:
            raise ValueError(f"adapters are too small to be sharded: lora takes ddp, not {self.strategy}")
        return self

    @property
    def shards(self) -> bool:
        """Whether no process holds all of the weights."""
        return self.strategy in ("fsdp", "zero3")

    def for_stage(self, stage: str) -> TrainingSettings:
        """The settings of one kind of stage."""
        passes = self.stages.get(stage, Passes()).model_dump(exclude_none=True)
        return self.model_copy(update={"stages": {}, **passes})

    def identity(self) -> dict[str, Any]:
        """The values that enter a digest: only those that are not defaults, so that old artefacts keep their keys."""
        return self.model_dump(mode="json", exclude_defaults=True, exclude={"report_to"})

    def must_not_shard(self, stage: str) -> None:
        """Raises RequestError if the weights are sharded: the stage needs all of them in each process."""
        if self.shards:
            raise RequestError(f"training: {stage} takes ddp or zero2, not {self.strategy}")

    def share(self, rows: int, name: str, parts: int = 1) -> int:
        """Rows per process and pass, of a step's `rows`; `parts` is the number of updates in a step.

        Raises:
            RequestError: the rows cannot be divided evenly.
        """
        passes = self.processes * self.accumulation * parts
        if rows % passes:
            among = f"{self.processes} processes in {self.accumulation * parts} passes each"
            raise RequestError(
                f"training: {name} = {rows} cannot be divided among {among}: it must be a multiple of {passes}"
            )
        return rows // passes


class Truncation(Settings):
    """Which tokens of a distribution may be drawn; the defaults keep all of them.

    All three hold at once, in vLLM's order: `top_p` counts the probability of what `min_p` and `top_k` keep.

    Attributes:
        top_p: the most likely tokens whose probabilities reach this sum (nucleus sampling, 1904.09751).
        top_k: this many of the most likely tokens; 0 for all.
        min_p: tokens at least this likely relative to the most likely one (2407.01082).
    """

    top_p: float = Field(default=1.0, gt=0, le=1)
    top_k: int = Field(default=0, ge=0, le=MAX_TOP_K)
    min_p: float = Field(default=0.0, ge=0, le=1)

    @property
    def truncation(self) -> Truncation:
        """These settings alone, without those of a subclass."""
        return Truncation(top_p=self.top_p, top_k=self.top_k, min_p=self.min_p)

    @property
    def cuts(self) -> tuple[str, ...]:
        """The names of the settings that are not at their defaults."""
        fields = Truncation.model_fields.items()
        return tuple(name for name, field in fields if getattr(self, name) != field.default)


WHOLE_DISTRIBUTION = Truncation()
StopText = Annotated[str, StringConstraints(min_length=1)]


class EvaluationSettings(Truncation):
    """How every method of a run is evaluated.

    `max_tokens` replaces each task's own limit on a completion; `stop` adds to each task's own stop texts.
    """

    limit: int | None = Field(default=None, ge=1)
    k: int = Field(default=1, ge=1, le=MAX_K)
    temperature: float | None = Field(default=None, ge=0)
    max_tokens: int | None = Field(default=None, ge=1, le=MAX_TOKENS)
    stop: tuple[StopText, ...] = ()


class CapabilitySettings(StrictModel):
    """The second evaluation, which samples each item many times for pass@k.

    `tasks` is written as on the command line; the first `limit` items of each get `k` completions at temperature 1.
    """

    tasks: str
    limit: int = Field(default=100, ge=2)
    k: int = Field(default=64, ge=2, le=MAX_K)


class Profile(StrictModel):
    """A benchmark's settings.

    Attributes:
        stages: the parameters of each kind of stage, for every method.
        tuned: method → kind of stage → parameters that tuning chose for this method. A method that extends another
            has its parent's if it has none of its own. If a profile extends this one and sets such a parameter under
            `stages`, it holds for all methods.
        capability: a second evaluation, for pass@k and by difficulty; None skips it.
        budget: tokens that a method may spend (generated, trained on and taught together); training stops there.
        leave_out: methods that `all` leaves out in this profile → why.
        training: how every method trains, and on how many processes.
        threads: torch threads of each stage. It is fixed, so that numbers depend neither on the machine nor on how
            many stages run side by side; None lets torch choose.
    """

    name: str = Field(max_length=100)
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

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, name: str) -> str:
        if not name.isprintable() or not name or name[0] in ". " or {"/", "\\"} & set(name):
            raise ValueError("it begins the name of a run's folder: no slash, and no dot in front")
        return name


_FOLDER = Path(__file__).parent / "profiles"


def profile_names() -> list[str]:
    """The names of the shipped profiles."""
    return sorted(file.stem for file in _FOLDER.glob("*.yaml"))


def load_profile(name: str) -> Profile:
    """Loads a profile by its name or a YAML file's path. A profile that `extends` another holds only the differences.

    Raises:
        RequestError: there is none, or it holds an unknown key or an invalid value.
    """
    file = _file(name)
    return parse(Profile, {"name": file.stem, **_content(file, ())}, file)


def _file(name: str, beside: Path = Path()) -> Path:
    file = beside / name if name.endswith((".yaml", ".yml")) else _FOLDER / f"{name}.yaml"
    if not os.path.isfile(file):  # Path.is_file raises if the name is too long
        raise unknown("profile", name, profile_names())
    return file


def _content(file: Path, children: tuple[Path, ...]) -> dict[str, Any]:
    """A profile's settings merged over those of the profile that it extends."""
    if file in children:
        raise RequestError(f"{file} extends itself, through {', '.join(map(str, children))}")
    content = read_settings(file, "a profile")
    if "extends" not in content:
        return content
    extended = content.pop("extends")
    if not isinstance(extended, str):
        raise RequestError(f"{file}: extends = {extended}: it should be the name of one profile, or a YAML file's path")
    parent = _content(_file(extended, file.parent), (*children, file))
    return merged(_without_tuned(parent, content.get("stages")), content)


def _without_tuned(parent: dict[str, Any], overrides: object) -> dict[str, Any]:
    """The parent's settings without the tuned parameters that the child sets for all methods."""
    tuned = parent.get("tuned")
    if not (isinstance(tuned, Mapping) and isinstance(overrides, Mapping)):
        return parent
    removals = {kind: dict.fromkeys(values) for kind, values in overrides.items() if isinstance(values, Mapping)}
    remaining = {
        method: merged(by_kind, {kind: removals[kind] for kind in by_kind if kind in removals})
        for method, by_kind in tuned.items()
        if isinstance(by_kind, Mapping)
    }
    return parent | {"tuned": {**tuned, **remaining}}
