"""Functions with a known fault each: the audit finds it, in the number that it has."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.errors import RequestError, WorkError
from slmr.rewards.audit import Audit, AuditRequest, audit
from slmr.rewards.audit_report import notices
from slmr.rewards.cases import audit_cases

FILE = """
import multiprocessing, os, random, signal, threading, time

from slmr.verify import verify

STARTED = []

def right(completion, gold):
    return float(verify(completion, gold, "choice").lenient)

def everything(completions, solution, **columns):
    print("this is no line of the protocol")
    return [1.0 for _ in completions]

def hangs(completion, gold):
    while completion.startswith("<think>"):
        pass
    return right(completion, gold)

def hangs_always(completion, gold):
    while STARTED:
        pass
    STARTED.append(True)
    return 1.0

def dies(completion, gold):
    if completion.startswith("<think>"):
        os._exit(7)
    return right(completion, gold)

def main_thread_only(completion, gold):
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    return right(completion, gold)

def needs_children(completion, gold):
    worker = multiprocessing.get_context("fork").Process(target=int)
    worker.start()
    worker.join()
    return right(completion, gold)

def slow_at_first(completion, gold):
    if not STARTED:
        time.sleep(3)
        STARTED.append(True)
    return right(completion, gold)

def by_hash(completion, gold):
    return float(hash(completion) % 2)

def abstains(completions, solution):
    return [None if c.startswith("<think>") else right(c, s) for c, s in zip(completions, solution)]

def one_for_all(completions, solution, **columns):
    return [right(completions[0], solution[0])]

def another_column(completions, **columns):
    return [right(c, a) for c, a in zip(completions, columns["final_answer"])]

def takes_texts(completions, solution, **columns):
    return [float(c.strip() == s) for c, s in zip(completions, solution)]

def pays_little(completions, solution):
    return [0.1 * right(c, s) for c, s in zip(completions, solution)]

def broken(completion, gold):
    raise KeyError("it\\nis broken")
"""
THOUGHTS = [c for c in audit_cases(("choice",), per_family=6) if c.completion.startswith("<think>")]


@pytest.fixture
def audited(tmp_path: Path):
    file = tmp_path / "mine.py"
    file.write_text(FILE)

    def run(function: str, **options: object) -> Audit:
        request = AuditRequest(f"{file}:{function}", kinds=("choice",), per_family=6, **options)  # type: ignore[arg-type]
        return audit(request)

    return run


def errors(result: Audit) -> int:
    return sum(result.is_wrong(i) for i in range(len(result.cases)))


def differing(result: Audit) -> dict[str, int]:
    return {again.how: again.differing for again in result.again if again.differing}


def test_a_sound_function_has_no_errors_in_any_way(audited) -> None:
    result = audited("right")
    assert (errors(result), differing(result), result.style, result.left_out) == (0, {}, "pair", 0)
    assert len(result.again) == 4 and all(again.cases > 50 for again in result.again)


def test_who_pays_everything_pays_all_wrong_answers(audited) -> None:
    result = audited("everything", ways=())
    assert result.style == "trl"
    assert errors(result) == sum(not case.accept for case in result.cases) > 20


def test_a_hang_costs_its_case_alone(audited) -> None:
    result = audited("hangs", timeout=2.0, ways=())
    hung = [case.id for case, j in zip(result.cases, result.judgements, strict=True) if j.hung]
    assert THOUGHTS and hung == [case.id for case in THOUGHTS] and len(result.cases) > 80


def test_who_hangs_in_every_case_is_given_up(audited) -> None:
    with pytest.raises(WorkError, match=r"each of the first 3 cases took more than 0\.5 s"):
        audited("hangs_always", timeout=0.5, ways=())


def test_what_a_first_call_takes_is_no_hang(audited) -> None:
    result = audited("slow_at_first", timeout=2.0, ways=("processes",))
    assert (errors(result), differing(result)) == (0, {})


def test_so_does_a_death_of_the_process(audited) -> None:
    result = audited("dies", ways=())
    died = [
        case.id for case, j in zip(result.cases, result.judgements, strict=True) if "exit code 7" in (j.raised or "")
    ]
    assert died == [case.id for case in THOUGHTS]


def test_what_works_in_the_main_thread_only_is_seen_in_threads(audited) -> None:
    result = audited("main_thread_only", ways=("threads", "processes"))
    assert errors(result) == 0 and set(differing(result)) == {"threads"}
    assert "signal only works in main thread" in str(next(a.example for a in result.again if a.raised))


def test_what_needs_children_fails_in_daemons(audited) -> None:
    result = audited("needs_children", ways=("threads", "processes"))
    assert errors(result) == 0 and set(differing(result)) == {"processes"}


def test_a_score_by_chance_is_no_score(audited) -> None:
    assert "another process, in reverse" in differing(audited("by_hash", ways=()))


def test_one_score_for_a_batch_is_seen_in_batches(audited) -> None:
    result = audited("one_for_all", messages=False)
    again = {a.how: a for a in result.again}
    assert again["threads"].differing == 0 and again["batches of 8"].raised == again["batches of 8"].cases
    assert "it returned 1 scores for 8 completions" in str(again["batches of 8"].example)


def test_a_column_of_another_name_and_plain_texts_are_told_apart(audited) -> None:
    with pytest.raises(RequestError, match=r"KeyError: 'final_answer'.*say --gold final_answer"):
        audited("another_column", messages=False)
    assert not errors(audited("another_column", messages=False, gold="final_answer"))
    with pytest.raises(RequestError, match="called with messages: if it takes plain texts, say --texts"):
        audited("takes_texts")


def test_a_reward_below_the_bound_and_one_that_a_trainer_cannot_call_are_noticed(audited) -> None:
    takes_no_more, no_pay = notices(audited("pays_little", messages=False))
    assert "it would raise: trl also passes prompts" in takes_no_more and "add **kwargs" in takes_no_more
    assert "the greatest score is 0.1, and --accept-at is 0.5" in no_pay
    assert "the least score is 1" in " ".join(notices(audited("everything")))
    assert list(notices(audited("right"))) == []


def test_a_fault_before_its_process_got_its_job_stays_what_it_is(audited, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(job: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("slmr.rewards.audit.asdict", interrupted)
    with pytest.raises(KeyboardInterrupt):
        audited("right")


def test_an_abstention_is_not_paid(audited) -> None:
    result = audited("abstains", messages=False, ways=())
    assert sum(j.score is None for j in result.judgements) == len(THOUGHTS)
    assert errors(result) == sum(case.accept for case in THOUGHTS)


def test_what_cannot_be_audited_is_refused(audited) -> None:
    with pytest.raises(RequestError, match=r"raises in every case, as pair: KeyError: 'it\\nis broken'"):
        audited("broken")
    with pytest.raises(RequestError, match="unknown function"):
        audited("rigth")
    with pytest.raises(RequestError, match="--accept-at nan: it should be a finite number"):
        AuditRequest("broken.py:f", accept_at=float("nan"))
    with pytest.raises(RequestError, match="must contain GOLD"):
        audited("right", gold_as="$gold$")
