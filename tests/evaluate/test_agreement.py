"""lm-eval's verdicts beside ours: it is told completions alone, and whatever differs is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slmr.errors import WorkError
from slmr.evaluate.agreement import Agreement, Scored, _shares, agreements
from slmr.evaluate.metrics import judged, task_metrics
from slmr.io import write_rows
from slmr.tasks import Task, load_task
from tests.tasks.own import SHOUTED, own_examples

LIMIT = 8
Row = dict[str, Any]
Change = Callable[[list[Row]], None]


def answered(task: Task, k: int = 1) -> list[Row]:
    """Judged answers to the first items: every second first completion is right, all others are wrong."""
    rows = [
        {
            "task": task.name,
            "item_id": item.id,
            "k_index": j,
            "prompt": task.prompt(item.problem),
            "gold": item.gold,
            "completion": f"#### {item.gold if j == 0 and i % 2 == 0 else -1}",
            "finish_reason": "stop",
            "tokens": 3,
        }
        for i, item in enumerate(task.items("test", LIMIT))
        for j in range(k)
    ]
    return judged(rows, {task.name: task})


def forged(rows: list[Row]) -> None:
    """Eight completions that are wrong, with verdicts that say that they are right."""
    for row in rows:
        row |= {"completion": "#### -1", "status": "correct", "strict": True, "lenient": True}


def asked_otherwise(rows: list[Row]) -> None:
    rows[2]["prompt"] = "Something else?"


def one_more(rows: list[Row]) -> None:
    rows.append(rows[-1] | {"item_id": "nowhere/9"})


def unchanged(rows: list[Row]) -> None:
    pass


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Agreement]:
    """All cases of this file in one run of lm-eval, by name."""
    folder = tmp_path_factory.mktemp("samples")
    own_examples(folder / "tasks", SHOUTED, "shouted")
    lab, logic, own = (
        load_task("lab_gsm8k"),
        load_task("lab_logiqa"),
        load_task("shouted", [folder / "tasks"]),
    )
    cases: dict[str, Scored] = {}

    def case(
        name: str, task: Task, change: Callable[[list[Row]], None] = unchanged, k: int = 1, off: float = 0
    ) -> None:
        rows = answered(task, k)
        accuracy = task_metrics(rows, task).accuracy
        change(rows)
        write_rows(folder / f"{name}.parquet", rows)
        cases[name] = Scored(task, accuracy + off, (folder / f"{name}.parquet",), len(rows))

    case("right", lab)
    case("another kind", logic)
    case("a user's own", own)
    case("several", lab, k=3)
    case("forged", lab, forged)
    case("another prompt", lab, asked_otherwise)
    case("one item more", own, one_more)
    case("another mean", lab, off=0.01)
    swapped = answered(lab, 2)
    for first, second in zip(swapped[::2], swapped[1::2], strict=True):
        first["completion"], second["completion"] = second["completion"], first["completion"]
    write_rows(folder / "swapped.parquet", swapped)
    cases["swapped"] = Scored(lab, 0.25, (folder / "swapped.parquet",), len(swapped))
    cases["a copy"] = Scored(lab, 0.5, (folder / "right.parquet", folder / "forged.parquet"), LIMIT)
    found = dict(agreements(list(cases.values()), processes=2))
    assert len(found) == len(cases)
    return lambda name: found[list(cases).index(name)]


@pytest.mark.parametrize("name", ["right", "another kind", "a user's own"])
def test_it_agrees_on_what_is_right(checked: Callable[[str], Agreement], name: str) -> None:
    assert checked(name).differences == () and checked(name).agreed > 0


def test_every_completion_of_an_item_is_graded_by_itself(checked: Callable[[str], Agreement]) -> None:
    """Two that swap their verdicts leave every mean as it was."""
    assert checked("several") == Agreement(3 * LIMIT, ())
    swapped = checked("swapped")
    assert swapped.agreed == 2 * LIMIT - LIMIT and len(swapped.differences) == LIMIT
    assert "(completion 0): lm-eval says accuracy 0, ours 1" in swapped.differences[0]


def test_forged_verdicts_are_named(checked: Callable[[str], Agreement]) -> None:
    found = checked("forged")
    assert found.agreed == 0
    items = load_task("lab_gsm8k").items("test", LIMIT)
    for item, line in zip(items, found.differences, strict=False):
        assert line == (f"lab_gsm8k {item.id}: lm-eval says accuracy 0, ours 1, accuracy_lenient 0, ours 1 (correct)")


def test_another_prompt_than_was_answered_is_named(checked: Callable[[str], Agreement]) -> None:
    found = checked("another prompt")
    item = load_task("lab_gsm8k").items("test", LIMIT)[2]
    assert found.agreed == LIMIT - 1 and len(found.differences) == 1
    assert found.differences[0].startswith(f"lab_gsm8k {item.id}: lm-eval's prompt is {item.problem[:40]!r}"[:-1])
    assert found.differences[0].endswith("the run's 'Something else?'")


def test_items_that_lm_eval_does_not_have_are_named(checked: Callable[[str], Agreement]) -> None:
    (line,) = checked("one item more").differences
    assert line.startswith("shouted: ") and "items were answered, lm-eval has" in line


def test_another_mean_is_named(checked: Callable[[str], Agreement]) -> None:
    assert checked("another mean") == Agreement(
        LIMIT, ("lab_gsm8k: lm-eval's mean accuracy is 0.5000, the run's 0.5100",)
    )


def test_a_copy_has_to_be_one(checked: Callable[[str], Agreement]) -> None:
    assert "lab_gsm8k: the run's copies of these completions differ" in checked("a copy").differences


@pytest.mark.parametrize("processes", [1, 2])
def test_what_lm_eval_could_not_do_is_said(processes: int, tmp_path: Path) -> None:
    (tmp_path / "damaged.parquet").write_text("no Parquet")
    damaged, sound = (tmp_path / f"{name}.parquet" for name in ("damaged", "sound"))
    broken, other = load_task("lab_gsm8k"), load_task("lab_logiqa")
    write_rows(sound, answered(other, 1))
    scored = [Scored(other, 1.0, (sound,), LIMIT), Scored(broken, 1.0, (damaged,), 1)]
    with pytest.raises(WorkError, match=r"could not check the completions \(exit code 1\): .*Parquet"):
        list(agreements(scored, processes))


def test_every_task_is_graded_by_one_process_and_all_have_about_as_much_to_do() -> None:
    gsm8k, mawps, svamp = (load_task(f"lab_{name}") for name in ("gsm8k", "mawps", "svamp"))
    scored = [Scored(task, 0.5, (), size) for task, size in ((gsm8k, 30), (mawps, 20), (svamp, 40), (mawps, 25))]
    assert _shares(scored, 1) == [[0, 1, 2, 3]]
    assert _shares(scored, 2) == [[1, 3], [0, 2]]
    assert sorted(_shares(scored, 8)) == [[0], [1, 3], [2]]
