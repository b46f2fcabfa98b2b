"""Two results on the same items, paired by hand; which seeds are paired with which."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.errors import RequestError
from slmr.results.analysis.compare import compare, compare_all, compare_results
from slmr.results.render.report import write_report
from slmr.results.runs.method_results import RunRow, method_results, run_results
from slmr.results.runs.schema import read_summary, write_summary
from tests.results.made_runs import GRPO, SFT, a_run, seeded, several_methods


def test_a_paired_difference_by_hand(tmp_path: Path) -> None:
    """40 items, A right on 32, B on 12 of those: 20 discordant, all for A; sd of the differences 0.506."""
    a = a_run(tmp_path / "a", {"lab_gsm8k": [True] * 32 + [False] * 8})
    b = a_run(tmp_path / "b", {"lab_gsm8k": [True] * 12 + [False] * 28})
    (task,) = compare(str(a), str(b)).tasks
    assert (task.a, task.b, task.items) == (0.8, 0.3, 40)
    assert task.difference.mean == pytest.approx(0.5)
    assert task.difference.stderr == pytest.approx((0.25 * 40 / 39) ** 0.5 / 40**0.5)
    assert task.only_a == [f"lab_gsm8k/{i}" for i in range(12, 32)] and task.only_b == []


def test_p_values_are_holms_over_the_tasks(tmp_path: Path) -> None:
    tasks = ["lab_gsm8k", "lab_svamp", "lab_mawps"]
    a = a_run(tmp_path / "a", {task: [True] * 32 + [False] * 8 for task in tasks})
    b = a_run(tmp_path / "b", {task: [True] * 12 + [False] * 28 for task in tasks})
    found = compare(str(a), str(b))
    assert [t.p for t in found.tasks] == pytest.approx([3 * found.tasks[0].difference.p] * 3)


def test_methods_of_different_seeds_are_compared_over_those_that_both_have(tmp_path: Path) -> None:
    three = seeded(tmp_path / "a", {0: 30, 1: 20, 2: 32}, **SFT)
    more = seeded(tmp_path / "b", {0: 20, 2: 22, 5: 10, 7: 39}, **GRPO)
    found = compare_results(three, more, names=("A", "B"))
    both = compare_results(three.of_seeds([0, 2]), more.of_seeds([0, 2]))
    assert found.tasks == both.tasks and found.seeds == 2
    assert found.notices == ["compared on the seeds that both have: A has seeds 0, 1, 2, B 0, 2, 5, 7"]


def test_a_model_that_is_not_trained_pairs_with_every_seed(tmp_path: Path) -> None:
    """By hand: it is the same as to have measured it with each of the seeds."""
    trained = seeded(tmp_path / "a", {0: 30, 1: 20, 2: 32}, **SFT)
    model = seeded(tmp_path / "b", {0: 16})
    verdicts = [i < 16 for i in range(40)]
    again = [a_run(tmp_path / f"c{seed}", {"lab_gsm8k": verdicts}, seed=seed) for seed in range(3)]
    (each,) = method_results([RunRow(row, run) for run in again for row in read_summary(run / "summary.json").rows])
    found = compare_results(trained, model)
    assert found.tasks == compare_results(trained, each).tasks
    assert (found.seeds, found.notices) == (3, [])
    (task,) = found.tasks
    assert task.difference.mean == pytest.approx((30 + 20 + 32 - 3 * 16) / 120)
    assert compare_results(model, trained).tasks[0].difference.mean == pytest.approx(-task.difference.mean)


def test_methods_without_a_seed_in_common_pair_in_order(tmp_path: Path) -> None:
    one = seeded(tmp_path / "a", {0: 30, 1: 20, 2: 32}, **SFT)
    other = seeded(tmp_path / "b", {3: 20, 4: 22}, **GRPO)
    found = compare_results(one, other, names=("A", "B"))
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


def test_every_method_is_compared_with_one_over_the_same_seeds(tmp_path: Path) -> None:
    run = several_methods(tmp_path)
    found = compare_all(run_results(run), "stagewise")
    assert [(one.method, one.seeds) for one in found] == [("k4", 1), ("no_bridge", 1)]
    assert [one.difference.mean for one in found] == pytest.approx([0, -0.5])
    single = compare(f"{run}:no_bridge", f"{run}:stagewise").tasks[0].difference.p
    assert found[1].p == pytest.approx(2 * single)
    named = compare(f"{run}:no_bridge", f"{run}:stagewise")
    assert named.labels == ("no_bridge", "stagewise") and named.a == f"{run}:no_bridge"
    assert compare(named.a, named.b, ("one", "two")).labels == ("one", "two")
    assert compare(named.a, named.a).labels == compare(named.a, named.a, ("x", "x")).labels == ("A", "B")
    with pytest.raises(RequestError, match="did you mean 'stagewise'"):
        compare_all(run_results(run), "stagewize")


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
    assert found.notices == ["no mean: the tasks are of several suites: lab, paper"]

    write_report([Path(runs[0])], tmp_path / "out")
    text = (tmp_path / "out" / "report.md").read_text()
    assert "## m, lab edition" in text and "## m, paper edition" in text
    assert "m, lab edition, one seed" in text and "m, paper edition, one seed" in text
