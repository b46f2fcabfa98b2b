"""What the student can already do on the pool: K completions a problem, fewer where its class is certain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import count
from typing import Literal

from pydantic import Field

from slmr.artifacts import Cost
from slmr.curriculum.partition import GroupBounds
from slmr.curriculum.schema import PROBLEMS, ROLLOUTS, Row, counted
from slmr.curriculum.sequential import Classes, StoppingRule
from slmr.engines import Completion, Engine, Prompt, Sampling, open_engine
from slmr.evaluate.metrics import ABSTENTIONS
from slmr.io import read_rows, write_rows
from slmr.stage import StageContext, stage
from slmr.verify import verify

_CHUNK = 1024  # completions that are kept together; a killed probe loses at most these


class ProbeParams(GroupBounds):
    """K completions a problem from the current student. K is our choice; the paper's is unknown.

    Attributes:
        adaptive: sample a problem no further once its class after all k completions is certain (ours; see
            `slmr.curriculum.sequential`). `difficulty`: hard, medium or simple, by the bounds, which must be
            those of the partition; `mixed`: all wrong, mixed or all right, what the consolidation set asks.
        stop_error: at most so likely may the class still change where sampling stops; 0 stops only where
            nothing can change it.
        wave: completions a problem between two looks at who goes on.
    """

    k: int = Field(default=8, ge=1)
    temperature: float = Field(default=1.0, gt=0)
    max_tokens: int = Field(default=80, ge=1)
    adaptive: Literal["off", "difficulty", "mixed"] = "off"
    stop_error: float = Field(default=0.0, ge=0, le=0.5)
    wave: int = Field(default=2, ge=1)

    def rule(self) -> StoppingRule | None:
        """When to stop early; None is never."""
        if self.adaptive == "off":
            return None
        return StoppingRule(
            Classes(self.adaptive, self.medium_from, self.simple_from), self.k, self.stop_error
        )


@stage("probe", ProbeParams, {"model": "one", "problems": "one"}, random=True, uses_engine=True, version=3)
def probe_stage(context: StageContext, params: ProbeParams) -> None:
    """Samples and verifies; writes the rollouts by problem and draw.

    A draw depends on its prompt and number alone, so what an adaptive probe draws the full one draws, too.
    They are flushed in chunks, and who goes on depends on them alone, so that a killed probe goes on.
    """
    problems = read_rows(context.input("problems") / PROBLEMS)
    engine = open_engine(context.sampled_model("model"), context.engine)
    rule = params.rule()
    recorder = _Recorder(context, engine, Sampling(params.temperature, params.max_tokens, context.seed))
    tally, going_on, changes = Tally(problems), list(range(len(problems))), 0.0
    step = params.wave if rule else params.k
    for start in range(0, params.k, step):
        draws = range(start, min(start + step, params.k))
        most = len(recorder.rows) + len(going_on) * (params.k - start)
        tally.add(recorder.ask([(problems[i], draw) for i in going_on for draw in draws], most))
        if rule and going_on:
            going_on, expected = tally.unsettled(rule, going_on, draws.stop)
            changes += expected
    rows = sorted(recorder.rows, key=lambda row: (tally.place[row["problem_id"]], row["k_index"]))
    write_rows(context.folder / ROLLOUTS, rows)
    recorder.clear()
    tokens = sum(row["tokens"] for row in rows)
    context.cost += Cost(rollout_tokens=tokens, flops=2.0 * engine.parameters * tokens)
    context.stats |= _stats(rows, len(problems) * params.k)
    if rule:
        context.stats["expected_error"] = changes / max(len(problems), 1)


def _stats(rows: Sequence[Row], most: int) -> Row:
    spent = Counter(Counter(row["problem_id"] for row in rows).values())
    return {"rollouts": len(rows), "asked_at_most": most, "saved": 1 - len(rows) / max(most, 1),
            "problems_by_rollouts": {str(n): spent[n] for n in sorted(spent)},
            "statuses": counted(rows, "status"),
            "truncated": sum(row["finish_reason"] == "length" for row in rows)}  # fmt: skip


class Tally:
    """How many completions of each problem are right and judged so far. `place` is a problem's by its id."""

    def __init__(self, problems: Sequence[Row]) -> None:
        import numpy as np

        self.place = {problem["id"]: i for i, problem in enumerate(problems)}
        self.right, self.judged = np.zeros((2, len(problems)), dtype=int)

    def add(self, rows: Sequence[Row]) -> None:
        """Counts these rollouts; one without a verdict counts neither way."""
        for row in rows:
            if row["status"] not in ABSTENTIONS:
                self.right[self.place[row["problem_id"]]] += row["strict"]
                self.judged[self.place[row["problem_id"]]] += 1

    def unsettled(self, rule: StoppingRule, going_on: Sequence[int], drawn: int) -> tuple[list[int], float]:
        """Who of those with `drawn` completions goes on; how many of the others will have changed class."""
        chance = rule.chance_of_change(self.right, self.judged, going_on, drawn)
        stops = rule.stops(chance, drawn)
        return [i for i, stop in zip(going_on, stops, strict=True) if not stop], float(chance[stops].sum())


class _Recorder:
    """Asks the engine and keeps what it says; `rows` are all rollouts so far, in the order of asking."""

    def __init__(self, context: StageContext, engine: Engine, sampling: Sampling) -> None:
        self._context, self._engine, self._sampling = context, engine, sampling
        self._chunks = context.folder / "chunks"
        self._chunks.mkdir(exist_ok=True)
        self.rows: list[Row] = []

    def ask(self, asked: Sequence[tuple[Row, int]], most: int) -> list[Row]:
        """The rollouts of these problems and draws; `most` is how many there may be in the end."""
        before = len(self.rows)
        for start in range(0, len(asked), _CHUNK):
            file = self._chunks / f"{len(self.rows):07d}.parquet"
            if not file.is_file():
                write_rows(file, self._sampled(asked[start : start + _CHUNK], most))
            self.rows += read_rows(file)
            self._context.progress(len(self.rows), most, "rollouts")
        return self.rows[before:]

    def _sampled(self, part: Sequence[tuple[Row, int]], most: int) -> list[Row]:
        heard = count(len(self.rows) + 1)
        done = self._engine.generate(
            [Prompt(problem["prompt"], draw=draw) for problem, draw in part], self._sampling,
            lambda *_: self._context.progress(next(heard), most, "rollouts"),
        )  # fmt: skip
        return [_verified(problem, draw, c) for (problem, draw), c in zip(part, done, strict=True)]

    def clear(self) -> None:
        """Forgets the chunks, once the rollouts are written."""
        for file in self._chunks.iterdir():
            file.unlink()
        self._chunks.rmdir()


def _verified(problem: Row, k_index: int, completion: Completion) -> Row:
    verdict = verify(completion.text, problem["gold"], problem["kind"])
    return {"problem_id": problem["id"], "k_index": k_index, "completion": completion.text,
            "finish_reason": completion.finish_reason, "tokens": completion.tokens, "status": verdict.status,
            "strict": verdict.strict}  # fmt: skip
