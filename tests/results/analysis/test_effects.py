"""Main effects and interactions of the factorial: against numbers put in, sums by hand, and another student's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest

from slmr.artifacts import Cost
from slmr.curriculum.factors import FACTORIAL, FACTORS
from slmr.io import read_rows, write_rows
from slmr.results.analysis.compare import compare_results
from slmr.results.analysis.effects import Factorial, factorial, factorials
from slmr.results.analysis.ranking import run_rankings
from slmr.results.render.conclusions import effects_in_words
from slmr.results.render.figures import effects_by_group
from slmr.results.render.report import write_report
from slmr.results.render.tables import effects_tables, texts
from slmr.results.runs.files import RunFiles
from slmr.results.runs.schema import SummaryRow, write_summary
from tests.made_results import put_samples, summary_row

TASKS = ("lab_gsm8k", "lab_math")
EXPOSURES = ("known", "half-seen", "unseen compound")


def rate(levels: Sequence[bool], task: str, exposure: int) -> float:
    """Bridge adds 30 points on unseen skills of the domain, selection 5 everywhere; together 20 more in the domain."""
    bridge, selection, _ = levels
    inside = task == TASKS[0]
    return 0.3 + 0.3 * bridge * inside * (exposure == 2) + 0.05 * selection + 0.2 * bridge * selection * inside


def made(
    folder: Path,
    students: Sequence[str] = ("lab-llama",),
    seeds: Sequence[int] = (0, 1, 2),
    items: int = 90,
    recipes: Sequence[str] = FACTORIAL,
) -> Path:
    """A run of the eight recipes, two completions an item, whose rates are known."""
    rows = []
    for student in students:
        for name in ("base", *recipes):
            levels = [level == f.with_ for level, f in zip(name.split("_"), FACTORS, strict=False)] or [False] * 3
            levels = levels if len(levels) == 3 else [False] * 3
            for seed in seeds:
                rows += [_cell(folder, student, name, levels, seed, task, items) for task in TASKS]
    write_summary(folder / "summary.json", rows)
    return folder


def _cell(
    folder: Path, student: str, name: str, levels: Sequence[bool], seed: int, task: str, items: int
) -> SummaryRow:
    rng = np.random.default_rng([crc32(f"{student} {name} {task}".encode()), seed])
    by_item = np.array([rate(levels, task, i % 3) for i in range(items)])
    strict = rng.random((items, 2)) < by_item[:, None]
    kind = "base" if name == "base" else "ablation"
    row = put_samples(folder, summary_row(name, task, student=student, seed=seed, method_kind=kind), strict)
    file = row.samples_file(folder)
    found = read_rows(file)
    for sample in found:
        number = int(sample["item_id"].split("-")[1])
        sample |= {"reach": EXPOSURES[number % 3], "difficulty": 1 + number % 3, "sound": sample["strict"]}
    write_rows(file, found)
    return row


def effects_of(run: Path) -> Factorial:
    found = factorial([ranking for _, ranking in run_rankings(run)])
    assert found is not None
    return found


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("run"), items=240)


def test_the_effects_are_those_put_in(run: Path) -> None:
    found = effects_of(run)
    primary, sound, mean = found.outcomes
    assert [e.name for e in primary.effects] == [
        "bridge",
        "selection",
        "consolidation",
        "bridge × selection",
        "bridge × consolidation",
        "selection × consolidation",
        "bridge × selection × consolidation",
    ]
    # A third of the items gains 30; half of the recipes beside it have selection, which adds 20 to it.
    inside = {"bridge": 0.10 + 0.10, "selection": 0.05 + 0.10, "bridge × selection": 0.20}
    for effect in primary.effects:
        assert effect.difference.low - 0.01 < inside.get(effect.name, 0.0) < effect.difference.high + 0.01
    assert mean.items == 2 * primary.items and mean.effects[0].difference.mean < primary.effects[0].difference.mean
    assert sound.outcome == "lab_gsm8k, sound" and sound.effects == primary.effects
    by_exposure = {group.outcome: group.effects[0].difference for group in found.groups}
    assert list(by_exposure) == list(EXPOSURES)  # from the nearest to the farthest
    assert by_exposure["unseen compound"].low > 0.2 and by_exposure["known"].high < 0.2


def test_a_main_effect_is_the_mean_of_four_comparisons(run: Path) -> None:
    """By what `slmr compare` says of each pair, and an interaction of two by what it says of two such means."""
    ((_, ranking),) = run_rankings(run)
    results = {m.name: m.result.of_tasks(TASKS[:1]) for m in ranking.methods}

    def ahead(a: str, b: str) -> float:
        return compare_results(results[a], results[b]).overall.mean

    primary = {e.name: e.difference.mean for e in effects_of(run).outcomes[0].effects}
    rest = [(d, r) for d in ("all", "selected") for r in ("pool", "consolidated")]
    gains = {(d, r): ahead(f"bridged_{d}_{r}", f"raw_{d}_{r}") for d, r in rest}
    assert primary["bridge"] == pytest.approx(np.mean(list(gains.values())))
    with_, without = ([gains[d, r] for r in ("pool", "consolidated")] for d in ("selected", "all"))
    assert primary["bridge × selection"] == pytest.approx(np.mean(with_) - np.mean(without))
    third = (gains["selected", "consolidated"] - gains["all", "consolidated"]) - (
        gains["selected", "pool"] - gains["all", "pool"]
    )
    assert primary["bridge × selection × consolidation"] == pytest.approx(third)


def test_students_are_pooled_and_each_is_said_alone(tmp_path: Path) -> None:
    run = made(tmp_path, ["lab-llama", "lab-qwen"])
    together, *alone = factorials([ranking for _, ranking in run_rankings(run)])
    assert together.students == ["lab-llama", "lab-qwen"] and [f.students for f in alone] == [
        ["lab-llama"],
        ["lab-qwen"],
    ]
    for i, effect in enumerate(together.outcomes[0].effects):
        each = [f.outcomes[0].effects[i].difference for f in alone]
        assert effect.difference.mean == pytest.approx(np.mean([d.mean for d in each]))
        assert effect.difference.half < max(d.half for d in each)


def test_a_student_with_other_items_or_seeds_is_not_pooled(tmp_path: Path) -> None:
    made(tmp_path / "a", ["lab-llama"])
    made(tmp_path / "b", ["lab-qwen"], seeds=(0, 1))
    rankings = [ranking for folder in ("a", "b") for _, ranking in run_rankings(tmp_path / folder)]
    found = factorial(rankings)
    assert found is not None and found.students == ["lab-llama"]


def test_without_all_eight_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert factorials([r for _, r in run_rankings(made(tmp_path, recipes=FACTORIAL[:7]))]) == []


def test_one_seed_is_said_to_know_nothing_of_another_training(tmp_path: Path) -> None:
    found = effects_of(made(tmp_path, seeds=[4]))
    assert "one seed each, so the intervals do not cover another training run" in effects_in_words(found)
    assert all(e.difference.low < e.difference.mean < e.difference.high for e in found.outcomes[0].effects)


def test_a_training_that_the_budget_cut_short_is_named(tmp_path: Path) -> None:
    run = made(tmp_path)
    said = {
        "pool": ('{"task": "lab_math"}', "{}"),
        "grpo": ("{}", '{"stopped_by_budget": 31}'),
    }
    stages = [
        {
            "label": kind,
            "stage": kind,
            "key": kind,
            "inputs": [],
            "parameters": parameters,
            "stats": stats,
            "seed": 0,
            **Cost().model_dump(),
        }
        for kind, (parameters, stats) in said.items()
    ]
    file = RunFiles(run, FACTORIAL[0], "lab-llama", 0).table("stages")
    file.parent.mkdir(parents=True)
    write_rows(file, stages)
    found = effects_of(run)
    assert found.outcomes[0].outcome.startswith("lab_math")  # the pool's task is the domain
    (note,) = found.notes
    assert "raw_all_pool, seed 0: the budget ended grpo after 31 steps" in note and note in effects_in_words(found)


def test_the_report_says_draws_and_lists_them(run: Path, tmp_path: Path) -> None:
    found = effects_of(run)
    page = write_report([run], tmp_path / "out", html=True).read_text()
    text = (tmp_path / "out/report.md").read_text()
    words = effects_in_words(found)
    assert words in text and "## What each of the paper's claims adds" in text
    assert "on lab_gsm8k, strict accuracy, the primary outcome" in words and "bridge" in words.split(" effects, ")[1]
    assert "With selection, bridge adds" in words
    effects, by_group = (texts(table) for table in effects_tables(found))
    assert [row[0] for row in by_group[1:]] == list(EXPOSURES)
    assert " | ".join(effects[1]) in text and "What each factor adds, lab-llama" in page
    figure = effects_by_group(found)
    assert [trace.name for trace in figure.data] == [factor.name for factor in FACTORS]
    assert list(figure.data[0].x) == pytest.approx(
        [100 * o.effects[0].difference.mean for o in (found.outcomes[0], *found.groups)]
    )
