"""Measures how well the figures of `slmr preflight` predict the gain of a training.

    python -m studies.preflight --out runs/preflight             # trains the missing models, then reports
    python -m studies.preflight --out runs/preflight --only-tell # only reports
    python -m studies.preflight results/lab-quick --out runs/preflight
    python -m studies.preflight --out runs/preflight --only-tell --rules slmr/pipeline/forecast.yaml

A pair is a student and a training pool. The pools differ in the levels and the number of their problems, and each pair
has its own seed, and so its own problems. For each pair it compares preflight's figures for the untrained student with
the change of accuracy on the pool's task by `grpo`, `sft` and `sft_worked` with profile lab-quick. Folders on the
command line are other runs with rows of these methods. Runs are kept, so that the same command resumes a stopped study.

The predictors were fixed before any result was seen: the share of mixed groups for the gain of GRPO, the share of
problems without a right completion of 8 for the gain of SFT. A predictor is better than the mean if a line through the
other pairs predicts a pair's gain with a smaller root mean square error than their mean does, and if the interval of
the rank correlation excludes 0.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml

from slmr.cli.display import BenchDisplay
from slmr.config import load_profile
from slmr.errors import WorkError
from slmr.pipeline.bench import BenchRequest, make_plan, run_bench
from slmr.pipeline.forecast import Figure, Rule
from slmr.pipeline.preflight import PreflightRequest, Signal, read_signal
from slmr.results.runs.method_results import MethodResult, run_results
from slmr.results.runs.paired_scores import difference, pair_scores
from studies.artefacts import kept

ENOUGH = 12  # pairs of a student and a pool that a rule needs
METHODS = ("grpo", "sft", "sft_worked")
STUDENTS = ("lab-llama", "lab-qwen")
# Levels and number of problems, in the order of training.
POOLS: dict[str, dict[str, Any]] = {
    "half-seen": {"levels": [3], "size": 200},
    "unseen": {"levels": [4], "size": 200},
    "mastered": {"levels": [1], "size": 200},
    "all": {"levels": [1, 2, 3, 4, 5], "size": 300},
    "composed": {"levels": [5], "size": 200},
    "no-half-seen": {"levels": [1, 2, 4, 5], "size": 200},
    "met": {"levels": [1, 2, 3], "size": 300},
    "beyond-mastered": {"levels": [3, 4, 5], "size": 300},
    "two-known": {"levels": [2], "size": 100},
    "half-and-unseen": {"levels": [3, 4], "size": 100},
    "mastered-and-half-seen": {"levels": [1, 3], "size": 100},
    "all-large": {"levels": [1, 2, 3, 4, 5], "size": 600},
}
# One task with all of its test items, and no second evaluation, because only the gain on the pool's task is studied.
SETTINGS = {
    "extends": "lab-quick",
    "tasks": "lab_gsm8k",
    "evaluate": {"limit": 600, "k": 2},
    "capability": None,
}


def figures_of(signal: Signal) -> dict[str, float]:
    """The possible predictors of a gain, as fractions."""
    return {
        "mixed groups": signal.mixed.mean,
        "pass@1": signal.pass_1.mean,
        f"pass@{signal.k}": signal.pass_k.mean,
        f"pass@{signal.k} - pass@1": signal.pass_k.mean - signal.pass_1.mean,
        f"unsolved in {signal.k}": 1 - signal.pass_k.mean,
    }


PREDICTORS = {"grpo": "mixed groups", "sft": "unsolved in 8", "sft_worked": "unsolved in 8"}
FIGURES: dict[str, Figure] = {"mixed groups": "mixed", "unsolved in 8": "unsolved"}


class Pair(NamedTuple):
    """A student and a pool: the figures before a method's training, its gain in points and half of the interval."""

    method: str
    student: str
    pool: str
    figures: dict[str, float]
    gain: float
    half: float
    correlation: float


