"""Compares a training stage with a script that does the same with TRL alone, alternating in the same run.

    python benchmarks/training.py                        # lab-llama: SFT and GRPO
    python benchmarks/training.py --model smollm2 -n 1   # two steps of a real model
    python benchmarks/training.py --memory               # SmolLM2, SFT at 512 tokens: peak memory

Both load the model, train with the same settings, and save it. The script passes the problems and traces to TRL as
its documentation says, and uses `slmr.rewards` for GRPO; the stage adds its order of batches, its sampler, the curve
and the checkpoints. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trl_settings
from ratios import Ratio, in_turns, seconds_of, table

from slmr.cli.display import BenchDisplay
from slmr.config import Profile, load_profile
from slmr.engines.models import resolve_model
from slmr.engines.transformers import load_model, load_tokenizer
from slmr.io import read_rows, write_rows
from slmr.pipeline.executors import run_stages
from slmr.pipeline.planner import Planner, StageNode
from slmr.pipeline.recipe import load_recipe, stages
from slmr.pipeline.runner import Execution
from slmr.pipeline.worker import quiet_libraries
from slmr.stage import StageContext

# Changes to the profile, so that a training takes only seconds.
SIZES: dict[str, dict[str, Any]] = {
    "lab": {"sft": {"epochs": 1.0}, "grpo": {"steps": 6, "warmup_steps": 1}},
    "smollm2": {
        "sft": {"epochs": 1.0, "batch_size": 4, "learning_rate": 2e-5},
        "grpo": {"steps": 1, "prompts_per_step": 1, "group_size": 4, "max_tokens": 48},
    },
}
LONG = {"epochs": 1.0, "batch_size": 2, "max_length": 512, "learning_rate": 2e-5}


@dataclass(frozen=True)
class Ready:
    """A stage that can be run repeatedly, and its input rows."""

    node: StageNode
    model: Path
    rows: list[dict[str, Any]]
    profile: Profile
    inputs: dict[str, list[Path | str]]

    def run(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            context = StageContext(Path(folder), self.inputs, 0, self.profile.engine, lambda *_: None)
            self.node.stage.run(context, self.node.params)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="lab-llama")
    parser.add_argument("-n", type=int, default=3, help="rounds of each, in turns, after one warm-up of each")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--one", choices=["slmr", "trl"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(peak(args.one)))
    else:
        print(table(memory() if args.memory else ratios(args.n, args.model)))


def ratios(n: int = 3, model: str = "lab-llama") -> list[Ratio]:
    """The SFT and the GRPO stage."""
    quiet_libraries()
    ratios = []
    with tempfile.TemporaryDirectory() as place:
        for method, script in (("sft", trl_sft), ("grpo", trl_grpo)):
            ready = prepare(method, model, Path(place))
            with tempfile.TemporaryDirectory() as out:
                pairs = in_turns(
                    lambda r=ready: seconds_of(r.run),
                    lambda r=ready, s=script, o=out: seconds_of(lambda: s(r, Path(o))),
                    n,
                )
            ratios.append(Ratio(f"{method}_{model}", f"{method} stage, {model}", "TRL alone", pairs))
    return ratios


def memory() -> list[Ratio]:
    """The peak memory of both in separate processes, with SmolLM2 on rows of 512 tokens."""
    sides = [
        json.loads(
            subprocess.run(
                [sys.executable, __file__, "--one", side], capture_output=True, text=True, check=True
            ).stdout.splitlines()[-1]
        )
        for side in ("slmr", "trl")
    ]
    what = "SFT of SmolLM2-135M at 512 tokens, batch 2: memory at its most"
    return [Ratio("sft_memory", what, "TRL alone", (tuple(sides),), "MB")]


def peak(side: str) -> float:
    """This process's peak memory in megabytes after two steps at full length."""
    import resource

    quiet_libraries()
    with tempfile.TemporaryDirectory() as place:
        ready = long_rows(Path(place))
        ready.run() if side == "slmr" else trl_sft(ready, Path(place) / "out")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def prepare(method: str, model: str, place: Path) -> Ready:
    """The training stage of a method, after running its inputs, and the rows that it trains on."""
    profile = load_profile("lab")
    sizes = SIZES["lab" if model.startswith("lab") else model]
    off = {"validate_every": 0, "keep": "last"}
    values = {kind: {**profile.stages.get(kind, {}), **sizes.get(kind, {})} for kind in profile.stages}
    values |= {kind: values[kind] | off for kind in ("sft", "grpo")}
    values["pool"] = values["pool"] | ({} if model.startswith("lab") else {"size": 8})
    student = resolve_model(model)
    profile = profile.model_copy(update={"stages": values, "tuned": {}, "budget": None})
    planner = Planner(student, profile, 0)
    node = planner.plan(load_recipe(method)).stages()[-1]
    with BenchDisplay() as display:
        execution = Execution(place / "artefacts", tuple(node.stages()[:-1]), profile)
        run_stages(execution, display)
    inputs = {name: [n.output(execution.store) for n in nodes] for name, nodes in node.inputs.items()}
    last = inputs["traces" if method == "sft" else "problems"][0]
    rows = read_rows(Path(last) / ("traces.parquet" if method == "sft" else "problems.parquet"))
    return Ready(node, Path(student.location), rows, profile, inputs)


