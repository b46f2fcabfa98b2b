"""What a stage is: a function from artefacts and parameters to an artefact, known by its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from slmr.artifacts import Cost
from slmr.config import EngineSettings, Params, TrainingSettings, parse
from slmr.errors import RequestError

Progress = Callable[[int, int, str], None]
InputRule = Literal["one", "many", "optional"]


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
        remaining_tokens: what is left of the budget; None is no limit.
        worker: which of the processes of a training this is; the first one alone writes.
        threads: that torch computes with; None is as many as it takes.
        tracked_as: what trackers call the training.
        tracked_in: the folder for what they write.
    """

    folder: Path
    inputs: dict[str, list[Path | str]]
    seed: int
    engine: EngineSettings
    progress: Progress
    cost: Cost = field(default_factory=Cost)
    stats: dict[str, Any] = field(default_factory=dict)
    tasks_paths: Sequence[Path] = ()
    remaining_tokens: int | None = None
    training: TrainingSettings = field(default_factory=TrainingSettings)
    worker: int = 0
    threads: int | None = None
    tracked_as: str = ""
    tracked_in: Path = Path("trackers")

    @property
    def leads(self) -> bool:
        """Whether this process writes and reports."""
        return self.worker == 0

    def input(self, name: str) -> Path:
        """The folder of an input that there is exactly one of.

        Raises:
            RequestError: it is a server's model, and the stage needs its files.
        """
        (folder,) = self.folders(name)
        return folder

    def folders(self, name: str) -> list[Path]:
        """The folders of an input that there may be many of; raises as `input` does."""
        folders = [location for location in self.inputs[name] if isinstance(location, Path)]
        for url in set(self.inputs[name]) - set(folders):
            raise RequestError(f"{url}: a server's model can be evaluated and probed, not trained or scored")
        return folders

    def model(self, name: str) -> Path:
        """The transformers folder of an input that is a model; raises as `input` does."""
        return model_in(self.input(name))

    def sampled_model(self, name: str) -> Path | str:
        """As `model`, for an engine that only samples: a server's model is its URL."""
        (location,) = self.inputs[name]
        return location if isinstance(location, str) else model_in(location)


def model_in(artefact: Path) -> Path:
    """The transformers folder of a trained model's artefact, or the folder itself where it is a model's."""
    inner = artefact / "model"
    return inner if inner.is_dir() else artefact


@dataclass(frozen=True)
class Stage:
    """A kind of stage: `run` turns the inputs into what it writes in the context's folder.

    Attributes:
        random: its output depends on the seed.
        uses_engine: it samples or scores with the engine.
        trains: it writes a model.
        samples: it learns from completions that it samples while it trains, by `EngineSettings.rollouts`.
    """

    name: str
    run: Callable[[StageContext, Any], None]
    params: type[Params]
    inputs: dict[str, InputRule]
    random: bool
    uses_engine: bool
    trains: bool
    samples: bool
    version: int

    def parse(self, values: dict[str, Any], where: str) -> Params:
        """The parameters, checked.

        Raises:
            RequestError: an unknown key or an unfitting value, named with its place.
        """
        return parse(self.params, values, where, "parameter")


_STAGES: dict[str, Stage] = {}


def stage(
    name: str, params: type[Params], inputs: dict[str, InputRule], *, random: bool, uses_engine: bool = False,
    trains: bool = False, samples: bool = False, version: int = 1,
) -> Callable[[Callable[[StageContext, Any], None]], Callable[[StageContext, Any], None]]:  # fmt: skip
    """Registers the decorated function as the stage `name`.

    `random` says that its output depends on the seed, `uses_engine` that it samples or scores with the engine, `trains`
    that it writes a model, `samples` that it learns from completions that it samples meanwhile. Raise `version`
    whenever its output can change.
    """

    def register(function: Callable[[StageContext, Any], None]) -> Callable[[StageContext, Any], None]:
        if name in _STAGES:
            raise RequestError(f"stage '{name}' is defined twice")
        _STAGES[name] = Stage(name, function, params, inputs, random, uses_engine, trains, samples, version)
        return function

    return register


def registered() -> dict[str, Stage]:
    """The stages of every module imported so far; `slmr.pipeline.recipe.stages` imports them all."""
    return _STAGES
