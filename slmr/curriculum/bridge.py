"""Bridge: rewrites raw teacher traces of hard problems into traces that this student can learn.

From the paper: hard traces are rewritten, and kept only if they verify. The paper does not say how. Ours: up to M sound
rewrites compete (`slmr.curriculum.soundness`). The student scores them by mean token negative log-likelihood plus the
share of tokens whose NLL is a spike. By default the lowest score wins; in a tie the raw trace does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from random import Random
from typing import Any, Literal, get_args

from pydantic import Field

from slmr.artifacts import Cost
from slmr.config import MAX_TOKENS
from slmr.curriculum.continuations import sample_continuations
from slmr.curriculum.rewrites import smaller_steps
from slmr.curriculum.schema import (
    SCORES,
    TRACES,
    Candidate,
    Group,
    Problem,
    Rollout,
    counted,
    ids_in_groups,
    problems_by_id,
    rollouts_by_problem,
    trace,
    verifies,
)
from slmr.curriculum.soundness import Steps, fault_of, known_steps, refusals
from slmr.curriculum.teachers import Teacher, TeacherSettings, teacher_cost, teacher_counts
from slmr.engines import Engine, Prompt, Sampling, open_engine
from slmr.io import digest
from slmr.stage import StageContext, stage
from slmr.verify.trace_steps import beginning, following, split_steps, until_computed

Rewrite = Literal[
    "smaller steps", "own completion", "own continuation", "own prefix", "filled in", "own style", "teacher"
]
FROM_WORKED_SOLUTION: tuple[Rewrite, ...] = ("own prefix", "filled in", "own style")
SELF_GENERATED: tuple[Rewrite, ...] = ("own completion", "own continuation")  # no teacher's tokens
Criterion = Literal["nll", "shortest", "random"]
Texts = dict[str, str]  # candidate texts of one problem, by source


class BridgeParams(TeacherSettings):
    """Which rewrites compete, and how they are scored. All of it is ours.

    Attributes:
        rewrites: in the order in which they are tried; if empty, every raw trace is kept.
        candidates: M, the maximal number of different sound rewrites of a problem that are scored.
        criterion: which sound candidate is kept: the one with the lowest score, the fewest tokens, or a random one.
        continuations: number of completions that the student samples from each beginning of the raw trace.
        spike_nats: a token with a larger NLL is a spike.
        spike_weight: weight of the share of spikes in the score.
        groups: the difficulty groups whose traces are bridged.
    """

    rewrites: tuple[Rewrite, ...] = get_args(Rewrite)
    candidates: int = Field(default=8, ge=1)
    criterion: Criterion = "nll"
    continuations: int = Field(default=2, ge=1)
    max_tokens: int = Field(default=80, ge=1, le=MAX_TOKENS)
    spike_nats: float = Field(default=4.0, gt=0)
    spike_weight: float = Field(default=1.0, ge=0)
    groups: tuple[Group, ...] = ("hard",)


@stage(
    "bridge",
    BridgeParams,
    {"model": "one", "problems": "one", "partition": "one", "probe": "one"},
    random=True,
    uses_engine=True,
    version=5,
)
def bridge_stage(context: StageContext, params: BridgeParams) -> None:
    """Writes the kept trace of each problem of the groups, and every candidate in `scores.parquet`."""
    problems = problems_by_id(context.input("problems"))
    chosen = [problems[i] for i in ids_in_groups(context.input("partition"), params.groups)]
    attempts = rollouts_by_problem(context.input("probe"))
    model = context.model("model")
    teacher, engine = params.open(context.engine), open_engine(model, context.engine)
    known = known_steps(teacher, chosen)
    bridge = Bridge(params, teacher, engine, context)
    texts = bridge.propose(chosen, [attempts.get(problem["id"], []) for problem in chosen], known)
    rows = [row for case in zip(chosen, texts, known, strict=True) for row in candidates(*case, params)]
    scored = score([row for row in rows if row["fault"] is None], problems, engine, params)
    best = choose(rows, params.criterion, context.seed)
    SCORES.write(context.folder, rows)
    TRACES.write(context.folder, [trace(problems[row["problem_id"]], row["text"], row["source"]) for row in best])
    from_teacher = [row["text"] for row in rows if row["source"] not in SELF_GENERATED]
    context.cost += Cost.of_model(engine.parameters, scored=scored)
    context.cost += teacher_cost(teacher, model, from_teacher)
    context.stats |= bridge_statistics(rows, best, len(chosen)) | teacher_counts(teacher)
    teacher.close()


class Bridge:
    """Collects the rewrites of many problems, each kind in one batch."""

    def __init__(self, params: BridgeParams, teacher: Teacher, engine: Engine, context: StageContext) -> None:
        self._params, self._teacher, self._engine, self._context = params, teacher, engine, context

    def propose(
        self, problems: Sequence[Problem], attempts: Sequence[Sequence[Rollout]], known: Sequence[Steps]
    ) -> list[Texts]:
        """The raw trace of each problem and its rewrites, by source, in the order of the parameters."""
        kinds = self._params.rewrites
        raw = self._teacher.raw_traces(problems)
        rewrites: dict[str, Sequence[str | None]] = {}
        if "smaller steps" in kinds:
            rewrites["smaller steps"] = [text and smaller_steps(text) for text in raw]
        if "own completion" in kinds:
            texts_of = [[a["completion"] for a in group if a["strict"]] for group in attempts]
            rewrites["own completion"] = list(map(first_sound, texts_of, problems, known))
        if "own continuation" in kinds:
            rewrites["own continuation"] = self._continued_by_student(problems, raw, known)
        if "own prefix" in kinds:
            rewrites["own prefix"] = self._continued_by_teacher(problems, attempts, raw)
        if from_teacher := {"filled in", "own style", "teacher"} & set(kinds):
            by_problem = self._teacher.rewrites(problems, [text or "" for text in raw])
            rewrites |= {name: [texts.get(name) for texts in by_problem] for name in from_teacher}
        proposed: list[Texts] = [{"raw": text} if text else {} for text in raw]
        for name in kinds:
            for texts, text in zip(proposed, rewrites[name], strict=True):
                if text:
                    texts[name] = text.strip()
        return proposed

    def _continued_by_teacher(
        self, problems: Sequence[Problem], attempts: Sequence[Sequence[Rollout]], raw: Sequence[str | None]
    ) -> list[str | None]:
        """The longest right beginning among the student's attempts, continued by the teacher."""
        pairs = [(i, a["completion"]) for i, group in enumerate(attempts) for a in group]
        wrong = self._teacher.first_wrong([problems[i] for i, _ in pairs], [text for _, text in pairs])
        longest: dict[int, tuple[int, str]] = {}  # problem's index → (number of steps, text)
        for (i, text), right in zip(pairs, wrong, strict=True):
            steps = until_computed(split_steps(text)[: right or 0], split_steps(raw[i] or ""))
            if steps > longest.get(i, (0, ""))[0]:
                longest[i] = steps, beginning(text, steps)
        starts = {i: text for i, (_, text) in longest.items()}
        rest = self._teacher.continuations([problems[i] for i in starts], list(starts.values()))
        texts = {
            i: start + following(start, text, self._teacher.separator)
            for (i, start), text in zip(starts.items(), rest, strict=True)
            if text
        }
        return [texts.get(i) for i in range(len(problems))]

    def _continued_by_student(
        self, problems: Sequence[Problem], raw: Sequence[str | None], known: Sequence[Steps]
    ) -> list[str | None]:
        """The student's sound continuation to the answer from the shortest possible beginning of the raw trace."""
        starts = [
            (i, beginning(text, steps))
            for i, text in enumerate(raw)
            if text
            for steps in range(1, len(split_steps(text)) + 1)
        ]
        completions, cost = sample_continuations(
            self._engine,
            [(problems[i], start) for i, start in starts],
            self._params.continuations,
            Sampling(1.0, self._params.max_tokens, self._context.seed),
        )
        self._context.cost += cost
        right: list[list[str]] = [[] for _ in problems]
        for (i, _), texts in zip(starts, completions, strict=True):
            right[i] += [text for text in texts if verifies(text, problems[i])]
        return list(map(first_sound, right, problems, known))