def long_rows(place: Path) -> Ready:
    """SFT on eight traces that fill 512 tokens."""
    student, profile = resolve_model("smollm2"), load_profile("lab")
    planner = Planner(student, profile, 0)
    write_rows(
        place / "traces.parquet",
        [
            {
                "problem_id": str(i),
                "prompt": "Count.",
                "prefix": "",
                "source": "long",
                "completion": " ".join(str(n % 10) for n in range(i, i + 230)),
            }
            for i in range(8)
        ],
    )
    node = planner.make(stages()["sft"], "sft", LONG, {}, "benchmark")
    inputs: dict[str, list[Path | str]] = {"model": [student.location], "traces": [place]}
    return Ready(node, Path(student.location), read_rows(place / "traces.parquet"), profile, inputs)


def plain_settings(out: Path) -> dict[str, Any]:
    """The settings of both scripts, with a log row per step, as in the stage."""
    return {**trl_settings.alone(out, 0), "gradient_checkpointing": False, "logging_steps": 1}


def trl_sft(ready: Ready, out: Path) -> None:
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import SFTConfig, SFTTrainer

    params: Any = ready.node.params
    rows = [
        {
            "prompt": [{"role": "user", "content": r["prompt"]}],
            "completion": [{"role": "assistant", "content": r["completion"]}],
        }
        for r in ready.rows
    ]
    config = SFTConfig(
        **plain_settings(out),
        per_device_train_batch_size=params.batch_size,
        learning_rate=params.learning_rate,
        max_steps=round(len(rows) * params.epochs / params.batch_size),
        max_length=params.max_length,
        warmup_steps=params.warmup_share,
        lr_scheduler_type="cosine",
    )
    trainer = SFTTrainer(
        model=load_model(ready.model, "cpu"),
        args=config,
        train_dataset=Dataset.from_list(rows),
        processing_class=load_tokenizer(ready.model),
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    trainer.save_model(str(out / "model"))


def trl_grpo(ready: Ready, out: Path) -> None:
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import GRPOConfig, GRPOTrainer

    from slmr.rewards import reward

    params: Any = ready.node.params
    rows = [{"prompt": [{"role": "user", "content": r["prompt"]}], "gold": r["gold"]} for r in ready.rows]
    config = GRPOConfig(**plain_settings(out), **trl_settings.grpo(params), max_steps=params.steps)
    trainer = GRPOTrainer(
        model=load_model(ready.model, "cpu"),
        reward_funcs=[reward("numeric")],
        args=config,
        train_dataset=Dataset.from_list(rows),
        processing_class=load_tokenizer(ready.model),
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    trainer.save_model(str(out / "model"))


if __name__ == "__main__":
    main()
