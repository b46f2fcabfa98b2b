"""Bridge: raw teacher traces of hard problems become traces that this student can learn.

From the paper: hard traces are rewritten, and kept only if they verify. How is not known, so ours: up to M
rewrites compete. The student scores those that verify: mean token negative log-likelihood plus the share of
tokens whose NLL is a spike. The lowest score is kept; the raw trace is the yardstick and wins a tie.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Literal, get_args

from pydantic import Field

from slmr.artifacts import Cost
from slmr.curriculum.continuations import continued
from slmr.curriculum.rewrites import smaller_steps
from slmr.curriculum.schema import (
    TRACES,
    Row,
    counted,
    ids_in_groups,
    problems_by_id,
    rollouts_by_problem,
    trace,
    verifies,
)
from slmr.curriculum.teachers import Teacher, TeacherSettings, teacher_counts, teacher_tokens
from slmr.engines import Engine, Prompt, Sampling, open_engine
from slmr.io import write_rows
from slmr.stage import StageContext, stage
from slmr.verify.trace_steps import beginning, following, split_steps, until_computed

SCORES = "scores.parquet"

Rewrite = Literal[
    "smaller steps", "own completion", "own continuation", "own prefix", "filled in", "own style", "teacher"
]
WORKED: tuple[Rewrite, ...] = ("own prefix", "filled in", "own style")  # made from a worked solution
OWN: tuple[Rewrite, ...] = ("own completion", "own continuation")  # the student's words: no teacher's tokens
Texts = dict[str, str]  # candidate texts of one problem, by source


class BridgeParams(TeacherSettings):
    """Which rewrites compete, and how they are scored. All of it is ours.

    Attributes:
        rewrites: in the order in which they are tried; none keeps every raw trace.
        candidates: M, at most so many different verified rewrites of a problem are scored.
        continuations: n, what the student draws from each beginning of the raw trace.
        spike_nats: a token with a larger NLL is a spike.
        spike_weight: what a share of 1 of spikes adds to the score.
        groups: the difficulty groups whose traces are bridged.
    """

    rewrites: tuple[Rewrite, ...] = get_args(Rewrite)
    candidates: int = Field(default=8, ge=1)
    continuations: int = Field(default=2, ge=1)
    max_tokens: int = Field(default=80, ge=1)
    spike_nats: float = Field(default=4.0, gt=0)
    spike_weight: float = Field(default=1.0, ge=0)
    groups: tuple[Literal["simple", "medium", "hard"], ...] = ("hard",)


@stage(
    "bridge", BridgeParams, {"model": "one", "problems": "one", "partition": "one", "probe": "one"},
    random=True, uses_engine=True, version=4,
)  # fmt: skip
def bridge_stage(context: StageContext, params: BridgeParams) -> None:
    """Writes the kept trace of each problem of the groups, and every candidate in `scores.parquet`."""
    problems = problems_by_id(context.input("problems"))
    hard = [problems[i] for i in ids_in_groups(context.input("partition"), params.groups)]
    attempts = rollouts_by_problem(context.input("probe"))
    model = context.model("model")
    teacher, engine = params.open(context.engine), open_engine(model, context.engine)
    bridge = Bridge(params, teacher, engine, context)
    texts = bridge.propose(hard, [attempts.get(p["id"], []) for p in hard])
    rows = [
        row for problem, found in zip(hard, texts, strict=True) for row in candidates(problem, found, params)
    ]
    score([row for row in rows if row["verified"]], engine, params)
    chosen = choose(rows)
    write_rows(context.folder / SCORES, [{k: v for k, v in row.items() if k != "prompt"} for row in rows])
    kept = [trace(problems[c["problem_id"]], c["text"], c["source"]) for c in chosen]
    write_rows(context.folder / TRACES, kept)
    scored = sum(len(row["token_nlls"]) for row in rows if row["verified"])
    taught = [row["text"] for row in rows if row["source"] not in OWN]
    context.cost += Cost(
        teacher_tokens=teacher_tokens(teacher, model, taught), flops=2.0 * engine.parameters * scored
    )
    context.stats |= statistics(rows, chosen, len(hard)) | teacher_counts(teacher)
    teacher.close()


class Bridge:
    """Collects every rewrite of many problems, each kind in one batch."""

    def __init__(self, params: BridgeParams, teacher: Teacher, engine: Engine, context: StageContext) -> None:
        self._params, self._teacher, self._engine, self._context = params, teacher, engine, context

    def propose(self, problems: Sequence[Row], attempts: Sequence[Sequence[Row]]) -> list[Texts]:
        """The raw trace of each problem and its rewrites, by source, in the order of the parameters."""
        wanted = self._params.rewrites
        raw = self._teacher.raw_traces(problems)
        found: list[Texts] = [{"raw": text} if text else {} for text in raw]
        made: dict[str, Sequence[str | None]] = {}
        if "smaller steps" in wanted:
            made["smaller steps"] = [text and smaller_steps(text) for text in raw]
        if "own completion" in wanted:
            right = ((a["completion"] for a in group if a["strict"]) for group in attempts)
            made["own completion"] = [next(texts, None) for texts in right]
        if "own continuation" in wanted:
            made["own continuation"] = self._continued_by_student(problems, raw)
        if "own prefix" in wanted:
            made["own prefix"] = self._continued_by_teacher(problems, attempts, raw)
        if asked := {"filled in", "own style", "teacher"} & set(wanted):
            rewrites = self._teacher.rewrites(problems, [text or "" for text in raw])
            made |= {name: [texts.get(name) for texts in rewrites] for name in asked}
        for name in wanted:
            for texts, text in zip(found, made[name], strict=True):
                if text:
                    texts[name] = text.strip()
        return found

    def _continued_by_teacher(
        self, problems: Sequence[Row], attempts: Sequence[Sequence[Row]], raw: Sequence[str | None]
    ) -> list[str | None]:
        """The longest right beginning among the student's attempts, in its words, and the teacher's rest."""
        pairs = [(i, a["completion"]) for i, group in enumerate(attempts) for a in group]
        wrong = self._teacher.first_wrong([problems[i] for i, _ in pairs], [text for _, text in pairs])
        best: dict[int, tuple[int, str]] = {}
        for (i, text), right in zip(pairs, wrong, strict=True):
            steps = until_computed(split_steps(text)[: right or 0], split_steps(raw[i] or ""))
            if steps > best.get(i, (0, ""))[0]:
                best[i] = steps, beginning(text, steps)
        chosen = list(best)
        rest = self._teacher.continuations([problems[i] for i in chosen], [best[i][1] for i in chosen])
        separator = self._teacher.separator
        texts = {
            i: best[i][1] + following(best[i][1], text, separator)
            for i, text in zip(chosen, rest, strict=True)
            if text
        }
        return [texts.get(i) for i in range(len(problems))]

    def _continued_by_student(self, problems: Sequence[Row], raw: Sequence[str | None]) -> list[str | None]:
        """The shortest beginning of the raw trace from which the student gets to the right answer, and how."""
        starts = [
            (i, beginning(text, steps))
            for i, text in enumerate(raw)
            if text
            for steps in range(1, len(split_steps(text)) + 1)
        ]
        sampling = Sampling(1.0, self._params.max_tokens, self._context.seed)
        drawn, cost = continued(
            self._engine, [(problems[i], start) for i, start in starts], self._params.continuations, sampling
        )
        self._context.cost += cost
        found: dict[int, str] = {}
        for (i, _), texts in zip(starts, drawn, strict=True):
            if i not in found and (right := next((t for t in texts if verifies(t, problems[i])), None)):
                found[i] = right
        return [found.get(i) for i in range(len(problems))]


def candidates(problem: Row, texts: Texts, params: BridgeParams) -> list[Row]:
    """The raw trace and each different rewrite, unscored; of those that verify at most `params.candidates`."""
    rows: list[Row] = []
    for source, text in texts.items():
        if any(row["text"] == text for row in rows):
            continue
        verified = verifies(text, problem)
        if source != "raw" and sum(r["verified"] for r in rows if r["source"] != "raw") >= params.candidates:
            break
        rows.append(
            {"problem_id": problem["id"], "prompt": problem["prompt"], "source": source, "text": text,
             "verified": verified, "kept": False, "nll": None, "spikes": None, "score": None, "token_nlls": None}
        )  # fmt: skip
    return rows


def score(rows: Sequence[Row], engine: Engine, params: BridgeParams) -> None:
    """Sets `nll` (mean, nats a token), `spikes` (share of tokens), `score`, and `token_nlls`, in one batch."""
    nlls = engine.token_nlls([Prompt(row["prompt"]) for row in rows], [row["text"] for row in rows])
    for row, tokens in zip(rows, nlls, strict=True):
        row["token_nlls"] = tokens
        row["nll"] = sum(tokens) / len(tokens)
        row["spikes"] = sum(nll > params.spike_nats for nll in tokens) / len(tokens)
        row["score"] = row["nll"] + params.spike_weight * row["spikes"]


def choose(rows: Sequence[Row]) -> list[Row]:
    """Of each problem the verified candidate with the lowest score, marked `kept`; raw wins a tie."""
    chosen = []
    for _, group in groupby(rows, key=lambda row: row["problem_id"]):
        verified = [row for row in group if row["verified"]]
        if verified:
            best = min(verified, key=lambda row: (row["score"], row["source"] != "raw"))
            best["kept"] = True
            chosen.append(best)
    return chosen


def statistics(rows: Sequence[Row], chosen: Sequence[Row], problems: int) -> Row:
    """What Bridge did. Before and after are means over the problems whose raw trace verifies."""
    raw = {row["problem_id"]: row for row in rows if row["source"] == "raw" and row["verified"]}
    after = [row for row in chosen if row["problem_id"] in raw]
    mean = lambda of, key: sum(r[key] for r in of) / len(of) if of else None  # noqa: E731
    return {
        "problems": problems,
        "improved": sum(row["source"] != "raw" for row in chosen),
        "kept_raw": sum(row["source"] == "raw" for row in chosen),
        "no_verified": problems - len(chosen),
        "from_worked": sum(row["source"] in WORKED for row in chosen),
        "kept": counted(chosen, "source"),
        "nll_before": mean(raw.values(), "nll"),
        "nll_after": mean(after, "nll"),
        "spikes_before": mean(raw.values(), "spikes"),
        "spikes_after": mean(after, "spikes"),
    }
