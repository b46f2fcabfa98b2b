"""Each fault is found where it is and nowhere else; what a log cannot tell is unknown.

`studies/faulty_runs.py` makes whole trainings with a fault each; here are the bounds, and one of its runs.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slmr.errors import RequestError
from slmr.results.analysis.diagnosis import FAULTS, Finding, diagnose, golds_by_prompt
from slmr.results.analysis.rollouts import PaidCompletion
from slmr.results.analysis.training_logs import TrainingLog
from slmr.results.runs.schema import Contamination

SOUND = {
    "zero_variance": 0.4,
    "reward": 0.5,
    "format": 0.95,
    "accuracy": 0.5,
    "truncated": 0.01,
    "length": 50.0,
    "entropy": 0.3,
    "logprob_gap": 0.001,
    "learning_rate": 1e-5,
    "grad_norm": 0.5,
    "loss": 0.01,
}


def a_log(steps: int = 18, completions: Any = (), **columns: Any) -> TrainingLog:
    """Sound but for these columns, each a number or a function of the step's share of the whole."""
    rows = []
    for step in range(steps):
        at = step / (steps - 1)
        row = {name: value(at) if callable(value) else value for name, value in (SOUND | columns).items()}
        rows.append({"step": float(step + 1)} | {name: float(x) for name, x in row.items() if x is not None})
    return TrainingLog("run", "TRL", rows, list(completions))


def found(findings: list[Finding]) -> list[str]:
    return [finding.name for finding in findings if finding.state == "found"]


def completions(*answers: tuple[str, float], prompt: str = "What is 1 + 1?") -> list[PaidCompletion]:
    return [PaidCompletion(1, prompt, text, reward, "2") for text, reward in answers]


def test_a_sound_training_has_no_fault() -> None:
    paid = completions(*[("#### 2", 1.0), ("#### 3", 0.0)] * 50)
    findings = diagnose(a_log(completions=paid), test=["How many are 2 and 2?"])
    assert [f.name for f in findings] == list(FAULTS) and len(findings) == 10
    assert {f.state for f in findings} == {"absent"} and not any(f.advice for f in findings)


@pytest.mark.parametrize(
    ("fault", "columns"),
    [
        ("no-variance", {"zero_variance": 0.9}),
        ("format-only", {"format": lambda at: 0.5 + 0.4 * at}),
        ("cut-off", {"truncated": lambda at: 0.4 * at}),
        ("length-drift", {"length": lambda at: 50 + 80 * at}),
        ("length-drift", {"length": lambda at: 50 - 30 * at}),
        ("entropy-gone", {"entropy": lambda at: 0.3 * (1 - at)}),
        ("sampler-gap", {"logprob_gap": 0.1}),
        ("no-step", {"learning_rate": 0.0}),
        ("no-step", {"grad_norm": 0.0}),
        ("no-step", {"grad_norm": float("nan")}),
    ],
)
def test_a_fault_of_the_steps(fault: str, columns: dict[str, Any]) -> None:
    findings = diagnose(a_log(**columns))
    assert found(findings) == [fault]
    (finding,) = [f for f in findings if f.name == fault]
    assert finding.advice and finding.evidence and finding.numbers


def test_a_gradient_of_0_is_no_fault_of_its_own_where_no_group_has_variance() -> None:
    assert found(diagnose(a_log(zero_variance=1.0, grad_norm=0.0))) == ["no-variance"]


def test_length_may_grow_with_accuracy_and_form_with_both() -> None:
    rises = {"accuracy": lambda at: 0.3 + 0.5 * at}
    assert found(diagnose(a_log(length=lambda at: 50 + 80 * at, **rises))) == []
    assert found(diagnose(a_log(format=lambda at: 0.5 + 0.4 * at, **rises))) == []


@pytest.mark.parametrize(
    ("fault", "answers"),
    [
        ("right-unpaid", [("#### 2", 1.0)] * 60 + [("#### 2", 0.0)] * 10 + [("#### 3", 0.0)] * 30),
        ("wrong-paid", [("#### 2", 1.0)] * 60 + [("#### 3", 1.0)] * 10 + [("#### 3", 0.0)] * 30),
    ],
)
def test_a_reward_that_is_not_the_checkers_verdict(fault: str, answers: list[tuple[str, float]]) -> None:
    findings = diagnose(a_log(completions=completions(*answers)))
    assert fault in found(findings)
    (finding,) = [f for f in findings if f.name == fault]
    assert finding.numbers["low"] < finding.numbers["share"] < finding.numbers["high"]


def test_one_wrong_verdict_in_many_is_no_fault() -> None:
    paid = completions(*[("#### 2", 1.0), ("#### 3", 0.0)] * 50, ("#### 3", 1.0))
    assert not {"wrong-paid", "right-unpaid"} & set(found(diagnose(a_log(completions=paid))))


def test_golds_can_be_given_and_without_them_it_is_unknown() -> None:
    bare = [PaidCompletion(1, "1 + 1?", "#### 3", 1.0)] * 40 + [PaidCompletion(1, "1 + 1?", "#### 2", 0.0)] * 40
    states = {f.name: f.state for f in diagnose(a_log(completions=bare))}
    assert states["wrong-paid"] == states["right-unpaid"] == "unknown"
    assert {"wrong-paid", "right-unpaid"} <= set(found(diagnose(a_log(completions=bare), {"1 + 1?": "2"})))


