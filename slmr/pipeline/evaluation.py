"""`slmr eval`: scores one model on tasks, without training, into its own run folder."""

from __future__ import annotations

import re
import shlex
from contextlib import closing
from dataclasses import dataclass, fields, replace
from pathlib import Path

from slmr.config import EngineSettings, Profile
from slmr.engines.models import Model, Say, resolve_model
from slmr.errors import RequestError, check_known
from slmr.io import digest, parse_json
from slmr.parsing import parse
from slmr.pipeline.plan import Plan, PlannedMethod, check_label
from slmr.pipeline.planner import Planner, StageNode
from slmr.pipeline.recipe import Recipe
from slmr.pipeline.runner import Execution
from slmr.results.runs.files import ARTEFACTS
from slmr.tasks.from_file import ENDINGS, write_task
from slmr.tasks.registry import select_tasks

_OF_A_SERVER = ("concurrency", "served_name", "api_key_env")
_OF_A_MODEL_HERE = ("compile", "device", "dtype", "trust_remote_code")
_WITHOUT_EFFECT = ("concurrency", "out")  # on the results, so that a command that repeats them leaves them out
ENGINES = ("auto", "transformers", "vllm", "server")
_RECIPE = Recipe(name="eval", kind="model", summary="evaluated as it is")


@dataclass(frozen=True, kw_only=True)
class ModelRequest:
    """Options that all commands with one model share; the fields are those of the command line."""

    max_tokens: int | None = None
    served_name: str | None = None
    api_key_env: str | None = None
    limit: int | None = None
    seed: int = 0
    out: Path = Path("runs")
    tasks_paths: tuple[Path, ...] = ()


@dataclass(frozen=True)
class EvalRequest(ModelRequest):
    """The options of `slmr eval`."""

    model: str
    name: str | None = None
    tasks: str = "lab"
    k: int = 1
    temperature: float | None = None
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    stop: tuple[str, ...] = ()
    fewshot: int = 0
    system: str = ""
    engine: str = "auto"
    dtype: str = "auto"
    device: str = "auto"
    batch_size: str = "auto"
    concurrency: int = 16
    chat_template_kwargs: str | None = None
    compile: bool = False
    trust_remote_code: bool = False
    data_dir: Path | None = None

    def command(self) -> str:
        """The command line that repeats this evaluation."""
        words = ["slmr", "eval", self.model, "--tasks", self.tasks]
        for field in fields(self):
            option, value = f"--{field.name.replace('_', '-')}", getattr(self, field.name)
            if field.name in ("model", "tasks", *_WITHOUT_EFFECT) or value == field.default:
                continue
            if isinstance(value, tuple):  # a repeatable option, named in the singular
                words += [word for part in value for word in (option.removesuffix("s"), str(part))]
            else:
                words += [option] if value is True else [option, str(value)]
        return shlex.join(words)


def plan_evaluation(request: EvalRequest, say: Say = lambda _: None) -> Plan:
    """The evaluation of a model as a plan of one stage.

    Raises:
        RequestError: something in the request is unknown or invalid; no work has started.
    """
    names, paths = _with_files(request)
    if request.temperature == 0 and request.k > 1:
        say(
            f"warning: --temperature 0 is greedy decoding: the {request.k} completions of an item are equal, so pass@k"
            " and maj@k only repeat the accuracy; leave out --k, or sample with a --temperature above 0"
        )
    tasks = select_tasks(names, paths)
    model = resolve_model(request.model, say)
    settings = engine_settings(request, model)
    label = public_name(model) if request.name is None else request.name
    check_label(label, "--name LABEL gives another")
    profile = Profile(name="eval", students=[label], default_student=label, tasks=names, engine=settings, threads=None)
    planner = Planner(replace(model, key=model_key(model, settings)), profile, 0)
    student = planner.plan(_RECIPE)
    node = planner.evaluation(
        student,
        {
            "tasks": tuple(t.name for t in tasks),
            "task_digests": tuple(t.digest for t in tasks),
            "limit": request.limit,
            "k": request.k,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "top_k": request.top_k,
            "min_p": request.min_p,
            "stop": request.stop,
            "eval_seed": request.seed,
            "fewshot": request.fewshot,
            "system": request.system,
            "max_tokens": request.max_tokens,
        },
        "slmr eval",
    )
    method = PlannedMethod(_RECIPE, label, request.seed, student, node, request.command())
    folder = request.out / run_name(label, node)
    execution = Execution(folder / ARTEFACTS, (node,), profile, paths, {node.key: (_RECIPE.name,)})
    return Plan(tasks, [method], folder, execution)


