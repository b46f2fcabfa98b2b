"""Items are the same on every call, distinct within a stream, and in one split only."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import islice
from typing import get_args

import pytest

from slmr import lab
from slmr.errors import RequestError, WorkError
from slmr.io import digest
from slmr.lab.items import LEVELS, Generator, Split, sound
from slmr.lab.skills import SKILLS

TASKS = list(lab.GENERATORS)
HELD_OUT: tuple[Split, ...] = ("test", "validation")
SEEN: tuple[Split, ...] = ("train", "pretrain", "teacher")
UNSEEN = {skill.name for skill in SKILLS if skill.exposure.startswith("unseen")}

FINGERPRINT = """
from slmr import lab
from slmr.io import digest
rows = [(i.id, i.problem, i.gold, i.worked(), i.raw(0.5))
        for g in lab.GENERATORS.values() for i in lab.take(g, "test", 40, 3)]
print(digest(rows))
"""


def fingerprint(hash_seed: str) -> str:
    """The hash of some items of every task, made by a fresh Python."""
    env = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run([sys.executable, "-c", FINGERPRINT], env=env, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def content(item: lab.LabItem) -> str:
    """The problem without what does not change it: the order of logic facts, and the options."""
    if item.kind != "choice":
        return item.problem
    return ". ".join(sorted(item.problem.split("\n")[0].split(". ")))


def contents(task: str, split: Split, n: int, seed: int = 0) -> list[str]:
    """The contents of up to `n` items: a small space may be used up before."""
    found: list[str] = []
    try:
        for item in islice(lab.stream(lab.generator(task), split, seed), n):
            found.append(content(item))
    except WorkError:
        assert len(found) > n // 10, f"{task}/{split} is nearly empty"
    return found


@pytest.mark.parametrize("task", TASKS)
def test_the_same_call_gives_the_same_items(task: str) -> None:
    generator = lab.generator(task)
    first, again = lab.take(generator, "train", 50, 5), lab.take(generator, "train", 80, 5)
    assert first == again[:50]
    assert [item.raw(0.5) for item in first] == [item.raw(0.5) for item in again[:50]]
    assert first != lab.take(generator, "train", 50, 6)


def test_items_do_not_depend_on_the_process() -> None:
    assert fingerprint("1") == fingerprint("2")


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("split", get_args(Split))
def test_an_item_says_what_it_is(task: str, split: Split) -> None:
    generator = lab.generator(task)
    items = lab.take(generator, split, 200, 2)
    assert len({item.id for item in items}) == 200
    seen_only = split == "pretrain" and generator.kind != "choice"
    assert {item.difficulty for item in items} == ({1, 2, 3} if seen_only else set(LEVELS))
    for item in items:
        assert item.id == f"{task}/{split}/2/{item.index}"
        assert (item.task, item.split, item.seed, item.kind) == (task, split, 2, generator.kind)
        assert item.problem.isascii() and item.problem == item.problem.strip()
        assert item.worked().endswith(item.solution.closing) and item.gold in item.solution.closing


@pytest.mark.parametrize("task", TASKS)
def test_pretraining_has_no_unseen_skill_and_only_the_test_split_has_two(task: str) -> None:
    for split in get_args(Split):
        unseen = {sum(s in UNSEEN for s in i.skills) for i in lab.take(lab.generator(task), split, 400, 1)}
        most = {"pretrain": 0, "test": 2}.get(split, 1) if task != "lab_logiqa" else 0
        assert max(unseen) == most, split


@pytest.mark.parametrize("task", TASKS)
def test_no_held_out_problem_is_ever_trained_on(task: str) -> None:
    held_out = {c for split in HELD_OUT for seed in (0, 1) for c in contents(task, split, 300, seed)}
    seen = {c for split in SEEN for seed in (0, 1000) for c in contents(task, split, 500, seed)}
    assert not held_out & seen


@pytest.mark.parametrize("task", TASKS)
def test_the_splits_own_different_problems(task: str) -> None:
    owned = [set(contents(task, split, 500)) for split in get_args(Split)]
    assert sum(map(len, owned)) == len(set().union(*owned))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("split", get_args(Split))
def test_a_stream_repeats_nothing(task: str, split: Split) -> None:
    found = contents(task, split, 600)
    assert len(found) == len(set(found))


def test_a_stream_whose_space_is_used_up_says_so() -> None:
    full = lab.generator("lab_gsm8k")
    tiny = Generator(
        "tiny",
        "numeric",
        lambda rng, level, two: full.draw(type(rng)(1), 1, two),
        (1.0,) * 5,
        (1.0,) * 5,
        "1",
    )
    owner = lab.items.split_of("tiny", tiny.draw(lab.items.item_rng("any"), 1, False).key)
    with pytest.raises(WorkError, match="holds only 1 distinct"):
        list(lab.stream(tiny, owner))


@pytest.mark.parametrize("n", [0, -1])
def test_a_number_of_items_below_one_is_refused(n: int) -> None:
    with pytest.raises(RequestError, match="at least 1"):
        lab.take(lab.generator("lab_math"), "test", n)


def test_unknown_names_are_refused_with_a_hint() -> None:
    with pytest.raises(RequestError, match="did you mean 'validation'"):
        lab.take(lab.generator("lab_math"), "validaton", 1)  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="did you mean 'lab_math'"):
        lab.generator("lab_maths")
    with pytest.raises(RequestError, match="did you mean 'lab-qwen'"):
        lab.model_path("lab-qwem")


def test_the_state_of_an_item_is_no_sum_of_seed_and_index() -> None:
    generator = lab.generator("lab_gsm8k")
    one = {item.problem for item in lab.take(generator, "train", 200, 0)}
    other = {item.problem for item in lab.take(generator, "train", 200, 1)}
    assert len(one & other) < 5
    assert digest(sorted(one)) != digest(sorted(other))


# --- sound answers: right for the right reason ---------------------------------------------------


def item(task: str = "lab_gsm8k", level: int = 5) -> lab.LabItem:
    return next(i for i in lab.stream(lab.generator(task), "train") if i.difficulty == level)


@pytest.mark.parametrize("task", lab.GENERATORS)
def test_every_trace_of_the_teacher_is_sound(task: str) -> None:
    for problem in lab.take(lab.generator(task), "train", 150):
        for share in (0.0, 0.6, 1.0):
            assert sound(problem, problem.raw(share), True), problem.raw(share)


@pytest.mark.parametrize("task", lab.GENERATORS)
def test_what_is_wrong_or_shows_nothing_is_not(task: str) -> None:
    problem = item(task)
    assert not sound(problem, problem.worked(), False)
    assert not sound(problem, problem.solution.closing, True)


def test_a_false_equation_before_a_right_answer_is_not() -> None:
    problem = item()
    first = problem.solution.plain_steps()[0]
    false = first.replace(first.split(" = ")[1], "7.")
    assert not sound(problem, problem.worked().replace(first, false), True)


def test_a_step_that_leaves_the_solution_is_not() -> None:
    problem = item()
    assert not sound(problem, "1 + 1 = 2. " + problem.worked(), True)


def test_a_statement_that_does_not_follow_is_not() -> None:
    problem = next(i for i in lab.stream(lab.generator("lab_logiqa"), "train") if i.gold == "B")
    assert not sound(problem, "wet so foggy. Answer: B", True)
