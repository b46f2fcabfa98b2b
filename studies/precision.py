"""Cost and effect of an SFT step of SmolLM2 with all weights in float32, adapters, and bfloat16 (profile smol).

    SLMR_DATA=my/data python -m studies.precision            # all weights and adapters, then bfloat16

Every variant trains on the same batches of the profile's traces, in a separate process, and is measured by the loss on
held-out traces. Prints Markdown. On a processor without bfloat16 that variant is slow: `--only` selects variants,
`--steps` the number of steps.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

from slmr.config import LoraSettings, TrainingSettings, load_profile
from slmr.engines import Prompt, open_engine
from slmr.engines.models import resolve_model
from slmr.io import read_rows, write_rows
from slmr.pipeline.planner import Planner
from slmr.pipeline.recipe import load_recipe, stages
from slmr.pipeline.worker import quiet_libraries
from slmr.stage import StageContext, model_in
from studies.artefacts import made

HELD_OUT = 16


@dataclass(frozen=True)
class Variant:
    """The weights' precision, and which are trained. Adapters need about ten times the learning rate."""

    what: str
    dtype: Literal["float32", "bfloat16"] = "float32"
    lora: bool = False
    rate: float = 1.0

    def training(self) -> TrainingSettings:
        return TrainingSettings(lora=LoraSettings() if self.lora else None)


VARIANTS = {
    "full": Variant("all weights, float32"),
    "lora": Variant("adapters of rank 16, float32", lora=True),
    "lora10": Variant("adapters of rank 16, float32, ten times the rate", lora=True, rate=10.0),
    "bf16": Variant("all weights, bfloat16 passes", "bfloat16"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--only", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        name, place = args.one
        print(json.dumps(measure(VARIANTS[name], Path(place), args.steps)))
        return
    print("| | a step, s | memory at its most, GB | loss of held-out traces before | after |")
    print("|---|---:|---:|---:|---:|", flush=True)
    with tempfile.TemporaryDirectory() as place:
        prepare(Path(place))
        for name in args.only:
            command = [
                sys.executable,
                "-m",
                "studies.precision",
                "--one",
                name,
                place,
                "--steps",
                str(args.steps),
            ]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            figures = json.loads(done.stdout.splitlines()[-1])
            print(
                f"| {VARIANTS[name].what} | {figures['step']:.1f} | {figures['memory']:.1f} | {figures['before']:.3f} |"
                f" {figures['after']:.3f} |",
                flush=True,
            )


def prepare(place: Path) -> None:
    """Writes the profile's teacher traces: `traces.parquet` for training and `held_out.parquet`."""
    profile, student = load_profile("smol"), resolve_model("smollm2")
    planner = Planner(student, profile, 0)
    (teacher,) = planner.plan(load_recipe("sft")).stages()[-1].inputs["traces"]
    store = made(teacher.stages(), profile, place / "store")
    rows = read_rows(store.path("teacher", teacher.key) / "traces.parquet")
    write_rows(place / "traces.parquet", rows[:-HELD_OUT])
    write_rows(place / "held_out.parquet", rows[-HELD_OUT:])


def measure(variant: Variant, place: Path, steps: int) -> dict[str, float]:
    """Seconds per step (median, without the first), gigabytes, and the held-out loss in nats per token."""
    quiet_libraries()
    profile, student = load_profile("smol"), resolve_model("smollm2")
    defaults: dict[str, Any] = profile.stages["sft"]
    rows = len(read_rows(place / "traces.parquet"))
    params = defaults | {
        "epochs": steps * defaults["batch_size"] / rows,
        "learning_rate": defaults["learning_rate"] * variant.rate,
    }
    planner = Planner(student, profile, 0)
    node = planner.make(stages()["sft"], "sft", params, {}, "benchmark")
    ends = []
    with tempfile.TemporaryDirectory() as folder:
        context = StageContext(
            Path(folder),
            {"model": [student.location], "traces": [place]},
            0,
            profile.engine.model_copy(update={"dtype": variant.dtype}),
            lambda *_: ends.append(time.perf_counter()),
            training=variant.training(),
        )
        node.stage.run(context, node.params)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        after = loss(model_in(Path(folder)), place)
    return {
        "step": median(b - a for a, b in zip(ends, ends[1:], strict=False)),
        "memory": memory,
        "before": loss(Path(student.location), place),
        "after": after,
    }


def loss(model: Path, place: Path) -> float:
    """The loss on the held-out traces, computed in float32 for every variant."""
    engine = open_engine(model, load_profile("smol").engine)
    rows = read_rows(place / "held_out.parquet")
    nlls = engine.token_nlls([Prompt(row["prompt"]) for row in rows], [row["completion"] for row in rows])
    engine.close()
    return sum(map(sum, nlls)) / sum(map(len, nlls))


if __name__ == "__main__":
    main()
