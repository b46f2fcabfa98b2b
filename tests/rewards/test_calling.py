"""A function is called as the trainer that it is for would call it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slmr.errors import RequestError
from slmr.rewards import compute_score, reward
from slmr.rewards.calling import Named, batch_caller, caller, load, not_taken, score_of, scores_of, style_of


def trl_messages(completions: list[Any], solution: list[str], **kwargs: Any) -> list[float | None]:
    return [float(c[0]["content"] == s) for c, s in zip(completions, solution, strict=True)]


def trl_texts(prompts: list[str], completions: list[str], target: list[str]) -> list[float]:
    return [float(c == t) for c, t in zip(completions, target, strict=True)]


def verl(data_source: str, solution_str: str, ground_truth: str, extra_info: Any = None) -> dict[str, float]:
    return {"score": float(solution_str == ground_truth), "acc": 0.0}


async def verifiers(completion: list[dict[str, str]], answer: str, state: dict[str, Any]) -> float:
    assert state["answer"] == answer
    return float(completion[-1]["content"] == answer)


def pair(response: str, gold: str) -> bool:
    return response == gold


def reversed_pair(ground_truth: str, response: str) -> float:
    return 1.0 if response == ground_truth and response != "gold" else 0.0


def lm_eval(doc: dict[str, Any], results: list[str]) -> dict[str, float]:
    return {"exact_match": float(results[0] == doc["answer"])}


@pytest.mark.parametrize(
    ("function", "style", "messages"),
    [
        (trl_messages, "trl", True),
        (trl_texts, "trl", False),
        (verl, "verl", False),
        (verifiers, "verifiers", True),
        (pair, "pair", False),
        (reversed_pair, "pair", False),
        (lm_eval, "lm-eval", False),
    ],
)
def test_each_convention(function: Callable[..., Any], style: str, messages: bool) -> None:
    assert style_of(function) == style
    call = caller(function, style_of(function), None, messages)

    def score(text: str, gold: str) -> float | None:
        returned = call(text, gold)
        return score_of(asyncio.run(_awaited(returned)) if inspect.isawaitable(returned) else returned)

    assert (score("7", "7"), score("8", "7")) == (1.0, 0.0)


@pytest.mark.parametrize(
    "function",
    [
        lambda response, gold: response.endswith(gold),
        lambda ground_truth, response: response.endswith(ground_truth),
    ],
)
def test_which_of_a_pair_is_the_gold_answer(function: Callable[[str, str], bool]) -> None:
    call = caller(function, "pair", None, messages=False)
    assert call("it is 7", "7") and not call("7", "it is 7")


async def _awaited(returned: Any) -> Any:
    return await returned


def test_this_projects_own_rewards() -> None:
    trl = caller(reward("numeric", gold="solution"), "trl", None, True)
    assert (score_of(trl("#### 7", "7")), score_of(trl("#### 8", "7")), score_of(trl("7", "?"))) == (
        1.0,
        0.0,
        None,
    )
    assert style_of(compute_score) == "verl"


def test_what_a_function_returns() -> None:
    assert (score_of([None]), score_of(True), score_of({"score": 0.5}), score_of([0.25])) == (
        None,
        1.0,
        0.5,
        0.25,
    )
    assert score_of({"a": 1, "b": 0}, "b") == 0.0
    for returned in (float("nan"), [1, 2], {}, {"a": 1}):
        with pytest.raises(ValueError, match="returned"):
            score_of(returned, "score" if isinstance(returned, dict) else None)


def test_trl_takes_lists_of_scores_and_nothing_else() -> None:
    for scores in ([1.0], (1,), (score for score in [True])):
        assert score_of(scores, style="trl") == 1.0
    assert scores_of((1.0, 0.0)) == [1.0, 0.0] and score_of([None], style="trl") is None
    for returned in (None, 1.0, {"reward": [1.0]}, "1", [1.0, 0.0], ["yes"], [float("nan")]):
        with pytest.raises(ValueError, match="it returned"):
            score_of(returned, style="trl")
    assert score_of({"reward": [1.0]}, "reward", "trl") == 1.0


def test_arrays_and_tensors_are_lists_of_scores() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed here")
    for scores in (torch.tensor([1.0]), torch.tensor([1.0]).numpy(), [torch.tensor(1.0)]):
        assert score_of(scores, style="trl") == 1.0
    with pytest.raises(ValueError, match="TRL takes a list"):
        score_of(torch.tensor(1.0), style="trl")
    assert score_of(torch.tensor(1.0), style="pair") == 1.0


def uses_the_trainer(completions: list[str], answer: list[str], **kwargs: Any) -> list[float]:
    kwargs["log_metric"]("share", 1.0)
    kwargs["log_extra"]("texts", completions)
    assert kwargs["trainer_state"].global_step == 0 and len(kwargs["prompts"]) == len(completions)
    return [float(c == a) for c, a in zip(completions, answer, strict=True)]


def test_a_batch_of_trl_s() -> None:
    call = batch_caller(uses_the_trainer, None, False)
    assert scores_of(call(["7", "8"], ["7", "7"])) == [1.0, 0.0]
    assert not_taken(uses_the_trainer, "trl") == [] == not_taken(pair, "pair")
    assert not_taken(trl_texts, "trl") == ["completion_ids", "trainer_state", "log_extra", "log_metric"]


def test_a_function_that_asks_for_more_is_refused() -> None:
    def more(completions: list[str], answer: list[str], difficulty: list[int], **kwargs: Any) -> None: ...

    def three(text: str, gold: str, kind: str) -> None: ...

    def with_parser(parser: Any, completion: Any, answer: str, **kwargs: Any) -> None: ...

    for function, style, said in (
        (more, "trl", "missing a required argument: 'difficulty'"),
        (three, "pair", "missing a required argument: 'kind'"),
        (with_parser, "verifiers", "missing a required argument: 'parser'"),
    ):
        assert style_of(function) == style
        with pytest.raises(RequestError, match=f"{function.__name__} cannot be called as {style}: {said}"):
            caller(function, style_of(function), None, True)


def test_a_class_is_no_function(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("class Scorer:\n    def __call__(self, text, gold): return 1.0\n\n\nscorer = Scorer()\n")
    assert style_of(load(Named(file, "scorer"))) == "pair"
    with pytest.raises(RequestError, match="Scorer is a class"):
        load(Named(file, "Scorer"))


def test_a_name_that_names_nothing_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    for text, message in (("mine.py", "give FILE.py:FUNCTION"), (f"{tmp_path}/no.py:f", "no file")):
        with pytest.raises(RequestError, match=message):
            Named.parse(text)
    file.write_text("def accuracy(a, b): return 1\n")
    with pytest.raises(RequestError, match="did you mean 'accuracy'"):
        load(Named(file, "acuracy"))
    file.write_text("1 / 0\n")
    with pytest.raises(RequestError, match="raises ZeroDivisionError"):
        load(Named(file, "f"))
    with pytest.raises(RequestError, match="follows no known trainer's convention"):
        style_of(lambda text: text)
    with pytest.raises(RequestError, match="unknown style 'tlr'; did you mean 'trl'"):
        style_of(pair, "tlr")