def public_name(model: Model) -> str:
    """The name under which a model is listed and published; a path on this machine is reduced to its last part."""
    if model.kind == "server" or not Path(model.name).is_absolute():
        return model.name
    return Path(model.name).name


def _with_files(request: EvalRequest) -> tuple[str, tuple[Path, ...]]:
    """The names of the tasks and their folders; a file of questions becomes a task beside the runs."""
    names, folder, files = [], request.out / "tasks", dict[str, Path]()
    for name in request.tasks.split(","):
        file = Path(name.strip())
        if file.suffix.lower() not in ENDINGS:
            _check_no_file(file)
            names.append(name)
            continue
        task = write_task(file, folder).name
        if files.setdefault(task, file) != file:
            raise RequestError(f"{files[task]} and {file} would both be the task '{task}': rename one")
        names.append(task)
    return ",".join(names), (*request.tasks_paths, folder) if files else request.tasks_paths


def _check_no_file(file: Path) -> None:
    """Raises RequestError where what should be a task's name is a file that slmr cannot read."""
    if file.suffix and file.is_file():
        endings = f"{', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"
        raise RequestError(
            f"{file} is a file, but slmr reads questions from {endings}: save it as such, a spreadsheet as .csv"
        )


def engine_settings(request: EvalRequest, model: Model) -> EngineSettings:
    """The engine of a request, with every `auto` resolved, so that the values enter the key."""
    check_known("engine", request.engine, ENGINES)
    served = model.kind == "server"
    name = request.engine if request.engine != "auto" else "server" if served else "transformers"
    if (name == "server") != served:
        what = "a server's URL" if name == "server" else "a model on this machine"
        raise RequestError(f"--engine {name} needs {what}, and {request.model} is none")
    for option in _OF_A_MODEL_HERE if served else _OF_A_SERVER:
        if getattr(request, option) != getattr(EvalRequest, option):
            what = "a model on this machine" if served else "a server"
            raise RequestError(f"--{option.replace('_', '-')} is for {what}, and {request.model} is none")
    if not (request.batch_size == "auto" or (request.batch_size.isdecimal() and int(request.batch_size) > 0)):
        raise RequestError(f"--batch-size '{request.batch_size}' is neither auto nor a number from 1 on")
    device, dtype = _device_and_dtype(request) if not served else ("server", "float32")
    template = request.chat_template_kwargs
    return parse(
        EngineSettings,
        {
            "name": name,
            "dtype": dtype,
            "device": device,
            "concurrency": request.concurrency,
            "batch_size": "auto" if request.batch_size == "auto" else int(request.batch_size),
            "served_name": request.served_name,
            "api_key_env": request.api_key_env,
            "compile": request.compile,
            "trust_remote_code": request.trust_remote_code,
            "chat_template_kwargs": parse_json(template, "--chat-template-kwargs") if template else {},
        },
        "engine",
    )


def _device_and_dtype(request: EvalRequest) -> tuple[str, str]:
    from slmr.engines.transformers import usable_device

    check_known("dtype", request.dtype, ("auto", "float32", "bfloat16"))
    device = usable_device(request.device)
    automatic = "float32" if device == "cpu" else "bfloat16"
    return device, automatic if request.dtype == "auto" else request.dtype


def model_key(model: Model, settings: EngineSettings) -> str:
    """The model's key; for a server, a hash of what it reports about itself."""
    if settings.name != "server":
        return model.key
    from slmr.engines.server import ServerEngine

    with closing(ServerEngine(str(model.location), settings)) as engine:
        return digest(engine.identity())


def run_name(model: str, node: StageNode) -> str:
    """`eval-<model>-<hash>`; different settings have different folders."""
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", Path(model).name if model.startswith("/") else model).strip("-.")
    return f"eval-{slug[-40:].strip('-.')}-{node.key[:8]}"