def first_sound(right: Sequence[str], problem: Problem, known: Steps) -> str | None:
    """The first sound text of the right ones, else the first, so that its fault is counted; None if there are none."""
    return min(right, key=lambda text: fault_of(text.strip(), problem, known) is not None, default=None)


def candidates(problem: Problem, texts: Texts, known: Steps, params: BridgeParams) -> list[Candidate]:
    """The raw trace and each different rewrite, unscored, with at most `params.candidates` sound rewrites."""
    rows: list[Candidate] = []
    for source, text in texts.items():
        if any(row["text"] == text for row in rows):
            continue
        if sum(r["fault"] is None for r in rows if r["source"] != "raw") >= params.candidates:
            break
        fault = fault_of(text, problem, known)
        rows.append(
            {
                "problem_id": problem["id"],
                "source": source,
                "text": text,
                "verified": fault != "wrong answer",
                "fault": fault,
                "kept": False,
                "nll": None,
                "spikes": None,
                "score": None,
                "token_nlls": None,
            }
        )
    return rows


def score(rows: Sequence[Candidate], problems: Mapping[str, Problem], engine: Engine, params: BridgeParams) -> int:
    """Sets `nll` (mean, nats per token), `spikes` (share of tokens), `score`, and `token_nlls`, in one batch.

    Returns: the number of scored tokens.
    """
    prompts = [Prompt(problems[row["problem_id"]]["prompt"]) for row in rows]
    scored = engine.token_nlls(prompts, [row["text"] for row in rows])
    for row, nlls in zip(rows, scored, strict=True):
        nll, spikes = sum(nlls) / len(nlls), sum(nll > params.spike_nats for nll in nlls) / len(nlls)
        row |= {"nll": nll, "spikes": spikes, "score": nll + params.spike_weight * spikes, "token_nlls": nlls}
    return sum(map(len, scored))


