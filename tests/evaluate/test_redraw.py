"""Completions without a step are drawn again, and what that costs is counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slmr.engines import Completion, Prompt, Sampling
from slmr.evaluate.recorder import Question, Recorder
from slmr.evaluate.redraw import redraw

WORKED, GUESS = "2 + 3 = 5. #### 5", "#### 5"


class Scripted:
    """Says of each prompt what is written for its sample index."""

    width = unit = 1

    def __init__(self, texts: dict[str, list[str]]) -> None:
        self.texts, self.asked = texts, list[tuple[str, int]]()

    def generate(self, prompts: Any, sampling: Sampling, on_completion: Any = lambda *_: None) -> list[Completion]:
        self.asked += [(p.user, p.sample_index) for p in prompts]
        done = [Completion(self.texts[p.user][p.sample_index], "stop", 3) for p in prompts]
        for i, completion in enumerate(done):
            on_completion(i, completion)
        return done


def questions(users: str, k: int) -> list[Question]:
    def one(user: str, i: int) -> Question:
        return Question(
            Prompt(user, sample_index=i),
            Sampling(1.0, 8, 0),
            "t",
            lambda c: {"item_id": user, "k_index": i, "completion": c.text, "tokens": c.tokens},
        )

    return [one(user, i) for user in users for i in range(k)]


def run(folder: Path, engine: Scripted, asked: list[Question], k: int, times: int) -> list[dict[str, Any]]:
    folder.mkdir(exist_ok=True)
    recorder = Recorder(folder, lambda *_: None)
    recorder.add(asked)
    return redraw(recorder, asked, k, times, lambda: void(recorder.record(engine, 1)))


def void(_: object) -> None:
    pass


def test_only_guesses_are_drawn_again_and_all_tokens_count(tmp_path: Path) -> None:
    engine = Scripted({"a": [WORKED, GUESS, "-", GUESS, "-", WORKED], "b": [GUESS, WORKED, WORKED]})
    rows = run(tmp_path / "x", engine, questions("ab", 2), 2, 12)
    assert [(r["item_id"], r["k_index"], r["completion"], r["tokens"]) for r in rows] == [
        ("a", 0, WORKED, 3),
        ("a", 1, WORKED, 9),
        ("b", 0, WORKED, 6),
        ("b", 1, WORKED, 3),
    ]
    assert engine.asked == [("a", 0), ("a", 1), ("b", 0), ("b", 1), ("a", 3), ("b", 2), ("a", 5)]


def test_who_never_states_a_step_is_left_after_the_last_draw(tmp_path: Path) -> None:
    rows = run(tmp_path / "x", Scripted({"a": [GUESS] * 13}), questions("a", 1), 1, 12)
    assert (rows[0]["completion"], rows[0]["tokens"]) == (GUESS, 39)


def test_nothing_is_drawn_again_unless_asked(tmp_path: Path) -> None:
    engine = Scripted({"a": [GUESS]})
    assert run(tmp_path / "x", engine, questions("a", 1), 1, 0)[0]["tokens"] == 3 and len(engine.asked) == 1


def test_a_stopped_one_goes_on_where_it_was(tmp_path: Path) -> None:
    texts = {"a": [GUESS, GUESS, WORKED]}
    first = run(tmp_path / "x", Scripted(texts), questions("a", 1), 1, 12)
    again = Scripted(texts)
    assert run(tmp_path / "x", again, questions("a", 1), 1, 12) == first and again.asked == []
