"""GRPO on the consolidation set compared with stock `trl.GRPOTrainer` on the whole pool, by rollout tokens.

    python -m studies.consolidation --seeds 5 --out runs/consolidation

Each seed primes lab-llama by SFT on the pool's raw traces (with the lab profile's settings). Then (a) TRL's own
trainer samples and trains on the whole pool, (b) the same trainer samples with slmr's rollouts on the problems that
the primed student gets partly right. Learning rate, group size and prompts per step are the same, and so is the score:
strict accuracy on held-out problems of the validation split, two completions each at temperature 1 with the same
random draws at every point. Every seed is kept as JSON, so the same command resumes a stopped study. Prints Markdown
and writes a figure (HTML).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import trl_settings
from slmr.config import load_profile
from slmr.engines import Prompt
from slmr.engines.decode import Generation
from slmr.engines.models import resolve_model
from slmr.engines.transformers import encode, load_model, load_tokenizer
from slmr.io import digest, read_rows
from slmr.pipeline.planner import Planner
from slmr.pipeline.recipe import load_recipe, stages
from slmr.pipeline.worker import quiet_libraries
from slmr.stats import paired_difference
from slmr.tasks.registry import load_task
from slmr.verify import verify
from studies.artefacts import kept, made

SIDES = {"pool": "stock GRPOTrainer, whole pool", "consolidation": "slmr, consolidation set"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=80, help="of both sides")
    parser.add_argument("--every", type=int, default=5, help="steps between two points")
    parser.add_argument("--items", type=int, default=250, help="held-out problems")
    parser.add_argument("--learning-rate", type=float, help="of both sides; the lab profile's if left out")
    parser.add_argument("--resample", type=int, default=0, help="rounds in which slmr replaces groups without variance")
    parser.add_argument("--student", default="lab-llama")
    parser.add_argument("--out", type=Path, default=Path("runs/consolidation"))
    args = parser.parse_args()
    quiet_libraries()
    args.out.mkdir(parents=True, exist_ok=True)
    results = [seed_curves(seed, args) for seed in range(args.seeds)]
    print(report(results, args))
    figure(results).write_html(args.out / "curves.html", include_plotlyjs="cdn")


def seed_curves(seed: int, args: argparse.Namespace) -> dict[str, Any]:
    """Both learning curves of a seed, cached in its file."""
    settings = {"steps": args.steps, "every": args.every, "items": args.items, "student": args.student}
    settings |= {k: v for k, v in (("learning_rate", args.learning_rate), ("resample", args.resample)) if v}
    return kept(args.out / f"seed-{seed}.json", settings, lambda: measure(seed, args))


def measure(seed: int, args: argparse.Namespace) -> dict[str, Any]:
    """Primes the student and trains both variants."""
    primed, pool, chosen, probe_tokens = primed_student(seed, args)
    values: dict[str, Any] = {"probe_tokens": probe_tokens, "pool": len(pool), "set": len(chosen)}
    for side, problems in (("pool", pool), ("consolidation", chosen)):
        values[f"{side}_curve"] = learning_curve(side, primed, problems, seed, args)
    return values


def primed_student(seed: int, args: argparse.Namespace) -> tuple[Path, list[dict], list[dict], int]:
    """The SFT-primed student's folder, the pool, its consolidation set, and the tokens of probing for it."""
    profile, kinds, model = load_profile("lab"), stages(), resolve_model(args.student)
    planner = Planner(model, profile, seed)
    sft = planner.plan(load_recipe("sft"))
    pool = next(n for n in sft.stages() if n.kind == "pool")
    probe = planner.make(
        kinds["probe"],
        "probe",
        {**profile.stages["probe"], "adaptive": "mixed"},
        {"model": (sft,), "problems": (pool,)},
        "benchmark",
    )
    chosen = planner.make(
        kinds["consolidate"], "consolidate", {}, {"probe": (probe,), "problems": (pool,)}, "benchmark"
    )
    nodes = chosen.stages()
    store = made(nodes, profile, args.out / "stages")
    place = {n.label: n.output(store) for n in nodes}
    cost = store.manifest("probe", probe.key).cost.rollout_tokens
    problems = [read_rows(place[label] / "problems.parquet") for label in ("pool", "consolidate")]
    return place["sft"] / "model", problems[0], problems[1], cost


