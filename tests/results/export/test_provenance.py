"""Own recipes, profiles and tasks, published beside the results that they made."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.results.export.provenance import FOLDER, copy_inputs
from slmr.results.export.publish import publish
from slmr.results.runs.schema import SummaryRow, read_summary, write_summary
from slmr.tasks.from_file import write_task
from tests.made_results import summary_row
from tests.results.made_runs import made_run

COMMAND = "slmr bench --method mine --profile {profile} --student lab-llama --seed 0 --methods-path mymethods"


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the bench ran, with a recipe, its parent, a profile and the one that it extends."""
    monkeypatch.chdir(tmp_path)
    files = {
        "mymethods/mine.yaml": "extends: parent\nname: mine\nsummary: s\n",
        "mymethods/parent.yaml": "extends: sft\nname: parent\nsummary: s\n",
        "mymethods/other.yaml": "extends: sft\nname: other\nsummary: s\n",
        "conf/my.yaml": "extends: above.yaml\nbudget: 1000\n",
        "conf/above.yaml": "extends: lab-quick\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def row(command: str, method: str = "mine", task: str = "lab_gsm8k", **changes: object) -> SummaryRow:
    return summary_row(method, task, method_kind="sft").model_copy(update={"command": command, **changes})


def copied(target: Path) -> set[str]:
    return {f.relative_to(target / FOLDER).as_posix() for f in (target / FOLDER).rglob("*") if f.is_file()}


def test_recipe_and_profile_are_copied_with_what_they_extend_to_where_the_command_names_them(
    work: Path,
) -> None:
    assert copy_inputs([row(COMMAND.format(profile="conf/my.yaml"))], work / "out") == []
    assert copied(work / "out") == {
        "mymethods/mine.yaml",
        "mymethods/parent.yaml",
        "conf/my.yaml",
        "conf/above.yaml",
    }


def test_what_comes_with_slmr_is_not_looked_for(work: Path) -> None:
    command = "slmr bench --method sft --profile lab-quick --student lab-llama --methods-path gone --tasks-path gone"
    assert copy_inputs([row(command, method="sft")], work / "out") == [] and not (work / "out").exists()


def test_what_is_gone_is_said_unless_it_was_published_before(work: Path) -> None:
    rows = [row(COMMAND.format(profile="conf/my.yaml"))]
    copy_inputs(rows, work / "out")
    (work / "conf/my.yaml").unlink()
    assert copy_inputs(rows, work / "out") == []
    (line,) = copy_inputs(rows, work / "new")
    assert line.startswith("profile `conf/my.yaml` is not here") and "mymethods/mine.yaml" in copied(work / "new")


def test_a_file_of_another_folder_is_kept_by_its_name(work: Path) -> None:
    file = work / "conf/above.yaml"
    (line,) = copy_inputs([row(COMMAND.format(profile=file))], work / "out")
    assert line == f"profile `{file}` is `{FOLDER}/above.yaml`" and "above.yaml" in copied(work / "out")


def test_a_command_that_names_something_else_has_it_not_published(work: Path) -> None:
    """A run may be somebody else's, and its command a text of theirs."""
    (work / "secret.yaml").write_text("password: x\n")
    (work / "mymethods/mine.yaml").write_text("password: x\n")
    commands = [COMMAND.format(profile="secret.yaml"), "slmr bench --profile 'unclosed", "slmr eval"]
    assert copy_inputs([row(command) for command in commands], work / "out") == []
    assert not (work / "out").exists()


@pytest.mark.parametrize("free", [True, False, None])
def test_a_task_is_copied_and_its_data_where_the_licence_lets_it(work: Path, free: bool | None) -> None:
    (work / "quiz.csv").write_text("question,answer\n1 + 1?,2\n")
    write_task(Path("quiz.csv"), Path("mytasks"))
    command = "slmr eval lab-llama --tasks quiz --tasks-path mytasks"
    lines = copy_inputs([row(command, task="quiz", redistribute=free)], work / "out")
    assert ("mytasks/quiz/items.jsonl" in copied(work / "out")) == (free is True) == (lines == [])
    assert {"mytasks/quiz/task.yaml", "mytasks/quiz/data.py"} <= copied(work / "out")
    assert free or "without its data (items.jsonl)" in lines[0]


def test_a_file_of_questions_is_said_not_to_be_published(work: Path) -> None:
    (work / "My quiz.csv").write_text("question,answer\n1 + 1?,2\n")
    command = "slmr eval lab-llama --tasks 'lab_math,My quiz.csv'"
    (line,) = copy_inputs([row(command, task="my_quiz"), row(command, task="lab_math")], work / "out")
    assert (
        line
        == "file of questions `My quiz.csv` is not here: slmr publishes no questions without a licence that allows it"
    )
    assert not (work / "out").exists()


def test_a_model_of_the_disk_is_said_to_be_missing(work: Path) -> None:
    (work / "model").mkdir()
    for command in ("slmr eval model --tasks lab", "slmr bench --method base --student model"):
        assert copy_inputs([row(command, method="base")], work / "out") == [
            "model `model` is not here: no weights are published"
        ]


def test_a_published_run_says_where_its_commands_run_and_what_is_missing(work: Path) -> None:
    run = made_run(work / "runs/mine", {"base": 0.3, "grpo": 0.5}, seeds=[0])
    command = "slmr bench --method grpo --profile {} --student lab-llama --seed 0"
    named = {"base": "conf/my.yaml", "grpo": "gone.yaml"}
    rows = [
        r.model_copy(update={"command": command.format(named[r.method])})
        for r in read_summary(run / "summary.json").rows
    ]
    write_summary(run / "summary.json", rows)
    heard: list[str] = []
    page = (publish(run, work / "results", say=heard.append) / "README.md").read_text()
    assert heard == ["profile `gone.yaml` is not here: it was gone when this was published"]
    assert f"Run them in [{FOLDER}]({FOLDER})" in page and f"- {heard[0]}" in page
