"""Measures how much of a quick bench's time is spent inside the models' arithmetic, and on what else. Prints Markdown.

    python benchmarks/arithmetic.py --out DIR                          # minutes; nothing else should run meanwhile
    python benchmarks/arithmetic.py --out DIR --checkout ../before     # then the same of an earlier version
    python benchmarks/arithmetic.py --raw DIR/arithmetic.raw           # classifies a profile that is there

It needs py-spy (`pip install py-spy`, or --py-spy PATH), which samples the stacks of all of the bench's processes; they
stay in DIR. A sample is arithmetic if any function of its stack is: a module's forward, backward, the optimizer and the
clipping of gradients, a loss, drawing tokens from logits, or the cache of keys and values. Any other belongs to the
first cause of `CAUSES` that has a part of its stack. Samples of threads that only wait do not count.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
METHODS = "sft,grpo,sft_grpo,stagewise,gkd,dpo,star"
RATE = 50  # samples a second

# Each is searched in the functions of a stack, such as `pick (slmr/engines/draws.py:61)`, from the outermost on.
ARITHMETIC = re.compile(
    r"_call_impl \(torch/nn/modules/module\.py|\(torch/autograd/|\(torch/optim/|clip_grad"
    r"|compute_loss \(|\(trl/kernels/|\(slmr/engines/(draws|scoring|slots)\.py"
)
CAUSES = {
    "lm-eval's check": r"lm_eval_pass|confirmation\.py",
    "imports": r"<frozen importlib",
    "drawing lab items": r"\(slmr/lab/(?!solution|sound)",
    "garbage collections": r"clear_device_cache|release \(slmr/engines/memory|set_libraries_aside",
    "tokens and templates": r"tokeniz|\(slmr/engines/chat\.py|encode \(|\(jinja2/",
    "checkers and rewards": r"\(slmr/(verify|rewards|evaluate/metrics|lab)",
    "loading and saving models": r"load_model|load_tokenizer|from_pretrained|save_pretrained|slots_are_right",
    "files and tables": r"\(slmr/(io|artifacts)\.py|\(pyarrow/|\(datasets/",
    "the trainers' own work": r"\(transformers/trainer|\(trl/|\(accelerate/|\(slmr/training/",
    "the sampling loop": r"\(slmr/engines/|\(slmr/evaluate/",
    "plan, tables and display": r"\(slmr/(cli|pipeline|results|stats)",
}
_PATTERNS = {cause: re.compile(pattern) for cause, pattern in CAUSES.items()}
_REST = "the rest"
_WAITS = re.compile(r"\((threading|queue|selectors|subprocess|tqdm/_monitor)\.py|_worker \(concurrent/futures")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="where the runs and the profiles go")
    parser.add_argument("--method", default=METHODS)
    parser.add_argument("--profile", default="lab-quick")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--checkout", type=Path, metavar="DIR", help="of an earlier version")
    parser.add_argument("--py-spy", default="py-spy", metavar="PATH")
    parser.add_argument("--raw", type=Path, nargs="+", help="classify these profiles; run nothing")
    args = parser.parse_args()
    if not args.raw and not args.out:
        parser.error("--out or --raw is needed")
    raws = args.raw or profiles(args)
    print(table({raw.stem: shares(raw.read_text(encoding="utf-8").splitlines()) for raw in raws}))


def profiles(args: argparse.Namespace) -> list[Path]:
    """Profiles of a bench of this version and, if there is one, of the checkout's."""
    checkouts = {"arithmetic": HERE, **({"before": args.checkout.resolve()} if args.checkout else {})}
    return [profile(name, checkout, args) for name, checkout in checkouts.items()]


def profile(name: str, checkout: Path, args: argparse.Namespace) -> Path:
    """Runs a bench of a checkout from scratch under the profiler, one stage at a time; returns the stacks' file."""
    out = args.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    raw = out / f"{name}.raw"
    runs = out / f"runs-{name}"
    if runs.exists():
        raise SystemExit(f"{runs} exists: name another --out")
    options = ["--jobs", "1"] if "--jobs" in bench_help(checkout) else []
    command = [
        args.py_spy,
        "record",
        "--subprocesses",
        "--rate",
        str(RATE),
        "--format",
        "raw",
        "-o",
        str(raw),
        "--",
        sys.executable,
        "-m",
        "slmr.cli",
        "bench",
        "--method",
        args.method,
        "--profile",
        args.profile,
        "--out",
        str(runs),
        *options,
        *(["--limit", str(args.limit)] if args.limit else []),
    ]
    try:
        done = subprocess.run(command, cwd=checkout, env=environment(checkout), stdout=subprocess.DEVNULL)
    except FileNotFoundError:
        raise SystemExit(f"{args.py_spy} is not installed: pip install py-spy") from None
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}")
    return raw


def bench_help(checkout: Path) -> str:
    """What a checkout's `slmr bench --help` prints; earlier versions have no --jobs and use one process anyway."""
    command = [sys.executable, "-m", "slmr.cli", "bench", "--help"]
    return subprocess.run(
        command, cwd=checkout, env=environment(checkout), capture_output=True, text=True, check=True
    ).stdout


def environment(checkout: Path) -> dict[str, str]:
    """The checkout's own package comes first, and a stage has one thread in every version."""
    return {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}


def shares(lines: list[str]) -> Counter[str]:
    """Samples of arithmetic and of each cause; a line is a stack, outermost function first, and its samples."""
    samples: Counter[str] = Counter()
    for line in lines:
        stack, _, count = line.rpartition(" ")
        if kind := kind_of(stack):
            samples[kind] += int(count)
    return samples


def kind_of(stack: str) -> str | None:
    """`arithmetic` or a cause; None for a thread that only waits."""
    if _WAITS.search(stack.rpartition(";")[2]):
        return None
    if ARITHMETIC.search(stack):
        return "arithmetic"
    return next((cause for cause, pattern in _PATTERNS.items() if pattern.search(stack)), _REST)


def table(profiles: dict[str, Counter[str]]) -> str:
    """Shares in percent, a column for each profile; the causes are sorted by the first one's."""
    first = next(iter(profiles.values()))
    causes = sorted(
        {kind for samples in profiles.values() for kind in samples} - {"arithmetic"}, key=lambda c: -first[c]
    )
    rows = [f"| % of the samples | {' | '.join(profiles)} |", f"|---|{'---:|' * len(profiles)}"]
    for kind in ("arithmetic", "outside", *causes):
        cells = []
        for samples in profiles.values():
            count = samples.total() - samples["arithmetic"] if kind == "outside" else samples[kind]
            cells.append(f"{100 * count / samples.total():.1f}")
        name = kind if kind in ("arithmetic", "outside") else f"– {kind}"
        rows.append(f"| {name} | {' | '.join(cells)} |")
    rows.append(f"| samples | {' | '.join(f'{samples.total():,}' for samples in profiles.values())} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