def learning_curve(side: str, primed: Path, problems: list[dict], seed: int, args: argparse.Namespace) -> list[dict]:
    """Points with the rollout tokens so far and each held-out problem's share of right completions."""
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import GRPOTrainer

    from slmr.training.grpo import GrpoParams
    from slmr.training.rollouts import GroupReward, Rollouts
    from slmr.training.trainer import seed_everything

    changes = {"learning_rate": args.learning_rate} if args.learning_rate else {}
    params = GrpoParams(**{**load_profile("lab").stages["grpo"], **changes, "resample": args.resample})
    seed_everything(seed)
    model, tokenizer = load_model(primed, "cpu"), load_tokenizer(primed)
    scored, curve, lengths = HeldOut(model, tokenizer, args.items), [], []
    rollouts = None
    if side == "consolidation":
        rollouts = Rollouts(problems, params, GroupReward(params.group_size), seed)

    def add_point(step: int) -> None:
        # The count of slmr's rollouts includes the groups that were replaced.
        tokens = rollouts.tokens if rollouts else sum(lengths)
        curve.append({"step": step, "tokens": tokens, "scores": scored()})
        print(
            f"seed {seed}, {side}: {step} steps, {tokens} tokens, {np.mean(curve[-1]['scores']):.3f}",
            flush=True,
        )

    add_point(0)
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=[strict_reward(lengths)],
        args=trainer_config(params, seed, args),
        train_dataset=Dataset.from_list(conversations(problems)),
        processing_class=tokenizer,
        callbacks=[every_steps(args.every, add_point)],
        rollout_func=rollouts,
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return curve


def strict_reward(lengths: list[int]) -> Callable[..., list[float | None]]:
    """TRL's reward function for strictly right answers; appends each batch's number of tokens to `lengths`."""

    def reward(
        completions: list[Any], gold: list[str], kind: list[Any], completion_ids: list[Any], **_: Any
    ) -> list[float | None]:
        lengths.append(sum(map(len, completion_ids)))
        texts = [completion[0]["content"] for completion in completions]
        return [float(verify(*each).strict) for each in zip(texts, gold, kind, strict=True)]

    return reward


