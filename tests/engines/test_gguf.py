"""GGUF files: the model they become, the text they cut, and what is wrong with a broken one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from slmr.engines import models
from slmr.engines.models import resolve_model
from tests.engines.model_files import ids, logits, make_gguf, said

pytestmark = pytest.mark.usefixtures("cache")


def test_a_gguf_file_becomes_the_same_model_once(
    tiny: Path, gguf: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import torch
    from transformers import AutoTokenizer
    from transformers.utils import logging

    logging.enable_progress_bar()  # a bench of an earlier test may have switched it off
    heard: list[str] = []
    model = resolve_model(str(gguf), heard.append)
    assert capfd.readouterr() == ("", "") and len(heard) == 1 and "tiny.gguf" in heard[0]
    assert logging.is_progress_bar_enabled()
    assert (model.name, model.kind) == (str(gguf), "gguf")
    assert model.note == "GGUF F32, dequantised to float32"
    assert torch.equal(logits(model.location), logits(tiny))
    assert ids(model.location) == ids(tiny)
    kept: Any = AutoTokenizer.from_pretrained(model.location)
    assert kept.chat_template == AutoTokenizer.from_pretrained(tiny).chat_template
    assert (kept.eos_token_id, kept.pad_token_id) == (1, 0)

    monkeypatch.setattr(models, "dequantise", None)
    assert resolve_model(str(gguf)) == model
    moved = shutil.copy(gguf, cache.parent / "other-name.GGUF")
    assert resolve_model(str(moved)).location == model.location
    assert resolve_model(str(model.location)).key == model.key


@pytest.mark.parametrize(
    ("kind", "dtype", "close"),
    [("F16", "float16", 4e-3), ("BF16", "bfloat16", 2e-2), ("Q8_0", "float32", 6e-2)],
)
def test_what_a_gguf_file_stores(tiny: Path, tmp_path: Path, kind: str, dtype: str, close: float) -> None:
    model = resolve_model(str(make_gguf(tiny, tmp_path / "m.gguf", kind)))
    assert model.note == f"GGUF {kind}, dequantised to {dtype}"
    assert json.loads((Path(model.location) / "config.json").read_text())["dtype"] == dtype
    found, wanted = logits(model.location), logits(tiny)
    assert 0 < (found - wanted).norm() / wanted.norm() < close


def test_text_is_cut_as_the_gguf_file_says(tiny: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    model = resolve_model(str(make_gguf(tiny, tmp_path / "a.gguf", pre="smollm")))
    rule = str(AutoTokenizer.from_pretrained(model.location).backend_tokenizer.pre_tokenizer)  # type: ignore[attr-defined]
    assert "Digits(individual_digits=True)" in rule and ";" not in model.note
    model = resolve_model(str(make_gguf(tiny, tmp_path / "b.gguf", pre="gpt-2")))
    assert ";" not in model.note
    model = resolve_model(str(make_gguf(tiny, tmp_path / "c.gguf", pre="unheard-of")))
    assert model.note.endswith("; text is cut as for GPT-2, not as 'unheard-of'")


def test_nothing_beside_a_gguf_file_is_read(gguf: Path, tmp_path: Path) -> None:
    file = Path(shutil.copy(gguf, tmp_path / "m.gguf"))
    for name in ("config.json", "tokenizer_config.json", "generation_config.json", "tokenizer.json"):
        (tmp_path / name).write_text("{")
    (tmp_path / "chat_template.jinja").write_text("beside")
    made = Path(resolve_model(str(file)).location)
    assert (made / "chat_template.jinja").read_text() != "beside"


def test_broken_gguf_files(tiny: Path, gguf: Path, tmp_path: Path, cache: Path) -> None:
    whole = gguf.read_bytes()
    cut = tmp_path / "cut.gguf"
    for size in (0, 3, 20, 100, 5000, len(whole) // 2, len(whole) - 64):
        cut.write_bytes(whole[:size])
        assert said(cut).startswith(f"cannot convert {cut}: the file is damaged or cut short: ")
    cut.write_text("version https://git-lfs.github.com/spec/v1\n")
    assert said(cut).startswith(f"cannot convert {cut}: ")
    noise = bytearray(whole)
    noise[8:24] = b"\xff" * 16
    cut.write_bytes(noise)
    assert said(cut).startswith(f"cannot convert {cut}: ")
    assert "clip" in said(make_gguf(tiny, tmp_path / "clip.gguf", architecture="clip"))
    assert "cannot convert" in said(make_gguf(tiny, tmp_path / "mute.gguf", tokenizer=False))
    missing = said(make_gguf(tiny, tmp_path / "part.gguf", left_out="blk.1.ffn_up"))
    assert "lacks 1 of the model's tensors, such as model.layers.1.mlp.up_proj.weight" in missing
    assert not [p for p in (cache / "models").rglob("*") if p.suffix != ".lock" and p.name != ".partial"]
