"""The training pool, and what the student can already do on it: probe, partition, consolidation set."""

from __future__ import annotations

from collections import Counter
from itertools import count
from typing import Literal

from pydantic import Field

from slmr.engines import Completion, Prompt, Sampling, open_engine
from slmr.stage import Params, StageContext, stage
from slmr.stagewise.data import (
    GROUPS,
    PROBLEMS,
    ROLLOUTS,
    TRACES,
    Row,
    counted,
    problems_by_id,
    rollouts_by_problem,
    trace,
)
from slmr.store import Cost, read_rows, write_rows
from slmr.tasks import load_task
from slmr.verify import verify

Group = Literal["simple", "medium", "hard"]
_CHUNK = 1024  # completions that are kept together; a killed probe loses at most these


class PoolParams(Params):
    """The training pool: the first `size` problems of a task's train split."""

    task: str
    size: int = Field(ge=1)
    seed: int = 0
    task_digest: str = ""


@stage("pool", PoolParams, {}, random=False)
def pool_stage(context: StageContext, params: PoolParams) -> None:
    """Writes the problems with their prompts and gold answers."""
    task = load_task(params.task, context.tasks_paths)
    rows = [
        {"id": i.id, "task": task.name, "problem": i.problem, "prompt": task.prompt(i.problem), "gold": i.gold,
         "kind": task.kind, "difficulty": i.difficulty, "solution": i.solution}
        for i in task.items("train", params.size, params.seed)
    ]  # fmt: skip
    write_rows(context.folder / PROBLEMS, rows)
    context.stats |= {"problems": len(rows), "difficulty": counted(rows, "difficulty")}


class ProbeParams(Params):
    """K completions a problem from the current student. K is our choice; the paper's is unknown."""

    k: int = Field(default=8, ge=1)
    temperature: float = Field(default=1.0, gt=0)
    max_tokens: int = Field(default=80, ge=1)


@stage("probe", ProbeParams, {"model": "one", "problems": "one"}, random=True, uses_engine=True, version=2)
def probe_stage(context: StageContext, params: ProbeParams) -> None:
    """Samples and verifies; writes the rollouts, flushed in chunks so that a killed probe goes on."""
    problems = read_rows(context.input("problems") / PROBLEMS)
    engine = open_engine(context.sampled_model("model"), context.engine)
    asked = [(problem, k) for problem in problems for k in range(params.k)]
    chunks = context.folder / "chunks"
    chunks.mkdir(exist_ok=True)
    sampling = Sampling(params.temperature, params.max_tokens, context.seed)
    rows: list[Row] = []
    for start in range(0, len(asked), _CHUNK):
        file = chunks / f"{start:07d}.parquet"
        if not file.is_file():
            part = asked[start : start + _CHUNK]
            heard = count(start + 1)
            done = engine.generate(
                [Prompt(problem["prompt"], draw=k) for problem, k in part], sampling,
                lambda *_, heard=heard: context.progress(next(heard), len(asked), "rollouts"),
            )  # fmt: skip
            write_rows(file, [_verified(p, k, c) for (p, k), c in zip(part, done, strict=True)])
        rows += read_rows(file)
        context.progress(len(rows), len(asked), "rollouts")
    write_rows(context.folder / ROLLOUTS, rows)
    for file in chunks.iterdir():
        file.unlink()
    chunks.rmdir()
    tokens = sum(row["tokens"] for row in rows)
    context.cost += Cost(rollout_tokens=tokens, flops=2.0 * engine.parameters * tokens)
    context.stats |= {"rollouts": len(rows), "statuses": counted(rows, "status"),
                      "truncated": sum(r["finish_reason"] == "length" for r in rows)}  # fmt: skip


def _verified(problem: Row, k_index: int, completion: Completion) -> Row:
    verdict = verify(completion.text, problem["gold"], problem["kind"])
    return {"problem_id": problem["id"], "k_index": k_index, "completion": completion.text,
            "finish_reason": completion.finish_reason, "tokens": completion.tokens, "status": verdict.status,
            "strict": verdict.strict}  # fmt: skip


class PartitionParams(Params):
    """The paper's bounds: hard below 0.25, simple from 0.75 on, medium between."""

    medium_from: float = Field(default=0.25, ge=0, le=1)
    simple_from: float = Field(default=0.75, ge=0, le=1)


@stage("partition", PartitionParams, {"probe": "one"}, random=False)
def partition_stage(context: StageContext, params: PartitionParams) -> None:
    """Writes each problem's correctness rate and difficulty group for this student."""
    rows = []
    for problem_id, rollouts in rollouts_by_problem(context.input("probe")).items():
        judged = [r for r in rollouts if r["status"] not in ("malformed_gold", "timeout", "checker_error")]
        correct = sum(r["strict"] for r in judged)
        rho = correct / len(judged) if judged else 0.0
        rows.append({"problem_id": problem_id, "correct": correct, "k": len(judged), "rho": rho,
                     "group": group_of(rho, params)})  # fmt: skip
    write_rows(context.folder / GROUPS, rows)
    histogram = Counter(f"{row['correct']}/{row['k']}" for row in rows)
    context.stats |= {"groups": counted(rows, "group"), "histogram": dict(sorted(histogram.items()))}


def group_of(rho: float, params: PartitionParams) -> Group:
    """The difficulty group of a correctness rate."""
    if rho >= params.simple_from:
        return "simple"
    return "medium" if rho >= params.medium_from else "hard"


class ConsolidateParams(Params):
    """`drop_all_correct`: leave out groups that are right throughout; they carry no gradient (ours)."""

    drop_all_correct: bool = True


@stage("consolidate", ConsolidateParams, {"probe": "one", "problems": "one"}, random=False)
def consolidate_stage(context: StageContext, params: ConsolidateParams) -> None:
    """The RL set: problems whose group, sampled by the primed student, is not all wrong."""
    problems = problems_by_id(context.input("problems"))
    kept, counts = [], Counter()
    for problem_id, rollouts in rollouts_by_problem(context.input("probe")).items():
        share = sum(r["strict"] for r in rollouts) / len(rollouts)
        name = "all wrong" if share == 0 else "all right" if share == 1 else "mixed"
        counts[name] += 1
        if name == "mixed" or (name == "all right" and not params.drop_all_correct):
            kept.append(problems[problem_id])
    write_rows(context.folder / PROBLEMS, kept)
    context.stats |= {"problems": len(kept), "groups": dict(counts)}


class OwnCorrectParams(Params):
    """Rejection sampling (RFT, 2308.01825): distinct own correct completions, at most so many a problem."""

    per_problem: int = Field(default=4, ge=1)


@stage("own_correct", OwnCorrectParams, {"probe": "one", "problems": "one"}, random=False)
def own_correct_stage(context: StageContext, params: OwnCorrectParams) -> None:
    """Writes the student's own verified completions as traces."""
    problems = problems_by_id(context.input("problems"))
    rows = []
    for problem_id, rollouts in rollouts_by_problem(context.input("probe")).items():
        distinct = list(dict.fromkeys(r["completion"].strip() for r in rollouts if r["strict"]))
        rows += [trace(problems[problem_id], text, "own") for text in distinct[: params.per_problem]]
    write_rows(context.folder / TRACES, rows)
    context.stats |= {"traces": len(rows), "problems": len({row["problem_id"] for row in rows})}