def every_steps(every: int, act: Callable[[int], None]) -> Any:
    """A trainer callback that calls `act` with the step, once in so many steps."""
    from transformers import TrainerCallback

    class Every(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.global_step % every == 0:
                act(state.global_step)

    return Every()


def conversations(problems: list[dict]) -> list[dict]:
    """The problems as TRL's trainer takes them."""
    return [
        {"prompt": [{"role": "user", "content": p["prompt"]}], "gold": p["gold"], "kind": p["kind"]} for p in problems
    ]


def trainer_config(params: Any, seed: int, args: argparse.Namespace) -> Any:
    """TRL's settings of both variants, which are those of the lab profile's GRPO."""
    from trl import GRPOConfig

    return GRPOConfig(
        **trl_settings.alone(args.out / "trainer", seed),
        **trl_settings.grpo(params),
        max_steps=args.steps,
        logging_steps=1000,
    )


class HeldOut:
    """Strict accuracy of a model in training on problems of the validation split, with fixed random draws."""

    def __init__(self, model: Any, tokenizer: Any, items: int) -> None:
        from slmr.engines import Sampling
        from slmr.engines.sampler import Sampler

        task = load_task("lab_gsm8k")
        self._items = task.items("validation", items)
        self._model, self._tokenizer, self._sampling = model, tokenizer, Sampling(1.0, 80, 0)
        self._prompts = [tuple(encode(tokenizer, Prompt(task.prompt(i.problem)))) for i in self._items]
        self._sampler = Sampler(model, tokenizer)

    def __call__(self) -> list[float]:
        """Each problem's share of two right completions."""
        rows = [
            Generation(2 * i + k, prompt, int(digest([i, k]), 16))
            for i, prompt in enumerate(self._prompts)
            for k in (0, 1)
        ]
        for _ in self._sampler.run(rows, self._sampling, 256):
            pass
        texts = self._tokenizer.batch_decode([row.ids for row in rows], skip_special_tokens=True)
        right = [
            verify(text, self._items[row.index // 2].gold, "numeric").strict
            for row, text in zip(rows, texts, strict=True)
        ]
        return [(right[2 * i] + right[2 * i + 1]) / 2 for i in range(len(self._items))]


def smoothed(curve: list[dict]) -> list[tuple[int, float]]:
    """Tokens and accuracy, where each point is averaged with up to two earlier ones to reduce noise."""
    means = [float(np.mean(point["scores"])) for point in curve]
    return [(point["tokens"], float(np.mean(means[max(0, i - 2) : i + 1]))) for i, point in enumerate(curve)]


def first_at(curve: list[tuple[int, float]], accuracy: float) -> float:
    """The tokens at which a curve first reaches the accuracy; infinite if it never does."""
    return next((float(tokens) for tokens, reached in curve if reached >= accuracy), np.inf)


def report(results: list[dict], args: argparse.Namespace) -> str:
    """One line per seed: the accuracy and tokens of the pool, and the tokens with which the set reaches the same."""
    columns = (
        "seed",
        "set",
        "primed",
        "pool: reached",
        "tokens",
        "pool: first there",
        "set: first there",
        "ratio",
        "probe included",
        "set: at half",
    )
    lines = [
        f"{args.student}, {len(results)} seeds, {args.steps} steps;"
        f" accuracy in percent on {args.items} held-out problems x 2.",
        "",
        f"| {' | '.join(columns)} |",
        "|" + "---:|" * len(columns),
    ]
    ratios, own, half_scores, final_scores = [], [], [], []
    for seed, values in enumerate(results):
        pool, ours = smoothed(values["pool_curve"]), smoothed(values["consolidation_curve"])
        spent, reached = pool[-1]
        needed, first = first_at(ours, reached), first_at(pool, reached)
        at_half = max(i for i, (tokens, _) in enumerate(ours) if tokens <= spent / 2)
        half_scores.append(values["consolidation_curve"][at_half]["scores"])
        final_scores.append(values["pool_curve"][-1]["scores"])
        ratios.append(needed / spent)
        own.append(first / spent)
        shares = [f"{tokens / spent:.2f}" for tokens in (needed, needed + values["probe_tokens"])]
        cells = (
            seed,
            f"{values['set']} of {values['pool']}",
            f"{100 * pool[0][1]:.1f}",
            f"{100 * reached:.1f}",
            f"{spent:,}",
            f"{first:,.0f}",
            f"{needed:,.0f}",
            *shares,
            f"{100 * ours[at_half][1]:.1f}",
        )
        lines.append(f"| {' | '.join(map(str, cells))} |")
    d = paired_difference(np.array(half_scores).T, np.array(final_scores).T)
    lines += [
        "",
        f"Median ratio {np.median(ratios):.2f} (probe's tokens left out; the pool's own {np.median(own):.2f})."
        f" At half of the pool's tokens the set is {100 * d.mean:+.1f} points ({100 * d.low:+.1f} to"
        f" {100 * d.high:+.1f}, paired by item) from the pool's end.",
    ]
    return "\n".join(lines)


def figure(results: list[dict]) -> Any:
    """Accuracy against rollout tokens: thin lines for seeds, a thick line for the mean by step."""
    import plotly.graph_objects as go

    drawing = go.Figure()
    for side, colour in zip(SIDES, ("#D55E00", "#0072B2"), strict=True):
        curves = [smoothed(values[f"{side}_curve"]) for values in results]
        for curve in curves:
            drawing.add_scatter(
                x=[t for t, _ in curve],
                y=[100 * v for _, v in curve],
                mode="lines",
                opacity=0.35,
                line={"color": colour, "width": 1},
                showlegend=False,
            )
        mean = np.mean(np.array(curves), axis=0)
        drawing.add_scatter(
            x=mean[:, 0],
            y=100 * mean[:, 1],
            mode="lines",
            name=SIDES[side],
            line={"color": colour, "width": 3},
        )
    return drawing.update_layout(
        title="GRPO from the same primed students: held-out accuracy by rollout tokens",
        xaxis_title="rollout tokens (probe left out)",
        yaxis_title="strict accuracy, percent",
        template="plotly_white",
    )


if __name__ == "__main__":
    main()