def test_a_gold_is_found_by_a_prompt_within_a_chat_template() -> None:
    logged = "<|user|>\nExample: 1 + 1?\n2\nNow: what is 2 + 2?\n<|assistant|>\n"
    log = TrainingLog("x", "TRL", [], [PaidCompletion(1, logged, "#### 4", 0.0)] * 40)
    golds = {"1 + 1?": "2", "what is 2 + 2?": "4", "2 + 2?": "5", "": "6"}
    found = {f.name: f for f in diagnose(log, golds)}
    assert found["right-unpaid"].state == "found" and found["right-unpaid"].numbers["answers"] == 40


WORDS = st.lists(st.sampled_from(["a", "b", "ab", "ba", "a\n", "b "]), max_size=5).map(" ".join)


@given(logged=st.lists(WORDS, max_size=4), golds=st.lists(WORDS, max_size=6, unique=True))
def test_each_logged_prompt_has_the_gold_of_the_last_prompt_within_it(logged: list[str], golds: list[str]) -> None:
    expected = {}
    for prompt in logged:
        text = prompt.strip()
        held = [gold for gold in golds if gold and gold in text]
        ends = {gold: (text.rfind(gold) + len(gold), len(gold)) for gold in held}
        if text in golds:
            expected[prompt] = text
        elif held:
            expected[prompt] = max(held, key=ends.__getitem__)
    assert golds_by_prompt(logged, {gold: gold for gold in golds}) == expected


def test_golds_of_other_prompts_are_refused() -> None:
    log = TrainingLog("x", "TRL", [], [PaidCompletion(1, "1 + 1?", "#### 2", 1.0)])
    with pytest.raises(RequestError, match="no prompt of --data stands in the log of x: the data's first is '2"):
        diagnose(log, {"2 + 2?": "4"})


def test_without_a_log_of_groups_steps_of_equal_rewards_tell() -> None:
    """A gradient of 0 is then no fault of its own."""
    steps = [
        {"step": float(s), "same_rewards": float(s > 1), "grad_norm": 0.0, "learning_rate": 1e-6} for s in range(12)
    ]
    found = {f.name: f for f in diagnose(TrainingLog("x", "TRL", steps[2:]))}
    assert found["no-variance"].state == "found" and found["no-step"].state == "absent"
    half = [step | {"same_rewards": 0.0} for step in steps]
    assert {f.name: f.state for f in diagnose(TrainingLog("x", "TRL", half))}["no-variance"] == "unknown"


def test_a_test_problem_in_a_prompt_is_a_leak_however_it_is_wrapped() -> None:
    paid = completions(("#### 2", 1.0), ("#### 3", 0.0), prompt="Solve.\nTom has 3 apples, and eats one. How many?\nA:")
    assert "leaked-test" in found(diagnose(a_log(completions=paid), test=["Tom has 3 apples and eats one. How many?"]))
    assert found(diagnose(a_log(completions=paid), test=["Tom has 13 apples and eats one. How many?"])) == []


def test_what_a_run_says_of_itself_is_taken() -> None:
    told = Contamination(train="t", test="t", n_train=100, n_test=50, overlapping=5, exact=5, rate=0.1, examples=[])
    log = a_log()
    assert found(diagnose(TrainingLog("r", "slmr", log.steps, [], [told], unchanged=True))) == [
        "no-step",
        "leaked-test",
    ]


def test_what_is_lacking_is_named() -> None:
    def leak(log: TrainingLog, test: list[str]) -> str:
        return next(f.evidence for f in diagnose(log, test=test) if f.name == "leaked-test")

    paid = completions(("#### 2", 1.0), ("#### 3", 0.0))
    assert leak(a_log(), ["a problem"]) == "no prompts in the log"
    assert leak(a_log(completions=paid), []) == "no test set to look for: --test TASK"
    right = {f.name: f for f in diagnose(a_log(completions=completions(*[("#### 2", 1.0)] * 40)))}
    assert right["wrong-paid"].state == "absent" and right["wrong-paid"].numbers["answers"] == 0


def test_an_empty_log_is_unknown_throughout() -> None:
    assert {f.state for f in diagnose(TrainingLog("r", "verl", []))} == {"unknown"}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from([*SOUND]), st.floats()), max_size=12))
def test_no_log_breaks_it(rows: list[dict[str, float]]) -> None:
    steps = [{"step": float(i)} | row for i, row in enumerate(rows)]
    assert len(diagnose(TrainingLog("r", "TRL", steps))) == 10


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The study's script, as a module."""
    file = Path(__file__).parents[3] / "studies/faulty_runs.py"
    spec = importlib.util.spec_from_file_location("faulty_runs", file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "faulty_runs", module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize("name", ["no-step", "right-unpaid", "sound-0"])
def test_trainings_of_trl_as_the_study_makes_them(runs: ModuleType, name: str, tmp_path: Path) -> None:
    spec = runs.replace(runs.RUNS[name], config=runs.RUNS[name].config | {"max_steps": 7, "save_steps": 7})
    runs.train(spec, tmp_path)
    found = runs.found_in(tmp_path, spec)
    # A fault may bring another: a reward that pays nothing has no variance.
    assert spec.fault in found if spec.fault else found == []
