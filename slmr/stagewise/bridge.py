"""Bridge: raw teacher traces of hard problems become traces that this student can learn.

How the paper rewrites is not known; this is our choice. Each candidate rewrite that verifies is scored
by the student: the mean token negative log-likelihood plus the share of tokens whose NLL is a spike.
The lowest score is kept; where no candidate beats the raw trace, the raw trace stays and is counted.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from slmr.engines import Engine, Prompt, open_engine
from slmr.stage import StageContext, stage
from slmr.stagewise.data import (
    TRACES,
    Row,
    counted,
    ids_in_groups,
    problems_by_id,
    rollouts_by_problem,
    trace,
)
from slmr.stagewise.steps import common_prefix, split_steps
from slmr.stagewise.teachers import Teacher, TeacherSettings, teacher_tokens
from slmr.store import Cost, write_rows
from slmr.tasks import strict_form
from slmr.verify import verify

SCORES = "scores.parquet"


class BridgeParams(TeacherSettings):
    """`spike_nats`: a token with a larger NLL is a spike; `spike_weight`: what a share of 1 adds to the score."""

    spike_nats: float = Field(default=4.0, gt=0)
    spike_weight: float = Field(default=1.0, ge=0)
    groups: tuple[str, ...] = ("hard",)


@stage(
    "bridge",
    BridgeParams,
    {"model": "one", "problems": "one", "partition": "one", "probe": "one"},
    random=False,
    uses_engine=True,
    version=2,
)
def bridge_stage(context: StageContext, params: BridgeParams) -> None:
    """Writes the kept trace of each hard problem, and every candidate's score in `scores.parquet`."""
    problems = problems_by_id(context.input("problems"))
    hard = [problems[i] for i in ids_in_groups(context.input("partition"), params.groups)]
    attempts = rollouts_by_problem(context.input("probe"))
    teacher = params.open(context.engine)
    model = context.model("model")
    candidates = [
        row for p in hard for row in propose(p, teacher, [a["completion"] for a in attempts[p["id"]]])
    ]
    score(candidates, open_engine(model, context.engine), params)
    chosen = [choose([c for c in candidates if c["problem_id"] == p["id"]]) for p in hard]
    write_rows(context.folder / SCORES, candidates)
    write_rows(
        context.folder / TRACES, [trace(problems[c["problem_id"]], c["text"], c["source"]) for c in chosen]
    )
    context.cost += Cost(teacher_tokens=teacher_tokens(teacher, model, [c["text"] for c in candidates]))
    context.stats |= _statistics(candidates, chosen)


def propose(problem: Row, teacher: Teacher, attempts: Sequence[str]) -> list[Row]:
    """The raw trace and every different rewrite, those that verify only; raw stands first."""
    (raw,) = teacher.raw_traces([problem])
    texts = {"raw": raw or "", **teacher.rewrites([problem], [raw or ""])[0]}
    texts["own prefix"] = own_prefix(problem, teacher, attempts)
    seen: dict[str, str] = {}
    for source, text in texts.items():
        seen.setdefault(text, source)
    return [
        {"problem_id": problem["id"], "prompt": problem["prompt"], "source": source, "text": text}
        for text, source in seen.items()
        if verify(text, problem["gold"], problem["kind"]).strict
    ]


def own_prefix(problem: Row, teacher: Teacher, attempts: Sequence[str]) -> str:
    """The longest right beginning among the student's attempts, continued by the teacher's steps."""
    steps = teacher.worked_steps([problem])[0] or []
    best: list[str] = []
    for attempt in attempts:
        own = split_steps(attempt)
        right = own[: common_prefix(own, steps)]
        best = max(best, right, key=len)
    return " ".join([*best, *steps[len(best) :], strict_form(problem["gold"], problem["kind"])])


def score(candidates: Sequence[Row], engine: Engine, params: BridgeParams) -> None:
    """Adds `nll` (mean, nats a token), `spikes` (share of tokens) and `score` to each candidate."""
    prompts = [Prompt(c["prompt"]) for c in candidates]
    for candidate, nlls in zip(
        candidates, engine.token_nlls(prompts, [c["text"] for c in candidates]), strict=True
    ):
        candidate["nll"] = sum(nlls) / len(nlls)
        candidate["spikes"] = sum(nll > params.spike_nats for nll in nlls) / len(nlls)
        candidate["score"] = candidate["nll"] + params.spike_weight * candidate["spikes"]


def choose(candidates: Sequence[Row]) -> Row:
    """The candidate with the lowest score; the raw trace wins a tie."""
    return min(candidates, key=lambda c: (c["score"], c["source"] != "raw"))


def _statistics(candidates: Sequence[Row], chosen: Sequence[Row]) -> dict[str, object]:
    raw = [c for c in candidates if c["source"] == "raw"]
    mean = lambda rows, key: sum(r[key] for r in rows) / len(rows) if rows else None  # noqa: E731
    return {
        "problems": len(chosen),
        "improved": sum(c["source"] != "raw" for c in chosen),
        "kept_raw": sum(c["source"] == "raw" for c in chosen),
        "kept": counted(chosen, "source"),
        "nll_before": mean(raw, "nll"),
        "nll_after": mean(chosen, "nll"),
        "spikes_before": mean(raw, "spikes"),
        "spikes_after": mean(chosen, "spikes"),
    }
