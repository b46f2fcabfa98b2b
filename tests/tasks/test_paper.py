"""The paper profile's whole path, on a CPU: tiny models of its students' kinds, its data's layout, few steps."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from slmr.io import read_json, read_rows
from slmr.lab.tokenizer import build_tokenizer
from tests.in_process import slmr

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA3 = (
    "{{ bos_token }}{% for message in messages %}<|start_header_id|>{{ message['role'] }}<|end_header_id|>\n\n"
    "{{ message['content'] }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
# What the tiny students say to everything; so problems with these answers are right now and then.
SAYINGS = ("#### 4", "#### 5")
OVERRIDES = """
extends: paper
students: [{student}]
default_student: {student}
tasks: gsm8k_platinum,svamp
evaluate: {{limit: 8}}
engine: {{name: transformers, batch_size: 64, device: cpu, dtype: float32}}
training: {{accumulation: 2}}
stages:
  pool: {{size: 24, validation: 4}}
  probe: {{k: 4, max_tokens: 24}}
  teacher: &teacher {{teacher: dataset}}
  bridge: {{<<: *teacher, max_tokens: 24}}
  critique: {{<<: *teacher, max_tokens: 24}}
  sft: {{batch_size: 4, epochs: 1, validate_every: 4, max_length: 256, max_tokens: 24}}
  grpo: {{steps: 4, group_size: 4, prompts_per_step: 2, validate_every: 2, max_tokens: 24, warmup_steps: 1}}
"""


def problems(count: int, start: int = 0) -> list[dict[str, str]]:
    rng, rows = Random(start), []
    for i in range(start, start + count):
        a = (2, 2, 3, 7)[i % 4]
        b = (2, 3, 2, rng.randrange(5, 9))[i % 4]
        rows.append(
            {
                "question": f"Box {i} has {a} pens and gets {b} more. How many pens has it?",
                "answer": f"It has {a} + {b} = <<{a}+{b}={a + b}>>{a + b} pens.\n#### {a + b}",
            }
        )
    return rows


def data(folder: Path) -> Path:
    """The paper tasks' files, as far as they are asked for here."""
    for name, rows in {
        "gsm8k/train.jsonl": problems(32),
        "gsm8k_platinum/test.jsonl": problems(8, 100),
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        more = {"cleaning_status": "consensus"} if "platinum" in name else {}
        (folder / name).write_text("".join(json.dumps(row | more) + "\n" for row in rows))
    (folder / "svamp").mkdir()
    svamp = [
        {"ID": f"chal-{i}", "Body": f"There are {i} pens", "Question": "How many pens?", "Answer": float(i)}
        for i in range(1, 9)
    ]
    (folder / "svamp" / "SVAMP.json").write_text(json.dumps(svamp))
    return folder


def tokenizer(kind: str) -> Any:
    texts = [
        *SAYINGS,
        *(row[column] for row in problems(32) for column in row),
        "Solve. Answer: user assistant",
    ]
    made = build_tokenizer(texts, 1024)
    if kind == "qwen2":
        made.add_special_tokens({"additional_special_tokens": ["<|im_start|>"], "eos_token": "<|im_end|>"})
        made.chat_template = CHATML
    else:
        marks = ["<|start_header_id|>", "<|end_header_id|>"]
        made.add_special_tokens(
            {"additional_special_tokens": marks, "bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"}
        )
        made.chat_template = LLAMA3
    return made


def student(kind: str, folder: Path) -> Path:
    """A tiny model of the architecture, drawn at random and taught for some steps to say one of the two sayings."""
    from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

    words = tokenizer(kind)
    shape = {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": len(words),
        "max_position_embeddings": 1024,
        "initializer_range": 0.08,
        "tie_word_embeddings": True,
        "eos_token_id": words.eos_token_id,
        "pad_token_id": words.pad_token_id,
    }
    torch.manual_seed(0)
    if kind == "qwen2":
        model: Any = Qwen2ForCausalLM(Qwen2Config(**shape))
    else:
        model = LlamaForCausalLM(LlamaConfig(**shape, head_dim=16))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    rng, questions = Random(0), [row["question"] for row in problems(32)]
    for _ in range(100):
        rows = []
        for question in rng.sample(questions, 8):
            head = words.apply_chat_template(
                [{"role": "user", "content": question}], tokenize=False, add_generation_prompt=True
            )
            ids = words(head, add_special_tokens=False)["input_ids"]
            rows.append(
                (
                    ids,
                    [*words(rng.choice(SAYINGS), add_special_tokens=False)["input_ids"], words.eos_token_id],
                )
            )
        width = max(len(a) + len(b) for a, b in rows)
        ids = torch.tensor([[*a, *b, *[0] * (width - len(a) - len(b))] for a, b in rows])
        labels = torch.tensor([[*[-100] * len(a), *b, *[-100] * (width - len(a) - len(b))] for a, b in rows])
        model(input_ids=ids, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["qwen2", "llama"])
def test_stagewise_runs_whole_in_the_paper_profile(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SLMR_DATA", raising=False)
    (tmp_path / "tiny.yaml").write_text(OVERRIDES.format(student=student(kind, tmp_path / kind)))
    arguments = (
        "bench",
        "--profile",
        "tiny.yaml",
        "--method",
        "stagewise",
        "--data-dir",
        str(data(tmp_path / "data")),
    )
    monkeypatch.setenv("SLMR_DATA", "")
    assert slmr(*arguments) in (0, None)
    made: dict[str, list[Path]] = {}
    for path in tmp_path.glob("runs/*/artefacts/*-*"):
        made.setdefault(path.name.rpartition("-")[0], []).append(path)
    assert set(made) == {
        "pool",
        "probe",
        "partition",
        "teacher",
        "bridge",
        "sft",
        "consolidate",
        "grpo",
        "critique",
        "own_correct",
        "evaluate",
    }
    for path in made["sft"] + made["grpo"]:
        assert read_json(path / "model" / "config.json")["model_type"] == kind
    assert len(made["grpo"]) == 2 and any("mixed" in read_json(p / "stats.json")["groups"] for p in made["grpo"])
    assert read_rows(made["critique"][0] / "traces.parquet")
    (summary,) = tmp_path.glob("runs/*/summary.json")
    rows = read_json(summary)["rows"]
    assert {(row["method"], row["task"]) for row in rows} == {
        (method, task) for method in ("base", "stagewise") for task in ("gsm8k_platinum", "svamp")
    }
