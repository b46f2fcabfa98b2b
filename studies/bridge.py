"""The mechanism of Bridge: SFT on bridged hard traces compared with SFT on the raw ones, on held-out hard problems.

    python -m studies.bridge --seeds 5 --out runs/bridge

Each seed probes the lab profile's pool with lab-llama and takes the hard group. Then the same student learns from the
raw traces, from the bridged ones, and from those that Bridge makes without worked solutions, on about the same number
of tokens (the number of steps that comes nearest to the raw variant's tokens). Models are scored on problems of the
validation split of which the untrained student gets less than a quarter of eight draws right, with four completions
each at temperature 1 and the same random draws. Every seed is kept as JSON, so the same command resumes a stopped
study. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from slmr.config import EngineSettings, load_profile
from slmr.engines import Prompt, Sampling
from slmr.engines.models import resolve_model
from slmr.engines.transformers import TransformersEngine, load_tokenizer
from slmr.io import read_json, read_rows
from slmr.pipeline.planner import Planner, StudentNode
from slmr.pipeline.recipe import stages
from slmr.pipeline.worker import quiet_libraries
from slmr.stats import paired_difference
from slmr.tasks import Item
from slmr.tasks.registry import load_task
from slmr.training.sft import tokenize
from slmr.training.supervised import batch_order
from slmr.verify import verify
from studies.artefacts import kept, made

ALONE = ["smaller steps", "own completion", "own continuation"]  # the rewrites that need no worked solution
SIDES = {"raw": None, "bridged": {}, "bridged, no worked": {"rewrites": ALONE}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--student", default="lab-llama")
    parser.add_argument("--tried", type=int, default=1200, help="validation problems tried for hard ones")
    parser.add_argument("--pool", type=int, default=800, help="training problems that are probed")
    parser.add_argument("--epochs", type=float, default=3.0, help="over the raw traces")
    parser.add_argument("--batch-size", type=int, default=8, help="small, so that tokens can be matched")
    parser.add_argument("--out", type=Path, default=Path("runs/bridge"))
    args = parser.parse_args()
    quiet_libraries()
    args.out.mkdir(parents=True, exist_ok=True)
    items = hard_items(args)
    print(report([one_seed(seed, items, args) for seed in range(args.seeds)], len(items), args))


def hard_items(args: argparse.Namespace) -> list[Item]:
    """Validation problems that the untrained student gets right in less than a quarter of eight draws."""
    items = load_task("lab_gsm8k").items("validation", args.tried)
    file = args.out / "hard.json"
    if not file.is_file():
        right = scores(Path(str(resolve_model(args.student).location)), items, 8, seed=1)
        file.write_text(json.dumps([item.id for item, share in zip(items, right, strict=True) if share < 0.25]))
    wanted = set(json.loads(file.read_text()))
    return [item for item in items if item.id in wanted]


def scores(model: Path, items: list[Item], k: int, seed: int = 0) -> list[float]:
    """Each item's share of right completions among `k` at temperature 1."""
    engine = TransformersEngine(model, EngineSettings(device="cpu", batch_size=256))
    task = load_task("lab_gsm8k")
    prompts = [Prompt(task.prompt(item.problem), sample_index=n) for item in items for n in range(k)]
    texts = [completion.text for completion in engine.generate(prompts, Sampling(1.0, 80, seed))]
    right = [verify(text, items[i // k].gold, "numeric").strict for i, text in enumerate(texts)]
    return np.array(right, dtype=float).reshape(len(items), k).mean(axis=1).tolist()


def one_seed(seed: int, items: list[Item], args: argparse.Namespace) -> dict[str, Any]:
    """The scores and training data of each variant, cached in the seed's file."""
    settings = {
        "student": args.student,
        "tried": args.tried,
        "pool": args.pool,
        "epochs": args.epochs,
        "batch": args.batch_size,
    }
    return kept(args.out / f"seed-{seed}.json", settings, lambda: measure(seed, items, args))


def measure(seed: int, items: list[Item], args: argparse.Namespace) -> dict[str, Any]:
    """Trains each variant on as many tokens as the raw one, and scores it."""
    profile, kinds, model = load_profile("lab"), stages(), resolve_model(args.student)
    planner = Planner(model, profile, seed)
    student = StudentNode(model.key, "student", model.location)
    make = lambda kind, label, values, **inputs: planner.make(  # noqa: E731
        kinds[kind],
        label,
        {**profile.stages.get(kind, {}), **values},
        {name: (node,) if node else () for name, node in inputs.items()},
        "benchmark",
    )
    pool = make("pool", "pool", {"size": args.pool})
    probe = make("probe", "probe", {}, model=student, problems=pool)
    groups = make("partition", "partition", {}, probe=probe, before=None)
    sources = {
        side: make("teacher", side, {"groups": ["hard"]}, problems=pool, partition=groups, model=student)
        if values is None
        else make("bridge", side, values, model=student, problems=pool, partition=groups, probe=probe)
        for side, values in SIDES.items()
    }
    store = made([pool, probe, groups, *sources.values()], profile, args.out / "stages")
    folders = {side: node.output(store) for side, node in sources.items()}
    sizes = {side: lengths(Path(str(model.location)), folder) for side, folder in folders.items()}
    target = trained(sizes["raw"], round(len(sizes["raw"]) * args.epochs / args.batch_size), seed, args)[-1]
    results: dict[str, Any] = {"untrained": scores(Path(str(model.location)), items, 4)}
    for side, node in sources.items():
        reached = trained(sizes[side], 2 * round(target / np.mean(sizes[side]) / args.batch_size), seed, args)
        steps = 1 + int(np.argmin([abs(tokens - target) for tokens in reached]))
        values = {
            "epochs": steps * args.batch_size / len(sizes[side]),
            "batch_size": args.batch_size,
            "validate_every": 0,
            "keep": "last",
        }
        sft = make("sft", f"sft, {side}", values, model=student, traces=node, validation=None)
        store = made([sft], profile, args.out / "stages")
        place = store.path("sft", sft.key)
        results[side] = {
            "scores": scores(place / "model", items, 4),
            "tokens": store.manifest("sft", sft.key).cost.train_tokens,
            "stats": read_json(folders[side] / "stats.json"),
        }
    return results


def lengths(student: Path, folder: Path) -> list[int]:
    """Tokens of each trace of an artefact, including prompts."""
    rows = tokenize(load_tokenizer(student), read_rows(folder / "traces.parquet"), 512)
    return [len(row["input_ids"]) for row in rows]


def trained(sizes: list[int], steps: int, seed: int, args: argparse.Namespace) -> list[int]:
    """Tokens that the SFT stage has trained on after each of `steps` steps (at least one)."""
    order = batch_order(sizes, max(1, steps), args.batch_size, seed)
    return list(accumulate(sizes[i] for i in order))[args.batch_size - 1 :: args.batch_size]


def report(results: list[dict[str, Any]], items: int, args: argparse.Namespace) -> str:
    """A table of every variant's score, its difference from raw, and the statistics of Bridge."""
    stack = lambda side: np.array([f[side]["scores"] for f in results]).T  # noqa: E731
    untrained = 100 * np.mean([f["untrained"] for f in results])
    apart = 100 * max(abs(f[side]["tokens"] / f["raw"]["tokens"] - 1) for f in results for side in SIDES)
    lines = [
        f"{args.student}, {len(results)} seeds, {items} held-out hard problems x 4; untrained {untrained:.1f} %."
        f" Trained tokens of a seed differ by at most {apart:.1f} %.",
        "",
        "| SFT on hard traces | accuracy | by seed | trained tokens | minus raw (95 %) | NLL | spikes | kept raw |"
        " from worked |",
        "|---|---:|---|---:|---:|---:|---:|---:|---:|",
    ]
    for side in SIDES:
        by_seed = ", ".join(f"{100 * np.mean(f[side]['scores']):.1f}" for f in results)
        mean = lambda key, side=side: np.mean([f[side]["stats"].get(key, np.nan) for f in results])  # noqa: E731
        d = paired_difference(stack(side), stack("raw"))
        shown = "" if side == "raw" else f"{100 * d.mean:+.1f} ({100 * d.low:+.1f} to {100 * d.high:+.1f})"
        nll, spikes = ("nll_after", "spikes_after") if side != "raw" else ("nll_before", "spikes_before")
        of = side if side != "raw" else "bridged"
        scored = [np.mean([f[of]["stats"][key] for f in results]) for key in (nll, spikes)]
        counts = (
            ["", ""]
            if side == "raw"
            else [f"{mean('kept_raw'):.0f} of {mean('problems'):.0f}", f"{mean('from_worked'):.0f}"]
        )
        spent = np.mean([f[side]["tokens"] for f in results])
        lines.append(
            f"| {side} | {100 * stack(side).mean():.1f} | {by_seed} | {spent:,.0f} | {shown} |"
            f" {scored[0]:.3f} |"
            f" {scored[1]:.2%} | {' | '.join(counts)} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
