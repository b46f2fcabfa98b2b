"""A gate fails on a loss that is shown, and on no other: by hand, and by simulation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from slmr.errors import RequestError
from slmr.io import read_rows, write_rows
from slmr.results.analysis.compare import compare
from slmr.results.analysis.gate import DEFAULT, Check, Policy, gate, read_policy
from slmr.results.runs.schema import read_summary, write_summary
from tests.results.made_runs import GRPO, SFT, a_run


def verdicts(right: int, items: int = 200, first: int = 0) -> list[bool]:
    """So many right, from an item on."""
    return [(i - first) % items < right for i in range(items)]


def two_runs(place: Path, run: dict[str, list[bool]], base: dict[str, list[bool]]) -> tuple[str, str]:
    return str(a_run(place / "run", run)), str(a_run(place / "base", base))


def test_a_loss_that_is_shown_fails_and_a_gain_does_not(tmp_path: Path) -> None:
    run, base = two_runs(tmp_path, {"lab_gsm8k": verdicts(100)}, {"lab_gsm8k": verdicts(130)})
    (outcome,) = gate(run, base).outcomes
    assert outcome.verdict == "regression" and outcome.p == compare(run, base).tasks[0].p
    assert (outcome.change.mean, outcome.forgotten.mean, outcome.learned.mean) == (-0.15, 0.15, 0.0)
    assert gate(base, run).failed == [] and gate(base, run).outcomes[0].verdict == "held"


def test_what_is_tolerated_is_no_regression(tmp_path: Path) -> None:
    """15 points are lost, with an interval of about 5 to either side."""
    run, base = two_runs(tmp_path, {"lab_gsm8k": verdicts(100)}, {"lab_gsm8k": verdicts(130)})
    found = [gate(run, base, Policy(checks=[Check(task="*", max_loss=most)])).outcomes[0] for most in (0.05, 0.12, 0.3)]
    assert [outcome.verdict for outcome in found] == ["regression", "unclear", "held"]
    assert found[0].p < 0.05 < found[1].p and found[2].p == 1


def test_p_is_that_of_the_interval_that_just_reaches_what_is_tolerated(tmp_path: Path) -> None:
    """A check that asks for exactly this confidence has its bound there, with one seed and with several."""
    one = two_runs(tmp_path / "1", {"lab_gsm8k": verdicts(100)}, {"lab_gsm8k": verdicts(130)})
    several = (seeded(tmp_path / "run", GRPO, 20, 26, 23), seeded(tmp_path / "base", SFT, 36, 33, 37))
    for (run, base), most in ((one, 0.08), (several, 0.05)):
        (outcome,) = gate(run, base, Policy(checks=[Check(task="*", max_loss=most)])).outcomes
        assert 1e-9 < outcome.p < 0.5
        check = Check(task="*", max_loss=most, confidence=1 - outcome.p)
        (at,) = gate(run, base, Policy(checks=[check])).outcomes
        assert at.change.high == pytest.approx(-most, abs=1e-5)


def seeded(folder: Path, method: dict[str, str], *right: int) -> str:
    """A run with a seed for each number, of 40 items with so many right."""
    rows = []
    for seed, n in enumerate(right):
        a_run(folder, {"lab_gsm8k": verdicts(n, 40, seed)}, seed=seed, **method)
        rows += read_summary(folder / "summary.json").rows
    write_summary(folder / "summary.json", rows)
    return str(folder)


def test_seeds_count_as_seeds(tmp_path: Path) -> None:
    """One seed of three fell deep: with one seed that is shown, over three it is not."""
    base = seeded(tmp_path / "base", SFT, 30, 30, 30)
    run = seeded(tmp_path / "run", GRPO, 6, 30, 29)
    found = gate(run, base)
    assert found.outcomes[0].seeds == 3 and found.failed == [] and found.notices == []
    alone = gate(seeded(tmp_path / "one", GRPO, 6), seeded(tmp_path / "one base", SFT, 30))
    assert len(alone.failed) == 1 and "One training run" in alone.notices[0]


def test_all_checks_are_corrected_together(tmp_path: Path) -> None:
    """Nine of twelve changed items are lost: p = 0.146, thrice for three tasks."""
    right = {"lab_gsm8k": verdicts(60), "lab_mawps": verdicts(60), "lab_svamp": verdicts(60)}
    less = right | {"lab_gsm8k": verdicts(54, first=3)}
    run, base = two_runs(tmp_path, less, right)
    policy = Policy(checks=[Check(task="*")])
    one = gate(run, base, Policy(checks=[Check(task="lab_gsm8k")])).outcomes[0]
    outcomes = {outcome.name: outcome for outcome in gate(run, base, policy).outcomes}
    assert outcomes["lab_gsm8k"].p == pytest.approx(min(1, 3 * one.p)) and len(outcomes) == 3
    assert outcomes["lab_gsm8k"].smallest_shown > one.smallest_shown


def test_the_smallest_loss_that_one_check_shows_is_by_the_textbook(tmp_path: Path) -> None:
    """(1.96 + 0.84) standard errors are detectable with 80 % power at 95 %."""
    run, base = two_runs(tmp_path, {"lab_gsm8k": verdicts(90, first=20)}, {"lab_gsm8k": verdicts(100)})
    (outcome,) = gate(run, base, Policy(checks=[Check(task="*")], confidence=0.95)).outcomes
    assert outcome.smallest_shown == pytest.approx(outcome.change.half / 1.95996 * 2.80159, rel=1e-4)


def test_no_loss_is_more_than_all(tmp_path: Path) -> None:
    """Two items show nothing: what they could show would be more than all of them."""
    run, base = two_runs(tmp_path, {"lab_gsm8k": [True, False]}, {"lab_gsm8k": [False, True]})
    assert gate(run, base).outcomes[0].smallest_shown == 1.0


def test_what_is_forgotten_counts_though_as_much_is_learned(tmp_path: Path) -> None:
    """100 of 200 right in both, 40 of them others."""
    run, base = two_runs(tmp_path, {"lab_gsm8k": verdicts(100, first=40)}, {"lab_gsm8k": verdicts(100)})
    assert gate(run, base).failed == []
    found = gate(run, base, Policy(checks=[Check(task="*", max_forgotten=0.1)]))
    loss, forgotten = found.outcomes
    assert (loss.limit, loss.verdict) == ("loss", "unclear") and found.failed == [forgotten]
    assert (forgotten.limit, forgotten.forgotten.mean, forgotten.learned.mean) == ("forgotten", 0.2, 0.2)
    (_, more) = gate(run, base, Policy(checks=[Check(task="*", max_forgotten=0.3)])).outcomes
    assert more.verdict == "held"


def test_a_check_of_an_exposure_is_of_those_items_alone(tmp_path: Path) -> None:
    """The unseen half falls from 80 to 40 of 100, the known half stays."""
    run, base = two_runs(tmp_path, {"lab_gsm8k": verdicts(140)}, {"lab_gsm8k": verdicts(180)})
    for folder in (run, base):
        (row,) = read_summary(Path(folder, "summary.json")).rows
        file = row.samples_file(Path(folder))
        rows = read_rows(file)
        write_rows(file, [r | {"reach": "known" if i < 100 else "unseen one-step"} for i, r in enumerate(rows)])
    policy = Policy(checks=[Check(exposure="*", max_loss=0.1)])
    known, unseen = gate(run, base, policy).outcomes
    assert (known.name, known.items, known.change.mean, known.verdict) == ("known", 100, 0.0, "held")
    assert (unseen.name, unseen.items, unseen.change.mean) == ("unseen one-step", 100, -0.4)
    assert unseen.verdict == "regression"
    within = gate(run, base, Policy(checks=[Check(task="lab_gsm8k", exposure="unseen*")])).outcomes
    assert [outcome.name for outcome in within] == ["lab_gsm8k: unseen one-step"]


def test_an_unclear_check_fails_where_the_policy_says_so(tmp_path: Path) -> None:
    run, base = two_runs(tmp_path, {"lab_gsm8k": verdicts(99)}, {"lab_gsm8k": verdicts(100)})
    assert gate(run, base).failed == []
    assert len(gate(run, base, Policy(unclear="fail", checks=[Check(task="*")])).failed) == 1


def test_runs_that_are_alike_seldom_fail_and_a_great_loss_always_does(tmp_path: Path) -> None:
    """2 tasks of 100 items, two draws of one model: at most 5 % fail, so more than 6 of 40 has a chance of 0.3 %."""
    rng = np.random.default_rng(5)
    tasks, failed, found = ("lab_gsm8k", "lab_mawps"), 0, 0
    for trial in range(40):
        rates = {task: rng.beta(1.5, 1.5, 100) for task in tasks}
        drawn = [{t: list(rng.random(100) < p) for t, p in rates.items()} for _ in range(2)]
        worse = {t: list(rng.random(100) < p - 0.2) for t, p in rates.items()}
        run, base = two_runs(tmp_path / str(trial), *drawn)
        failed += bool(gate(run, base).failed)
        if trial < 5:
            found += bool(gate(str(a_run(tmp_path / str(trial) / "worse", worse)), base).failed)
    assert failed <= 6 and found == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("checks: [{task: a, max_los: 0.1}]", "did you mean 'max_loss'?"),
        ("checks: [{task: a, max_loss: 2}]", "less than 1"),
        ("checks: [{max_loss: 0.1}]", "names a task, a suite or an exposure"),
        ("checks: [{task: a, suite: b}]", "not of both"),
        ("checks: []", "at least 1"),
        ("confidence: 95\nchecks: [{task: a}]", "less than 1"),
        ("- a", "is a mapping"),
    ],
)
def test_a_wrong_policy_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "gate.yaml"
    file.write_text(text)
    with pytest.raises(RequestError, match=message) as fault:
        read_policy(file)
    assert str(file) in str(fault.value) and "\n" not in str(fault.value)


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (Check(task="lab_gsm"), "check of task 'lab_gsm', .* did you mean 'lab_gsm8k'"),
        (Check(suite="paper"), r"check of suite 'paper', .* \(there are: lab\)"),
        (Check(exposure="known"), r"check of exposure 'known', .* \(there are: none\)"),
    ],
)
def test_a_check_that_fits_nothing_is_refused(tmp_path: Path, check: Check, message: str) -> None:
    run, base = two_runs(tmp_path, {"lab_gsm8k": verdicts(9)}, {"lab_gsm8k": verdicts(9)})
    with pytest.raises(RequestError, match=message):
        gate(run, base, Policy(checks=[check]))


def test_a_run_is_not_held_against_itself(tmp_path: Path) -> None:
    run, _ = two_runs(tmp_path, {"lab_gsm8k": verdicts(100)}, {"lab_gsm8k": verdicts(130)})
    for base in (run, f"{tmp_path}/base/../run"):
        with pytest.raises(RequestError, match="are the same result, which would always pass"):
            gate(run, base)


def test_the_default_judges_each_task_and_their_mean(tmp_path: Path) -> None:
    right = {"lab_gsm8k": verdicts(60), "lab_mawps": verdicts(60)}
    run, base = two_runs(tmp_path, right, right)
    assert [o.name for o in gate(run, base, DEFAULT).outcomes] == ["lab_gsm8k", "lab_mawps", "suite lab"]
    assert read_policy(None) is DEFAULT
    with pytest.raises(RequestError, match="no task in common"):
        gate(run, str(a_run(tmp_path / "other", {"lab_math": verdicts(9)})))
