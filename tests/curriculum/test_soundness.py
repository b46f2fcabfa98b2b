"""What is wrong with a trace: one rule, which refuses no trace of the solver's and what published students copied."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.curriculum.schema import PAIRS, TRACES
from slmr.curriculum.soundness import fault_of, known_steps, refusals
from slmr.curriculum.teachers.dataset import DatasetTeacher
from slmr.curriculum.teachers.oracle import OracleTeacher
from slmr.io import read_rows, resource
from slmr.pipeline.bench import BenchRequest, make_plan, run_bench
from slmr.pipeline.runner import SilentWatcher
from slmr.verify.trace_steps import false_equation, split_steps
from tests.curriculum.common import MARKED, problems
from tests.curriculum.failures import corrupted

PROBLEM = {"id": "p", "prompt": "?", "gold": "7", "kind": "numeric"}
STEPS = ["12 / 4 = 3.", "3 + 4 = 7."]


@pytest.mark.parametrize(
    ("text", "known", "fault"),
    [
        ("12 / 4 = 3. 3 + 4 = 7. #### 7", STEPS, None),
        ("12 / 4 + 4 = 7. #### 7", STEPS, None),  # steps may be merged
        ("12 / 4 = 3. 3 + 4 = 7. #### 8", STEPS, "wrong answer"),
        ("12 / 4 = 7. #### 7", None, "false equation"),
        ("12 / 4 = 7. #### 7", STEPS, "false equation"),
        ("12 - 5 = 7. #### 6 + 1", None, "wrong answer"),
        ("9 - 2 = 7. 7 - 7 = 0. 0 + 7 = 7. #### 7", STEPS, "departure"),
        ("9 - 2 = 7. 7 - 7 = 0. 0 + 7 = 7. #### 7", None, None),  # another way may be right
        ("#### 7", STEPS, "no step"),
        ("#### 7", None, None),
    ],
)
def test_the_first_fault_of_a_trace(text: str, known: list[str] | None, fault: str | None) -> None:
    assert fault_of(text, PROBLEM, known) == fault


@given(st.integers(2, 99), st.integers(2, 99), st.sampled_from("+-*"), st.integers(-3, 3), st.booleans())
def test_a_sound_trace_states_no_false_equation(a: int, b: int, sign: str, off: int, known: bool) -> None:
    value = {"+": a + b, "-": a - b, "*": a * b}[sign]
    steps = [f"{a} {sign} {b} = {value + off}.", "3 + 4 = 7."]
    fault = fault_of(" ".join([*steps, "#### 7"]), PROBLEM, steps if known else None)
    assert (fault == "false equation") == (off != 0) and (off or fault is None)


@pytest.mark.parametrize("task", ["lab_gsm8k", "lab_mawps", "lab_svamp", "lab_math", "lab_logiqa"])
def test_the_solver_writes_nothing_that_is_refused(task: str) -> None:
    pool, teacher = problems(60, task), OracleTeacher(0.6, 0.5)
    known = known_steps(teacher, pool)
    rewrites = teacher.rewrites(pool, [])
    for texts in (teacher.raw_traces(pool), *([r[name] for r in rewrites] for name in rewrites[0])):
        assert not any(fault_of(text or "", *case) for text, *case in zip(texts, pool, known, strict=True))


def test_a_made_error_is_seen_at_every_step() -> None:
    for problem in problems(12, level=3):
        (known,) = known_steps(OracleTeacher(0, 0), [problem])
        for at in range(len(known or [])):
            text = corrupted(problem, at).replace("#### 999", f"#### {problem['gold']}")
            assert fault_of(text, problem, known) == "false equation"


def test_only_a_teacher_with_the_only_solution_knows_what_departs_from_it() -> None:
    assert known_steps(DatasetTeacher(), [MARKED]) == [None]
    assert known_steps(OracleTeacher(0, 0), problems(1)) != [None]


def test_every_fault_is_counted() -> None:
    counts = refusals(["departure", None, "departure", "no step"])
    assert counts == {"wrong answer": 0, "no step": 1, "false equation": 0, "departure": 2}


@pytest.mark.parametrize(
    "run",
    sorted({file.parents[3] for file in Path(resource("results")).rglob("bridged/*/*/*")}),
    ids=lambda run: run.name,
)
def test_published_traces(run: Path) -> None:
    """Results that stand teach no false equation. Those that are withdrawn, with a note, do: what the rule is for."""
    refused, kept = Counter[str](), Counter[str]()
    for file in run.glob("bridged/*/*/*.parquet"):
        for row in (row for row in read_rows(file) if row["kept"]):
            kept[row["source"]] += 1
            refused[row["source"]] += any(map(false_equation, split_steps(row["text"])))
    print({source: f"{refused[source]} of {kept[source]}" for source in kept})  # pytest -s
    assert sum(kept.values())
    note = run / "NOTE.md"
    if note.is_file() and "withdrawn" in note.read_text(encoding="utf-8").lower():
        assert all(source.startswith("own") for source, n in refused.items() if n), "a teacher's are sound"
        assert refused["own completion"] > kept["own completion"] / 2
    else:
        assert not +refused


PROFILE = """
students: [lab-llama]
default_student: lab-llama
tasks: lab_gsm8k
evaluate: {limit: 2}
engine: {batch_size: 64, device: cpu}
stages:
  pool: {task: lab_gsm8k, size: 16}
  probe: {k: 4}
  sft: {epochs: 1}
  grpo: {steps: 2, group_size: 4, prompts_per_step: 2}
"""
METHODS = "more_of_the_same,rft,cft,dpo"


@pytest.fixture(scope="module")
def artefacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the stages of the method and of those that learn from own completions made."""
    place = tmp_path_factory.mktemp("sound")
    (place / "tiny.yaml").write_text(PROFILE)
    plan = make_plan(BenchRequest(METHODS, str(place / "tiny.yaml"), out=place / "runs"))
    run_bench(plan, SilentWatcher())
    return plan.folder / "artefacts"


@pytest.mark.slow
def test_no_stage_of_a_fresh_run_teaches_a_false_equation(artefacts: Path) -> None:
    taught = {file.parent.name: TRACES.read(file.parent) for file in artefacts.glob(f"*/{TRACES}")}
    texts = [
        (name, row["prefix"] + row["completion"])
        for name, rows in taught.items()
        for row in rows
        if row["source"] != "diag"  # it names the equation as false
    ]
    for file in artefacts.glob(f"*/{PAIRS}"):
        texts += [(file.parent.name, row["chosen"]) for row in PAIRS.read(file.parent)]
    kinds = {name.rpartition("-")[0] for name, _ in texts}
    assert {"teacher", "bridge", "critique", "own_correct", "full_critique", "own_pairs", "more"} <= kinds
    assert [case for case in texts if any(map(false_equation, split_steps(case[1])))] == []


@pytest.mark.slow
def test_more_of_the_same_has_as_many_rows_as_critique(artefacts: Path) -> None:
    """Round 2 of the control trains on as many rows as critique would have given it."""
    (more,) = (TRACES.read(file.parent) for file in artefacts.glob(f"more-*/{TRACES}"))
    counts = [len(TRACES.read(file.parent)) for file in artefacts.glob(f"critique-*/{TRACES}")]
    assert more and len(more) in counts and not {row["source"] for row in more} & {"diag", "repair", "new"}
