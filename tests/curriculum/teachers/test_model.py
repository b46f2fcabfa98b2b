"""A model as the teacher: what it is asked, that it is asked once, and that its tokens are counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from slmr.config import EngineSettings
from slmr.curriculum.teachers import TeacherSettings, teacher_counts, worked_traces
from slmr.curriculum.teachers.model import ModelTeacher, template
from slmr.curriculum.traces import TeacherParams, teacher_stage
from slmr.engines import Completion, Prompt, Sampling, open_engine
from slmr.io import read_rows
from slmr.lab import model_path
from tests.curriculum.common import MARKED, context, folder, problems
from tests.engines.fake_server import FakeServer, Reply, answer


class Recorded:
    """An engine that answers from a list and remembers what it was asked."""

    parameters, width, unit = 0, 1, 1

    def __init__(self, *answers: str) -> None:
        self.answers, self.asked = list(answers), []

    def generate(self, prompts: list[Prompt], sampling: Sampling, on_completion: Any = None) -> list[Completion]:
        done = []
        for i, prompt in enumerate(prompts):
            self.asked.append(prompt.user)
            done.append(Completion(self.answers.pop(0), "stop", 5))
            on_completion(i, done[-1])
        return done

    def close(self) -> None: ...


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SLMR_CACHE", str(tmp_path))
    return tmp_path / "teacher"


def asked(*answers: str) -> tuple[ModelTeacher, Recorded]:
    engine = Recorded(*answers)
    return ModelTeacher(engine, "key", Sampling(0.0, 64, 0)), engine  # type: ignore[arg-type]


def test_a_question_is_asked_once_and_its_tokens_count_each_time(cache: Path) -> None:
    first, engine = asked("1 + 1 = 2.\n#### 2")
    assert first.raw_traces([MARKED, MARKED]) == ["1 + 1 = 2.\n#### 2"] * 2
    assert len(engine.asked) == 1 and (first.generated, first.asked, first.from_cache) == (10, 2, 1)
    assert "Pens?" in engine.asked[0] and "#### (the number)" in engine.asked[0]
    again, engine = asked()
    assert again.raw_traces([MARKED]) == ["1 + 1 = 2.\n#### 2"] and engine.asked == []
    assert (again.generated, again.from_cache) == (5, 1)


def test_a_kept_answer_that_cannot_be_read_is_asked_for_again(cache: Path) -> None:
    asked("#### 2")[0].raw_traces([MARKED])
    (file,) = cache.glob("*.json")
    file.write_text("{")
    teacher, engine = asked("#### 3")
    assert teacher.raw_traces([MARKED]) == ["#### 3"] and len(engine.asked) == 1
    assert json.loads(file.read_text()) == {"text": "#### 3", "tokens": 5}


@pytest.mark.parametrize(("answer", "index"), [("2", 1), ("Step 1.", 0), ("3", None), ("none", None), ("0", None)])
def test_the_step_that_a_model_names(cache: Path, answer: str, index: int | None) -> None:
    teacher, engine = asked(answer)
    assert teacher.first_wrong([MARKED], ["3 + 4 = 8. 8 * 2 = 16. #### 16"]) == [index]
    assert "1. 3 + 4 = 8.\n2. 8 * 2 = 16." in engine.asked[0]


def test_braces_of_a_problem_stay_what_they_are(cache: Path) -> None:
    teacher, engine = asked("#### 1")
    teacher.rewrites([MARKED | {"problem": r"Is {gold} or \frac{a}{b}?"}], ["{problem}"])
    assert r"Is {gold} or \frac{a}{b}?" in engine.asked[0] and "\n{problem}" in engine.asked[0]
    assert "{trace}" in template("rewrite")


def test_a_local_model_teaches_and_is_part_of_the_key(cache: Path) -> None:
    settings = TeacherSettings(teacher="local", teacher_model="lab-llama", teacher_max_tokens=60).identified()
    assert (
        settings.teacher_key
        and settings.teacher_key != settings.model_copy(update={"teacher_model": "lab-qwen"}).identified().teacher_key
    )  # type: ignore[union-attr]
    teacher = settings.open(EngineSettings(device="cpu", batch_size=8))
    assert len(teacher.raw_traces(problems(3))) == 3 and teacher.generated > 0
    teacher.close()


def test_a_server_teaches_through_a_busy_spell_and_is_asked_once(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    pool = [MARKED | {"id": f"g/{i}", "problem": f"Pens {i}?", "prompt": "?", "difficulty": None} for i in range(3)]
    inputs = {"problems": folder(tmp_path / "pool", problems=pool), "partition": []}

    def script(number: int, body: dict[str, Any]) -> Reply:
        return Reply({"error": "busy"}, 429) if number == 0 else Reply(answer("14 - 1 = 13.\n#### 13"))

    with FakeServer(script) as server:
        params = TeacherParams(teacher="openai", teacher_model=server.url).identified()  # type: ignore[arg-type]
        runs = [context(tmp_path / f"out{n}", **inputs) for n in range(2)]
        for made in runs:
            teacher_stage(made, params)  # type: ignore[arg-type]
        assert len(server.bodies) == 4  # three questions, one of them twice; none in the second run
        assert all(body["temperature"] == 0 and body["max_tokens"] == 512 for body in server.bodies)
    assert [made.cost.teacher_tokens for made in runs] == [6, 6]
    assert [made.stats["teacher_from_cache"] for made in runs] == [0, 3]
    assert [made.stats["teacher_asked"] for made in runs] == [3, 3]
    assert read_rows(runs[0].folder / "traces.parquet") == read_rows(runs[1].folder / "traces.parquet")


def test_models_and_precisions_never_share_answers(cache: Path) -> None:
    for model, dtype in (("lab-llama", "float32"), ("lab-llama", "bfloat16"), ("lab-qwen", "float32")):
        settings = TeacherSettings(teacher="local", teacher_model=model, teacher_max_tokens=8)
        engine = EngineSettings(device="cpu", batch_size=2, dtype=dtype)  # type: ignore[arg-type]
        for kept in (0, 1):
            teacher = settings.open(engine)
            teacher.raw_traces(problems(1))
            assert teacher_counts(teacher) == {"teacher_asked": 1, "teacher_from_cache": kept}
            teacher.close()


def test_a_beginning_that_a_model_repeats_stands_there_once(cache: Path) -> None:
    teacher, _ = asked("3 + 4 = 7.\n7 * 2 = 14.\n#### 14", "7 * 2 = 14.\n#### 14")
    rest = ["7 * 2 = 14.\n#### 14"] * 2
    starts = ["3 + 4 = 7.\n", "3 + 4 = 7. "]
    assert teacher.continuations([MARKED | {"gold": "14"}] * 2, starts) == rest


def test_an_attempt_without_steps_is_not_asked_about(cache: Path) -> None:
    teacher, engine = asked("1")
    assert teacher.first_wrong([MARKED, MARKED], ["#### 3", "3 + 4 = 8. #### 8"]) == [None, 0]
    assert len(engine.asked) == 1


def test_a_model_that_knows_the_task_is_asked_as_the_student_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SLMR_CACHE", str(tmp_path))
    pool = problems(8, level=1)
    settings = TeacherSettings(teacher="local", teacher_model="lab-llama", teacher_prompt="task", teacher_max_tokens=64)
    teacher = settings.open(EngineSettings(device="cpu"))
    traces = teacher.raw_traces(pool)
    engine = open_engine(model_path("lab-llama"), EngineSettings(device="cpu"))
    asked = engine.generate([Prompt(p["prompt"]) for p in pool], Sampling(0.0, 64, 0))
    assert [t.split("\n####")[0] for t in traces if t] == [c.text.strip().split("\n####")[0] for c in asked]


@pytest.mark.parametrize(
    ("answer", "worked"),
    [
        ("3 + 4 = 8.\n#### 8", None),
        ("3 + 4 = 7. 7 * 2 = 14. 14 - 1 = 13.\n#### 13", "3 + 4 = 7.\n7 * 2 = 14.\n14 - 1 = 13.\n#### 13"),
    ],
)
def test_a_models_wrong_solution_is_no_worked_one(cache: Path, answer: str, worked: str | None) -> None:
    """Closed with the right answer, its steps would verify and teach the wrong way there."""
    assert worked_traces(asked(answer)[0], [MARKED]) == [worked]