def choose(rows: Sequence[Candidate], criterion: Criterion = "nll", seed: int = 0) -> list[Candidate]:
    """Marks the best sound candidate of each problem as `kept` and returns them; in a tie the raw trace wins."""
    best_rows = []
    for name, group in groupby(rows, key=lambda row: row["problem_id"]):
        sound_rows = [row for row in group if row["fault"] is None]
        if sound_rows:
            if criterion == "random":
                best = Random(digest([seed, name])).choice(sound_rows)
            else:
                best = min(sound_rows, key=lambda row: (_measure(row, criterion), row["source"] != "raw"))
            best["kept"] = True
            best_rows.append(best)
    return best_rows


def _measure(row: Candidate, criterion: Criterion) -> float:
    """The measure to minimise: the score, or the number of tokens."""
    return len(row["token_nlls"] or ()) if criterion == "shortest" else row["score"] or 0.0


def bridge_statistics(rows: Sequence[Candidate], best: Sequence[Candidate], problems: int) -> dict[str, Any]:
    """The stage's statistics. Before and after are means over the problems whose raw trace is sound."""
    before = {row["problem_id"]: row for row in rows if row["source"] == "raw" and row["fault"] is None}
    after = [row for row in best if row["problem_id"] in before]
    return {
        "problems": problems,
        "improved": sum(row["source"] != "raw" for row in best),
        "kept_raw": sum(row["source"] == "raw" for row in best),
        "nothing_sound": problems - len(best),
        "refused": refusals(row["fault"] for row in rows),
        "refused_by_source": counted(row["source"] for row in rows if row["fault"]),
        "from_worked": sum(row["source"] in FROM_WORKED_SOLUTION for row in best),
        "kept": counted(row["source"] for row in best),
        "nll_before": _mean(row["nll"] for row in before.values()),
        "nll_after": _mean(row["nll"] for row in after),
        "spikes_before": _mean(row["spikes"] for row in before.values()),
        "spikes_after": _mean(row["spikes"] for row in after),
    }


def _mean(measures: Iterable[float | None]) -> float | None:
    """The mean of a measure over scored candidates; None if there are none."""
    values = [value for value in measures if value is not None]
    return sum(values) / len(values) if values else None
