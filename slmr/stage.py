"""What a stage is: a function from artefacts and parameters to an artefact, known by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from slmr.artifacts import Cost
from slmr.config import EngineSettings, Params, TrainingSettings
from slmr.errors import RequestError
from slmr.parsing import parse

Progress = Callable[[int, int, str], None]
InputRule = Literal["one", "many", "optional"]


def _path_unless_url(value: Path | str) -> Path | str:
    """In JSON both kinds of location are strings; no path contains `://`, because `Path` merges slashes."""
    return Path(value) if isinstance(value, str) and "://" not in value else value


# An artefact's folder, or the URL of a server.
Location = Annotated[str | Path, AfterValidator(_path_unless_url)]


def _no_progress(done: int, total: int, unit: str) -> None:
    pass


@dataclass
class StageContext:
    """What a running stage gets. All but `progress` can be sent to another process, as JSON.

    Attributes:
        folder: where to write; a stage that was killed finds its earlier files there.
        inputs: input name → the artefact folders (one, or several where the stage takes many); a
            student on a server is given by its URL.
        seed: the training seed of the run (0 for a stage that is not random).
        progress: call it with (done, total, what is counted).
        cost: add to it what the stage spends; the caller adds wall time.
        stats: counts and curves for readers; saved as `stats.json`.
        remaining_tokens: tokens left in the budget; None is no limit.
        rank: index of this process in a training with several; only the main process, the first, writes.
        threads: torch threads; None lets torch choose.
        tracked_as: the training's name in trackers.
        tracked_in: the folder for the trackers' files.
    """

    folder: Path
    inputs: dict[str, list[Location]]
    seed: int
    engine: EngineSettings
    progress: Annotated[Progress, Field(exclude=True)] = _no_progress
    cost: Cost = field(default_factory=Cost)
    stats: dict[str, Any] = field(default_factory=dict)
    tasks_paths: tuple[Path, ...] = ()
    remaining_tokens: int | None = None
    training: TrainingSettings = field(default_factory=TrainingSettings)
    rank: int = 0
    threads: int | None = None
    tracked_as: str = ""
    tracked_in: Path = Path("trackers")

    @property
    def is_main_process(self) -> bool:
        """Whether this process writes and reports."""
        return self.rank == 0

    @property
    def trainer_folder(self) -> Path:
        """For checkpoints and other files that are removed once the stage has finished."""
        return self.folder / "trainer"

    def input(self, name: str) -> Path:
        """The folder of an input with exactly one artefact.

        Raises:
            RequestError: it is a server's model, and the stage needs its files.
        """
        (folder,) = self.folders(name)
        return folder

    def folders(self, name: str) -> list[Path]:
        """The folders of an input that may have many artefacts; raises as `input` does."""
        folders = [location for location in self.inputs[name] if isinstance(location, Path)]
        for url in set(self.inputs[name]) - set(folders):
            raise RequestError(f"{url}: a server's model can be evaluated and probed, not trained or scored")
        return folders

    def model(self, name: str) -> Path:
        """The transformers folder of an input that is a model; raises as `input` does."""
        return model_in(self.input(name))

    def sampled_model(self, name: str) -> Path | str:
        """As `model`, for an engine that only samples: a model on a server is given by its URL."""
        (location,) = self.inputs[name]
        return location if isinstance(location, str) else model_in(location)


def model_in(artefact: Path) -> Path:
    """The transformers folder inside a trained model's artefact, or the folder itself if it is one."""
    inner = artefact / "model"
    return inner if inner.is_dir() else artefact


@dataclass(frozen=True)
class Stage:
    """A kind of stage: `run` reads the inputs and writes its output into the context's folder.

    Attributes:
        random: the output depends on the seed.
        uses_engine: the stage samples or scores with the engine.
        trains: the stage writes a model.
        samples: the stage learns from completions that it samples while it trains, by `EngineSettings.rollouts`.
        version: to be raised whenever the output can change.
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
        """Validates the parameters, which were read from `where`.

        Raises:
            RequestError: a key is unknown or a value is invalid.
        """
        return parse(self.params, values, where, "parameter")


_STAGES: dict[str, Stage] = {}


def stage(
    name: str,
    params: type[Params],
    inputs: dict[str, InputRule],
    *,
    random: bool,
    uses_engine: bool = False,
    trains: bool = False,
    samples: bool = False,
    version: int = 1,
) -> Callable[[Callable[[StageContext, Any], None]], Callable[[StageContext, Any], None]]:
    """Registers the decorated function as the stage `name`; the arguments are the attributes of `Stage`."""

    def register(function: Callable[[StageContext, Any], None]) -> Callable[[StageContext, Any], None]:
        if name in _STAGES:
            raise RequestError(f"stage '{name}' is defined twice")
        _STAGES[name] = Stage(name, function, params, inputs, random, uses_engine, trains, samples, version)
        return function

    return register


def registered() -> dict[str, Stage]:
    """The stages of every module imported so far; `slmr.pipeline.recipe.stages` imports them all."""
    return _STAGES