def main() -> None:
    args = parse()
    args.out.mkdir(parents=True, exist_ok=True)
    runs = list(args.runs)
    for number, (pool, student) in enumerate((p, s) for p in POOLS for s in STUDENTS) if not runs else ():
        file = args.out / f"{pool}.yaml"
        file.write_text(yaml.safe_dump({**SETTINGS, "stages": {"pool": POOLS[pool]}}))
        folder = train(file, student, number + 1, args)
        if folder not in runs and (folder / "summary.json").is_file():
            runs.append(folder)
    pairs = [pair for run in runs for pair in pairs_of(run, args.out)]
    if args.rules:
        if len({(pair.student, pair.pool) for pair in pairs}) < ENOUGH:
            raise SystemExit(f"a rule takes at least {ENOUGH} pairs of a student and a pool")
        rules = [rule(method, [pair for pair in pairs if pair.method == method]) for method in PREDICTORS]
        write_rules(args.rules, rules)
    print(json.dumps([pair._asdict() for pair in pairs]) if args.json else "\n".join(report(pairs)))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", type=Path, help="folders of other runs, instead of these pools")
    parser.add_argument("--out", type=Path, default=Path("runs/preflight"))
    parser.add_argument("--only-tell", action="store_true", help="train nothing")
    parser.add_argument("--rules", type=Path, help="write there what preflight gives its verdicts by")
    parser.add_argument("--json", action="store_true", help="the pairs")
    return parser.parse_args()


def train(profile: Path, student: str, seed: int, args: argparse.Namespace) -> Path:
    """The run folder of a pool, in which missing methods are trained."""
    request = BenchRequest(",".join(METHODS), str(profile), (student,), (seed,), args.out)
    plan = make_plan(request)
    if not args.only_tell:
        try:
            with BenchDisplay() as display:
                run_bench(plan, display)
        except WorkError as fault:
            # On a pool without mixed groups GRPO collapses: the pair has its other methods.
            print(f"{profile.stem}, {student}: {fault}", file=sys.stderr)
    return plan.folder


def pairs_of(run: Path, out: Path) -> list[Pair]:
    """The pairs of every method, student and seed of a run, if the untrained student was evaluated, too."""
    results = run_results(run)
    base = {result.student: result for result in results if result.method == "base"}
    pairs = []
    for result in results:
        if result.method not in METHODS or result.student not in base:
            continue
        for seed in result.seeds:
            pairs.append(pair_of(result.of_seeds([seed]), base[result.student].of_seeds([seed]), seed, out))
    return pairs


def pair_of(method: MethodResult, base: MethodResult, seed: int, out: Path) -> Pair:
    name = profile_of(method)
    profile = load_profile(name)
    task = profile.stages["pool"]["task"]
    settings = {"student": method.student, "profile": Path(name).stem, "seed": seed}
    request = PreflightRequest(model=method.student, task=task, profile=name, seed=seed, out=out)
    seen = kept(
        out / f"{Path(name).stem}-{method.student}-{seed}.json",
        settings,
        lambda: {"figures": figures_of(read_signal(request, profile))},
    )
    both = pair_scores(task, method.scores[task], base.scores[task])
    gain = difference([both])
    after, before = (scores.scores[task].values.mean(axis=(0, 2)) for scores in (method, base))
    correlation = float(np.corrcoef(after, before)[0, 1])
    return Pair(
        method.method,
        method.student,
        Path(name).stem,
        seen["figures"],
        100 * gain.mean,
        100 * gain.half,
        correlation,
    )


def profile_of(method: MethodResult) -> str:
    """The profile in the command that reproduces a row."""
    words = shlex.split(method.first.command)
    return words[words.index("--profile") + 1]


# --- report --------------------------------------------------------------------------------------


