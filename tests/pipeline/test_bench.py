"""A whole bench on a tiny profile: what lands where, a user's own method, the budget."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from slmr.artifacts import Store
from slmr.cli.display import BenchDisplay
from slmr.config import EvaluationSettings
from slmr.curriculum.schema import PROBLEMS
from slmr.errors import WorkError
from slmr.io import read_json, read_rows, write_rows
from slmr.lab import N_TEST
from slmr.pipeline.bench import BenchRequest, contamination, make_plan, run_bench, write_results
from slmr.results.analysis.capability import capability
from slmr.results.render.report import write_report
from slmr.results.runs.files import RunFiles
from slmr.results.runs.method_results import run_results
from slmr.results.runs.schema import Summary, read_summary

ROUNDS = 10


def flip(file: Path) -> None:
    """One bit in the middle."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def to_folder(file: Path) -> None:
    file.unlink()
    (file / "in it").mkdir(parents=True)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "truncated": lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
    "emptied": lambda file: file.write_bytes(b""),
    "deleted": lambda file: file.unlink(),
    "a bit flipped": flip,
    "a folder in its place": to_folder,
}
PROFILE = """
students: [lab-llama]
default_student: lab-llama
tasks: lab_gsm8k
{extra}
evaluate: {{limit: 8, k: 2, temperature: 1.0}}
capability: {{tasks: lab_gsm8k, limit: 8, k: 4}}
engine: {{name: transformers, batch_size: 64, device: cpu, dtype: float32}}
stages:
  pool: {{task: lab_gsm8k, size: 16, validation: 8}}
  probe: {{k: 2, max_tokens: 40}}
  teacher: {{teacher: oracle}}
  bridge: {{teacher: oracle}}
  critique: {{teacher: oracle}}
  sft: {{epochs: 1, batch_size: 8, validate_every: 1, keep: last, max_tokens: 40}}
  grpo: {{steps: 3, group_size: 4, prompts_per_step: 2, max_tokens: 40, validate_every: 1}}
"""

MINE = """
name: mine
kind: sft
summary: A user's own.
stages:
  pool: {stage: pool}
  raw: {stage: teacher, problems: pool, model: student}
  sft: {stage: sft, model: student, traces: raw, validation: pool, with: {learning_rate: 1.0e-3}}
result: sft
"""


def plan_of(folder: Path, methods: str, extra: str = ""):
    (folder / "tiny.yaml").write_text(PROFILE.format(extra=extra))
    (folder / "mine").mkdir(exist_ok=True)
    (folder / "mine" / "mine.yaml").write_text(MINE)
    return make_plan(
        BenchRequest(methods, str(folder / "tiny.yaml"), out=folder / "runs", methods_paths=(folder / "mine",))
    )


def test_the_items_compared_with_the_pool_are_those_that_are_evaluated(tmp_path: Path) -> None:
    """A lab task has more items to draw than its test set."""
    plan = plan_of(tmp_path, "sft")
    pool = next(node for node in plan.nodes if node.kind == "pool").output(plan.store)
    pool.mkdir(parents=True)
    drawn = plan.tasks[0].items("train", 2)
    write_rows(pool / PROBLEMS, [{"id": i.id, "task": "lab_gsm8k", "problem": i.problem} for i in drawn])
    more = plan.profile.model_copy(update={"evaluate": EvaluationSettings(limit=N_TEST + 1)})
    larger = replace(plan, execution=replace(plan.execution, profile=more))
    (found,) = contamination(plan.store, larger)
    assert found.n_test == len(plan.tasks[0].test_items(N_TEST + 1)) == N_TEST


def test_a_users_method_stands_in_the_same_tables(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, "mine,grpo")
    with BenchDisplay() as display:
        run_bench(plan, display)
    rows = read_summary(plan.folder / "summary.json").rows
    assert [row.method for row in rows] == ["base", "grpo", "mine"]
    assert "--methods-path" in next(row.command for row in rows if row.method == "mine")
    assert all(row.samples_file(plan.folder).is_file() for row in rows)
    able = capability(run_results(plan.folder))
    assert {entry.method for entry in able} == {"base", "grpo", "mine"}
    assert all(list(entry.passed) == [1, 2, 4] for entry in able)
    # The course begins with what was spent before the stage, and ends with what the method cost.
    course = read_rows(RunFiles(plan.folder, "grpo", "lab-llama", 0).table("course"))
    assert all(point["reward"] is not None for point in course[1:])
    grpo = next(row for row in rows if row.method == "grpo")
    assert [p["step"] for p in course] == [0, 1, 2, 3] and course[0]["tokens"] == 0
    assert course[-1]["tokens"] == grpo.train_tokens + grpo.rollout_tokens
    mine = read_rows(RunFiles(plan.folder, "mine", "lab-llama", 0).table("course"))
    teacher = next(row for row in rows if row.method == "mine").teacher_tokens
    assert mine[0]["tokens"] == teacher > 0
    text = write_report([plan.folder], tmp_path / "report").read_text()
    assert "| mine | sft |" in text and "| grpo | rl |" in text


def test_where_a_staged_methods_numbers_come_from_is_kept(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, "stagewise")
    with BenchDisplay() as display:
        run_bench(plan, display)
    table = lambda what: read_rows(RunFiles(plan.folder, "stagewise", "lab-llama", 0).table(what))  # noqa: E731
    stages = table("stages")
    seen: set[str] = set()
    for row in stages:  # inputs first, down to the untrained student
        assert set(row["inputs"]) <= seen
        seen.add(row["key"])
    row = read_summary(plan.folder / "summary.json").rows[-1]
    training = [stage for stage in stages if stage["stage"] != "evaluate"]
    assert sum(stage["rollout_tokens"] for stage in training) == row.rollout_tokens
    moves = table("moves")
    for number, to in ((1, "primed"), (1, "next"), (2, "primed")):  # every problem is somewhere at every time
        assert sum(m["n"] for m in moves if (m["round"], m["to"]) == (number, to)) == 16
    for trace in table("bridged"):
        assert "".join(trace["pieces"]) == trace["text"] and len(trace["pieces"]) == len(trace["token_nlls"])
        assert sum(trace["token_nlls"]) / len(trace["token_nlls"]) == pytest.approx(trace["nll"])
    assert all(row["task"] == "lab_gsm8k" and row["new"] for row in table("critiques"))


