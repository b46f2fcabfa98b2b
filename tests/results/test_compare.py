"""Two runs on the same items; rescoring and publishing one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slmr.errors import RequestError
from slmr.io import read_rows, write_rows
from slmr.results.compare import compare, compare_all, compare_entries, comparison_table, verdict
from slmr.results.entries import Entry, entries, run_entries
from slmr.results.publish import publish
from slmr.results.report import write_report
from slmr.results.rescore import rescore
from slmr.results.schema import SummaryRow, read_summary, run_file, write_summary
from slmr.tasks.registry import load_task
from slmr.verify import checker_version


def row(task: str, n: int, **changes: Any) -> SummaryRow:
    values: dict[str, Any] = {
        "method": "eval", "method_kind": "model", "student": "m", "seed": 0, "task": task, "edition": "lab",
        "n_items": n, "k": 1, "accuracy": 0.5, "accuracy_lenient": 0.5, "stderr": 0.1, "ci95": (0.3, 0.7),
        "truncated_rate": 0, "no_answer_rate": 0, "mean_tokens": 5, "train_tokens": 0, "rollout_tokens": 0,
        "teacher_tokens": 0, "wall_s": 0, "flops": 0, "task_version": "1-a", "manifest": "k", "command": "slmr eval m",
        "checker_version": checker_version(load_task(task).kind),
    }  # fmt: skip
    return SummaryRow.model_validate(values | changes)


def a_run(folder: Path, right: dict[str, list[bool]], **changes: Any) -> Path:
    """A run with one completion an item, right where it is said."""
    rows = []
    for task, verdicts in right.items():
        rows.append(row(task, len(verdicts), accuracy=sum(verdicts) / len(verdicts), **changes))
        samples = [
            {"task": task, "item_id": f"{task}/{i}", "k_index": 0, "prompt": "?", "gold": "7", "finish_reason": "stop",
             "completion": "#### 7" if good else "#### 8", "tokens": 5, "status": "correct" if good else "wrong",
             "strict": good, "lenient": good, "extracted": "7" if good else "8", "reason": ""}
            for i, good in enumerate(verdicts)
        ]  # fmt: skip
        file = rows[-1].samples_file(folder)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_rows(file, samples)
    write_summary(folder / "summary.json", rows)
    return folder


def test_a_paired_difference_by_hand(tmp_path: Path) -> None:
    """40 items, A right on 32, B on 12 of those: 20 discordant, all for A; sd of the differences 0.506."""
    a = a_run(tmp_path / "a", {"lab_gsm8k": [True] * 32 + [False] * 8})
    b = a_run(tmp_path / "b", {"lab_gsm8k": [True] * 12 + [False] * 28})
    (task,) = compare(str(a), str(b)).tasks
    assert (task.a, task.b, task.items) == (0.8, 0.3, 40)
    assert task.difference.mean == pytest.approx(0.5)
    assert task.difference.stderr == pytest.approx((0.25 * 40 / 39) ** 0.5 / 40**0.5)
    assert task.only_a == [f"lab_gsm8k/{i}" for i in range(12, 32)] and task.only_b == []
    assert "A is better by 50.0 points" in verdict(compare(str(a), str(b)))
    assert "B is better by 50.0 points" in verdict(compare(str(b), str(a)))


def test_what_cannot_be_told_apart_is_not_ranked(tmp_path: Path) -> None:
    a = a_run(tmp_path / "a", {"lab_gsm8k": [True, False] * 5, "lab_svamp": [True] * 10})
    b = a_run(tmp_path / "b", {"lab_gsm8k": [False, True] * 5, "lab_svamp": [True] * 10})
    found = compare(str(a), str(b))
    assert found.mean and found.mean.mean == 0
    assert "cannot be told apart" in verdict(found)
    assert comparison_table(found).row_count == 3


def test_p_values_are_holms_over_the_tasks(tmp_path: Path) -> None:
    tasks = ["lab_gsm8k", "lab_svamp", "lab_mawps"]
    a = a_run(tmp_path / "a", {task: [True] * 32 + [False] * 8 for task in tasks})
    b = a_run(tmp_path / "b", {task: [True] * 12 + [False] * 28 for task in tasks})
    found = compare(str(a), str(b))
    assert [t.p for t in found.tasks] == pytest.approx([3 * found.tasks[0].difference.p] * 3)


def test_a_method_of_a_bench_is_named_after_a_colon(tmp_path: Path) -> None:
    run = a_run(tmp_path / "a", {"lab_gsm8k": [True] * 6 + [False] * 4})
    rows = read_summary(run / "summary.json").rows
    sft = row("lab_gsm8k", 10, method="sft", method_kind="sft")
    sft.samples_file(run).parent.mkdir(parents=True)
    write_rows(sft.samples_file(run), read_rows(rows[0].samples_file(run)))
    write_summary(run / "summary.json", [*rows, sft])
    assert compare(f"{run}:eval", f"{run}:sft").tasks[0].difference.mean == 0
    with pytest.raises(RequestError, match="holds several methods: name one"):
        compare(str(run), f"{run}:sft")
    with pytest.raises(RequestError, match="did you mean 'sft'"):
        compare(f"{run}:sf", f"{run}:sft")


def test_a_student_is_named_after_another_colon(tmp_path: Path) -> None:
    run = tmp_path / "run"
    rows: list[SummaryRow] = []
    for student, right in (("lab-llama", 6), ("lab-qwen", 8)):
        changes = {"method": "sft", "method_kind": "sft", "student": student}
        a_run(run, {"lab_gsm8k": [True] * right + [False] * (10 - right)}, **changes)
        rows += read_summary(run / "summary.json").rows
    write_summary(run / "summary.json", rows)
    (task,) = compare(f"{run}:sft:lab-qwen", f"{run}:sft:lab-llama").tasks
    assert task.difference.mean == pytest.approx(0.2)
    with pytest.raises(RequestError, match=r"several students: name one, as in .*:sft:lab-qwen"):
        compare(f"{run}:sft", f"{run}:sft:lab-llama")
    with pytest.raises(RequestError, match="did you mean 'lab-qwen'"):
        compare(f"{run}:sft:lab-qwem", f"{run}:sft:lab-llama")


def test_what_was_trained_once_says_so(tmp_path: Path) -> None:
    right = {"lab_gsm8k": [True] * 32 + [False] * 8}
    model, other = a_run(tmp_path / "a", right), a_run(tmp_path / "b", {"lab_gsm8k": [True] * 40})
    trained = a_run(tmp_path / "c", right, method="sft", method_kind="sft")
    assert "another training run" in verdict(compare(str(model), str(trained)))
    assert "training" not in verdict(compare(str(model), str(other)))


def seeded(folder: Path, right: dict[int, int], **changes: Any) -> Entry:
    """A method with so many of 40 items right, from a place that depends on the seed: {seed: right}."""
    located = []
    for seed, n in right.items():
        verdicts = [(i + 7 * seed) % 40 < n for i in range(40)]
        run = a_run(folder / str(seed), {"lab_gsm8k": verdicts}, seed=seed, **changes)
        located += [(row, run) for row in read_summary(run / "summary.json").rows]
    return entries(located)[0]


SFT, GRPO = {"method": "sft", "method_kind": "sft"}, {"method": "grpo", "method_kind": "rl"}


def test_methods_of_different_seeds_are_compared_over_those_that_both_have(tmp_path: Path) -> None:
    three = seeded(tmp_path / "a", {0: 30, 1: 20, 2: 32}, **SFT)
    more = seeded(tmp_path / "b", {0: 20, 2: 22, 5: 10, 7: 39}, **GRPO)
    found = compare_entries("A", three, "B", more)
    both = compare_entries("A", three.of_seeds([0, 2]), "B", more.of_seeds([0, 2]))
    assert found.tasks == both.tasks and found.seeds == 2
    assert found.notices == ["compared with those seeds that both have: A has seeds 0, 1, 2, B 0, 2, 5, 7"]


def test_a_model_that_is_not_trained_pairs_with_every_seed(tmp_path: Path) -> None:
    """By hand: it is the same as to have measured it with each of the seeds."""
    trained = seeded(tmp_path / "a", {0: 30, 1: 20, 2: 32}, **SFT)
    model = seeded(tmp_path / "b", {0: 16})
    verdicts = [i < 16 for i in range(40)]
    again = [a_run(tmp_path / f"c{seed}", {"lab_gsm8k": verdicts}, seed=seed) for seed in range(3)]
    (each,) = entries([(row, run) for run in again for row in read_summary(run / "summary.json").rows])
    found = compare_entries("A", trained, "B", model)
    assert found.tasks == compare_entries("A", trained, "B", each).tasks
    assert (found.seeds, found.notices) == (3, [])
    (task,) = found.tasks
    assert task.difference.mean == pytest.approx((30 + 20 + 32 - 3 * 16) / 120)
    assert compare_entries("B", model, "A", trained).tasks[0].difference.mean == pytest.approx(
        -task.difference.mean
    )


def test_methods_without_a_seed_in_common_pair_in_order(tmp_path: Path) -> None:
    one = seeded(tmp_path / "a", {0: 30, 1: 20, 2: 32}, **SFT)
    other = seeded(tmp_path / "b", {3: 20, 4: 22}, **GRPO)
    found = compare_entries("A", one, "B", other)
    assert found.seeds == 2 and found.tasks[0].b == pytest.approx(42 / 80)
    assert found.tasks[0].a == pytest.approx(50 / 80)
    assert found.notices == ["no seed in common, so they are paired in order: A has seeds 0, 1, 2, B 3, 4"]


@pytest.mark.parametrize(
    ("tasks", "changes", "message"),
    [
        ({"lab_svamp": [True] * 3}, {}, "no task in common"),
        ({"lab_gsm8k": [True] * 4}, {}, "not the same items: 3 and 4, 3 of them in both"),
        (
            {"lab_gsm8k": [True] * 3},
            {"task_version": "2-b"},
            "task_version differs.*evaluate one of them again",
        ),
        ({"lab_gsm8k": [True] * 3}, {"checker_version": "old"}, "checker_version differs.*slmr rescore"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    tmp_path: Path, tasks: dict[str, list[bool]], changes: dict[str, str], message: str
) -> None:
    a = a_run(tmp_path / "a", {"lab_gsm8k": [True] * 3})
    b = a_run(tmp_path / "b", tasks, **changes)
    with pytest.raises(RequestError, match=message):
        compare(str(a), str(b))


def test_a_run_without_samples_or_summary_is_refused(tmp_path: Path) -> None:
    a = a_run(tmp_path / "a", {"lab_gsm8k": [True] * 3})
    read_summary(a / "summary.json").rows[0].samples_file(a).unlink()
    with pytest.raises(RequestError, match=r"lab_gsm8k.parquet is missing"):
        compare(str(a), str(a))
    with pytest.raises(RequestError, match="no summary at"):
        compare(str(tmp_path / "none"), str(a))
    with pytest.raises(RequestError, match="cannot be verified again"):
        rescore(a)


def test_rescoring_mends_verdicts_and_the_summary(tmp_path: Path) -> None:
    run = a_run(tmp_path / "a", {"lab_gsm8k": [True, False, True, True]}, checker_version="old")
    file = read_summary(run / "summary.json").rows[0].samples_file(run)
    samples = read_rows(file)
    samples[0] |= {"strict": False, "lenient": False, "status": "wrong"}  # as an older checker had it
    write_rows(file, samples)
    (change,) = rescore(run)
    assert [sample["item_id"] for sample in change.differing] == ["lab_gsm8k/0"]
    assert (change.before, change.after, change.checker_before) == (0.75, 0.75, "old")
    assert "1 verdicts differ" in change.line() and "checker old -> numeric" in change.line()
    (after,) = read_summary(run / "summary.json").rows
    assert after.accuracy == 0.75 and after.checker_version == checker_version("numeric")
    assert after.task_version == "1-a"  # the task that the completions were made for
    assert [s["strict"] for s in read_rows(file)] == [True, False, True, True]
    assert rescore(run)[0].differing == []


def test_a_published_run_holds_what_a_reader_needs(tmp_path: Path) -> None:
    run = a_run(tmp_path / "eval-m", {"lab_gsm8k": [True, False]})
    target = publish(run, tmp_path / "results")
    assert target == tmp_path / "results" / "eval-m"
    text = (target / "README.md").read_text()
    assert "| eval | m | 0 | lab_gsm8k | 2 | 50.0 |" in text and "slmr eval m" in text
    (published,) = read_summary(target / "summary.json").rows
    assert published.samples(target) == published.samples(run)
    assert "prompt" not in read_rows(published.samples_file(target))[0]  # once for all methods
    assert publish(run, tmp_path / "results") == target  # again: in its place
    assert compare(str(target), str(run)).tasks[0].difference.mean == 0


def test_texts_without_a_licence_are_not_published(tmp_path: Path) -> None:
    run = a_run(tmp_path / "eval-m", {"logiqa": [True, False]}, edition="paper")
    target = publish(run, tmp_path / "results", "mine")
    (published,) = read_summary(target / "summary.json").rows
    samples = read_rows(published.samples_file(target))
    assert [s["strict"] for s in samples] == [True, False]
    assert not {"prompt", "completion", "gold", "extracted", "reason"} & set(samples[0])
    with pytest.raises(RequestError, match="without some of its texts"):
        rescore(target)


def test_texts_of_the_first_completions_alone_can_be_published(tmp_path: Path) -> None:
    run = a_run(tmp_path / "eval-m", {"lab_gsm8k": [True, False]})
    (of_run,) = read_summary(run / "summary.json").rows
    file = of_run.samples_file(run)
    write_rows(file, [{**sample, "k_index": k} for sample in read_rows(file) for k in range(3)])
    target = publish(run, tmp_path / "results", "few", texts=1)
    kept = of_run.samples(target)
    assert [s["completion"] for s in kept] == ["#### 7", None, None, "#### 8", None, None]
    assert [s["strict"] for s in kept] == [True] * 3 + [False] * 3
    with pytest.raises(RequestError, match="without some of its texts: rescore the run itself"):
        rescore(target)
    assert of_run.samples(target) == kept
    assert compare(str(target), str(run)).tasks[0].difference.mean == 0
    again = publish(run, tmp_path / "results", "few")
    assert of_run.samples(again) == of_run.samples(run)


@pytest.mark.parametrize("what", ["samples", "course"])
def test_a_damaged_file_is_named(tmp_path: Path, what: str) -> None:
    run = a_run(tmp_path / "eval-m", {"lab_gsm8k": [True, False]})
    (of_run,) = read_summary(run / "summary.json").rows
    file = of_run.samples_file(run) if what == "samples" else run_file(run, what, "eval", "m", 0)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"PAR1 and no more")
    with pytest.raises(RequestError, match=rf"{file.name} is damaged: "):
        publish(run, tmp_path / "results")
    assert not (tmp_path / "results" / "eval-m").exists()
    if what == "samples":
        with pytest.raises(RequestError, match=rf"{file.name} is damaged: "):
            rescore(run)


def several_methods(folder: Path) -> Path:
    """stagewise right on 30 of 40 items, no_bridge on 10 of those, k4 on the same 30; k16 on another seed."""
    rows = []
    methods = (("stagewise", 30, 0), ("no_bridge", 10, 0), ("k4", 30, 0), ("k16", 30, 1))
    for method, right, seed in methods:
        verdicts = {"lab_gsm8k": [True] * right + [False] * (40 - right)}
        kind = "stagewise" if method == "stagewise" else "ablation"
        a_run(folder, verdicts, method=method, method_kind=kind, seed=seed, command=f"make {method}")
        rows += read_summary(folder / "summary.json").rows
    write_summary(folder / "summary.json", rows)
    return folder


def test_every_method_is_compared_with_one_over_the_same_seeds(tmp_path: Path) -> None:
    run = several_methods(tmp_path)
    found = compare_all(run_entries(run), "stagewise")
    assert [(one.method, one.seeds) for one in found] == [("k4", 1), ("no_bridge", 1)]
    assert [one.difference.mean for one in found] == pytest.approx([0, -0.5])
    single = compare(f"{run}:no_bridge", f"{run}:stagewise").tasks[0].difference.p
    assert found[1].p == pytest.approx(2 * single)
    with pytest.raises(RequestError, match="did you mean 'stagewise'"):
        compare_all(run_entries(run), "stagewize")


def test_a_report_has_the_table_the_differences_and_the_commands(tmp_path: Path) -> None:
    run = several_methods(tmp_path)
    text = write_report([run], tmp_path / "out", "stagewise").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("| no_bridge | 1 | -")]
    assert line.split("|")[3].strip() == "-50.0"
    assert "```bash\nmake stagewise\nmake no_bridge" in text
    assert "minus stagewise" not in write_report([run], tmp_path / "out").read_text()


def test_tasks_of_both_editions_have_no_mean_together(tmp_path: Path) -> None:
    runs = []
    for name, right in (("a", 8), ("b", 4)):
        lab = a_run(tmp_path / name, {"lab_gsm8k": [True] * right + [False] * (12 - right)})
        rows = read_summary(lab / "summary.json").rows
        a_run(tmp_path / name, {"svamp": [True] * right + [False] * (12 - right)}, edition="paper")
        rows += read_summary(lab / "summary.json").rows
        write_summary(lab / "summary.json", rows)
        runs.append(str(lab))

    found = compare(*runs)
    assert len(found.tasks) == 2 and found.mean is None
    assert found.notices == ["no mean: the tasks are of the lab and the paper edition"]
    assert "task by task" in verdict(found)

    write_report([Path(runs[0])], tmp_path / "out")
    text = (tmp_path / "out" / "report.md").read_text()
    assert "## m, lab edition" in text and "## m, paper edition" in text
    assert "m, lab edition, one seed" in text and "m, paper edition, one seed" in text