def report(pairs: Sequence[Pair]) -> list[str]:
    """Two Markdown tables: the predictors' errors, and the pairs."""
    lines = [
        "| gain of | predicted by | pairs | rank correlation | error of a line | error of the mean |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for method, predictor in PREDICTORS.items():
        of = [pair for pair in pairs if pair.method == method]
        if len(of) < 4:  # a line through the others needs three
            lines.append(f"| {method} | {predictor} | {len(of)} | too few | | |")
            continue
        for name in [predictor, *(n for n in of[0].figures if n != predictor)]:
            x, y = np.array([p.figures[name] for p in of]), np.array([p.gain for p in of])
            low, high = bootstrap(x, y)
            label = f"**{name}**" if name == predictor else name
            lines.append(
                f"| {method} | {label} | {len(of)} | {spearman(x, y):.2f} ({low:.2f} to {high:.2f}) |"
                f" {left_out(x, y, line):.1f} | {left_out(x, y, mean):.1f} |"
            )
    lines += [
        "",
        "| student | pool | mixed | pass@1 | pass@8 | " + " | ".join(f"gain of {m}" for m in METHODS) + " |",
        "|---|---|---:|---:|---:|" + "---:|" * len(METHODS),
    ]
    for student, pool in dict.fromkeys((pair.student, pair.pool) for pair in pairs):
        of_pool = {p.method: p for p in pairs if (p.student, p.pool) == (student, pool)}
        figures = next(iter(of_pool.values())).figures
        cells = [f"{100 * figures[n]:.1f}" for n in ("mixed groups", "pass@1", "pass@8")]
        cells += [f"{of_pool[m].gain:+.1f} ± {of_pool[m].half:.1f}" if m in of_pool else "" for m in METHODS]
        lines.append(f"| {student} | {pool} | {' | '.join(cells)} |")
    lines.append("")
    lines += [
        f"Correlation of items' scores before and after {m}: median"
        f" {np.median([p.correlation for p in pairs if p.method == m]):.2f}"
        for m in METHODS
        if any(p.method == m for p in pairs)
    ]
    return lines


def rule(method: str, pairs: Sequence[Pair]) -> Rule:
    """A rule for preflight, with fractions rounded to four decimal places."""
    figure = PREDICTORS[method]
    x, y = np.array([p.figures[figure] for p in pairs]), np.array([p.gain / 100 for p in pairs])
    slope, start = np.polyfit(x, y, 1)
    low, high = bootstrap(x, y)
    numbers = {
        "slope": slope,
        "start": start,
        "error": left_out(x, y, line),
        "error_of_mean": left_out(x, y, mean),
        "rank": float(spearman(x, y)),
        "rank_low": low,
        "rank_high": high,
        "least": x.min(),
        "most": x.max(),
    }
    rounded = {name: round(float(number), 4) for name, number in numbers.items()}
    return Rule(method=method, figure=FIGURES[figure], pairs=len(pairs), **rounded)


def write_rules(file: Path, rules: Sequence[Rule]) -> None:
    """Replaces the rules in the file, keeping its head."""
    head = file.read_text().partition("\nrules:")[0] if file.is_file() else "# Made by studies/preflight.py"
    file.write_text(f"{head}\n" + yaml.safe_dump({"rules": [rule.model_dump() for rule in rules]}, sort_keys=False))


def spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The rank correlation of each row, [..., pairs] → [...]; NaN for a row of equal values."""
    from scipy.stats import rankdata

    ranks = [rankdata(values, axis=-1) for values in (x, y)]
    a, b = (rank - rank.mean(axis=-1, keepdims=True) for rank in ranks)
    with np.errstate(invalid="ignore"):
        return (a * b).sum(axis=-1) / np.sqrt((a**2).sum(axis=-1) * (b**2).sum(axis=-1))


def bootstrap(x: np.ndarray, y: np.ndarray, draws: int = 4000) -> tuple[float, float]:
    """The 95 % bootstrap interval of the rank correlation over pairs, ignoring draws of equal values."""
    rows = np.random.default_rng(0).integers(len(x), size=(draws, len(x)))
    low, high = np.nanquantile(spearman(x[rows], y[rows]), [0.025, 0.975])
    return float(low), float(high)


def line(x: np.ndarray, y: np.ndarray, at: float) -> float:
    slope, start = np.polyfit(x, y, 1)
    return float(start + slope * at)


def mean(x: np.ndarray, y: np.ndarray, at: float) -> float:
    return float(y.mean())


def left_out(x: np.ndarray, y: np.ndarray, predict: Any) -> float:
    """Root mean square error of predicting each pair from the others."""
    others = ~np.eye(len(x), dtype=bool)
    return float(np.sqrt(np.mean([(predict(x[o], y[o], x[i]) - y[i]) ** 2 for i, o in enumerate(others)])))


if __name__ == "__main__":
    sys.exit(main())