def test_training_ends_where_the_budget_does(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, "grpo", "budget: 400")
    with BenchDisplay() as display:
        run_bench(plan, display)
    node = next(n for n in plan.nodes if n.kind == "grpo")
    stats = read_json(Store(plan.folder / "artefacts").path("grpo", node.key) / "stats.json")
    assert stats["stopped_by_budget"] == stats["steps"] == 1
    assert plan_of(tmp_path, "grpo").folder != plan.folder


def test_a_stage_with_nothing_left_says_so(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, "mine", "budget: 10")
    with BenchDisplay() as display, pytest.raises(WorkError, match=r"stage sft \(mine\): .* budget is 10"):
        run_bench(plan, display)


def test_benches_that_end_together_on_one_folder_lose_nothing(tmp_path: Path) -> None:
    """Each adds its method to a summary that the other one is writing, too."""
    plan = plan_of(tmp_path, "base,mine")
    with BenchDisplay() as display:
        whole = run_bench(plan, display)
    store, summary = Store(plan.folder / "artefacts"), plan.folder / "summary.json"
    with ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS):
            summary.unlink()
            list(pool.map(lambda method: write_results(store, plan, [method]), plan.methods))
            found = {row.identity for row in read_summary(summary).rows}
            assert found == {row.identity for row in whole.rows}
    assert not [path for path in plan.folder.rglob("*.partial") if path.is_file()]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary]:
    place = tmp_path_factory.mktemp("finished")
    plan = plan_of(place, "base,mine")
    with BenchDisplay() as display:
        return place, run_bench(plan, display)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    "where",
    [
        "artefacts/sft-*/model/model.safetensors",
        "artefacts/sft-*/manifest.json",
        "artefacts/evaluate-*/metrics.json",
        "artefacts/pool-*/problems.parquet",
        "samples/mine/lab-llama/seed-0/lab_gsm8k.parquet",
        "samples/mine/lab-llama/seed-0/evaluation",
        "capability/base/lab-llama/seed-0.parquet",
    ],
)
def test_whatever_is_damaged_the_same_command_ends_with_the_same(
    finished: tuple[Path, Summary], where: str, damage: str, tmp_path: Path
) -> None:
    place, whole = finished
    plan = plan_of(place, "base,mine")
    file = sorted(plan.folder.glob(where))[0]
    before = file.read_bytes()
    DAMAGES[damage](file)
    if file.is_dir() and "artefacts" not in where:  # nothing is removed that somebody may want
        with (
            BenchDisplay() as display,
            pytest.raises(WorkError, match=rf"{file}: there is a folder .* move it away"),
        ):
            run_bench(plan, display)
        file.rename(tmp_path / "moved away")
    with BenchDisplay() as display:
        again = run_bench(plan, display)
    assert outcome(again) == outcome(whole)
    assert file.read_bytes() == before or file.name == "manifest.json"  # that one says how long it took


def test_another_stages_manifest_is_no_manifest(finished: tuple[Path, Summary]) -> None:
    place, whole = finished
    plan = plan_of(place, "base,mine")
    first, second = sorted((plan.folder / "artefacts").glob("evaluate-*/manifest.json"))[:2]
    second.write_bytes(first.read_bytes())
    with BenchDisplay() as display:
        assert outcome(run_bench(plan, display)) == outcome(whole)


def outcome(summary: Summary) -> list[tuple[object, ...]]:
    """What of a summary does not depend on the time that it took."""
    return [(row.identity, row.accuracy, row.tokens, row.manifest, row.train_tokens) for row in summary.rows]


BASELINES = (
    "dft",
    "rft",
    "cft",
    "opsd",
    "gspo",
    "cispo",
    "sdpo",
    "hpt",
    "luffy_model_teacher",
    "bread_model_teacher",
)
STAGES = """
  full_critique: {teacher: oracle}
  opsd: {epochs: 1, batch_size: 8, max_tokens: 40}
  hpt: &rl {steps: 2, group_size: 4, prompts_per_step: 2, max_tokens: 40}
  sdpo: *rl
  luffy: *rl
  bread: *rl
"""


def test_the_baselines_run_from_the_pool_to_the_table(tmp_path: Path) -> None:
    local = PROFILE.replace(
        "{{teacher: oracle}}", "{{teacher: oracle, teacher_model: lab-teacher, teacher_prompt: task}}"
    )
    (tmp_path / "tiny.yaml").write_text(local.format(extra="") + STAGES)
    plan = make_plan(BenchRequest(",".join(BASELINES), str(tmp_path / "tiny.yaml"), out=tmp_path / "runs"))
    with BenchDisplay() as display:
        run_bench(plan, display)
    rows = {row.method: row for row in read_summary(plan.folder / "summary.json").rows}
    assert set(rows) == {"base", *BASELINES}
    for method in BASELINES:
        assert rows[method].train_tokens > 0, method
        assert bool(rows[method].rollout_tokens) == (method != "dft"), method
    assert {m for m in BASELINES if rows[m].method_kind == "distill"} == set(BASELINES[-2:])
    assert rows["luffy_model_teacher"].teacher_tokens > 0
