"""Bridge: every kept trace is sound and at most as hard as the raw one; the counts add up."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st

from slmr.curriculum.bridge import (
    BridgeParams,
    Criterion,
    bridge_stage,
    bridge_statistics,
    candidates,
    choose,
    first_sound,
)
from slmr.curriculum.soundness import fault_of
from slmr.io import read_rows
from slmr.verify import verify
from tests.curriculum.common import context, folder, problems, rollout


def run(
    place: Path, n: int = 6, right: int = 2, then: str = "1 + 1 = 3.", **params: Any
) -> tuple[dict[str, Any], list[dict], list[dict], Any]:
    """The stage on hard level-4 problems whose student has got so many steps right, and then says something else."""
    from slmr.curriculum.teachers.oracle import OracleTeacher

    pool = problems(n, level=4)
    steps = OracleTeacher(0, 0).worked_steps(pool)
    rollouts = [
        rollout(p["id"], 0, " ".join([*s[:right], then, "#### 3"]), False)
        for p, s in zip(pool, steps, strict=True)
        if s
    ]
    groups = [{"problem_id": p["id"], "group": "hard"} for p in pool]
    made = context(
        place / "out",
        problems=folder(place / "pool", problems=pool),
        probe=folder(place / "probe", rollouts=rollouts),
        partition=folder(place / "groups", groups=groups),
    )
    bridge_stage(made, BridgeParams(merge_share=0.7, **params))
    return (
        made.stats,
        read_rows(made.folder / "traces.parquet"),
        read_rows(made.folder / "scores.parquet"),
        made.cost,
    )


def test_kept_traces_verify_and_are_no_harder_than_raw_ones(tmp_path: Path) -> None:
    stats, traces, scores, cost = run(tmp_path)
    golds = {p["id"]: p["gold"] for p in problems(6, level=4)}
    assert all(verify(t["completion"], golds[t["problem_id"]], "numeric").strict for t in traces)
    by_problem: dict[str, dict[str, dict]] = {}
    for row in scores:
        by_problem.setdefault(row["problem_id"], {})[row["source"]] = row
    for found in by_problem.values():
        (kept,) = [row for row in found.values() if row["kept"]]
        assert kept["score"] <= found["raw"]["score"]
        assert kept["nll"] == sum(kept["token_nlls"]) / len(kept["token_nlls"])
    assert stats["improved"] + stats["kept_raw"] + stats["nothing_sound"] == stats["problems"] == 6
    assert sum(stats["kept"].values()) == len(traces) == 6
    assert stats["nll_after"] <= stats["nll_before"] and stats["improved"] >= 1
    assert cost.rollout_tokens > 0 and cost.teacher_tokens > 0


def test_the_statistics_compare_a_problems_trace_with_its_raw_one() -> None:
    """A problem whose raw trace is unsound has nothing to compare with."""

    def row(problem: str, source: str, nll: float, fault: str | None = None) -> Any:
        return {"problem_id": problem, "source": source, "fault": fault, "nll": nll, "spikes": nll / 10}

    kept = [row("a", "own prefix", 1.0), row("b", "raw", 3.0), row("c", "filled in", 9.0)]
    refused = row("c", "raw", 50.0, fault="wrong answer")
    told = bridge_statistics([row("a", "raw", 5.0), refused, *kept], kept, problems=4)
    assert (told["nll_before"], told["nll_after"]) == (4.0, 2.0)
    assert (told["spikes_before"], told["spikes_after"]) == (0.4, 0.2)
    assert (told["improved"], told["kept_raw"], told["nothing_sound"]) == (2, 1, 1)


def test_spikes_may_weigh_nothing(tmp_path: Path) -> None:
    _, _, scores, _ = run(tmp_path, spike_weight=0)
    assert scores and all(row["score"] == row["nll"] for row in scores if row["score"] is not None)


def test_without_rewrites_every_raw_trace_stays(tmp_path: Path) -> None:
    stats, _traces, scores, cost = run(tmp_path, rewrites=())
    assert stats["kept"] == {"raw": 6} and stats["nll_before"] == stats["nll_after"]
    assert {row["source"] for row in scores} == {"raw"} and cost.rollout_tokens == 0


def test_the_own_prefix_is_in_the_students_words_up_to_its_error(tmp_path: Path) -> None:
    _, _, scores, _ = run(tmp_path, rewrites=("own prefix",))
    raw = {row["problem_id"]: row["text"] for row in scores if row["source"] == "raw"}
    own = {row["problem_id"]: row["text"] for row in scores if row["source"] == "own prefix"}
    assert own and all("1 + 1 = 3" not in text and text != raw[i] for i, text in own.items())


def test_words_are_no_right_beginning(tmp_path: Path) -> None:
    """Nothing in them is wrong, and nothing right: a real student's chatter would win by being its own."""
    words = "This is a classic problem. We have to find how many there are."
    _, _, scores, _ = run(tmp_path / "words", right=0, then=words, rewrites=("own prefix",))
    assert {row["source"] for row in scores} == {"raw"}
    _, _, scores, _ = run(tmp_path / "after", right=1, then=words, rewrites=("own prefix",))
    own = [row["text"] for row in scores if row["source"] == "own prefix"]
    assert own and not any("classic" in text for text in own)


PROBLEM = {"id": "p", "prompt": "?", "gold": "7", "kind": "numeric"}


EQUATIONS = st.sampled_from(["3 + 4 = 7.", "3 + 4 = 8.", "12 / 4 = 3.", "12 / 4 = 7.", "So there are 7.", "2 * 3 = 6."])
TEXTS = st.lists(EQUATIONS, max_size=4).map(lambda steps: " ".join([*steps, "#### 7"]))


@given(
    st.dictionaries(st.sampled_from(["raw", "own completion", "own style", "teacher"]), TEXTS, max_size=4),
    st.sampled_from(get_args(Criterion)),
    st.sampled_from([None, ["3 + 4 = 7."]]),
    st.integers(0, 3),
)
def test_no_unsound_trace_is_kept_whatever_the_criterion(
    texts: dict[str, str], criterion: Criterion, known: list[str] | None, seed: int
) -> None:
    rows = candidates(PROBLEM, texts, known, BridgeParams())
    for score, row in enumerate(rows):  # those with a fault would win
        row |= {"score": float(score) - 9 * bool(row["fault"]), "token_nlls": [0.0] * len(row["text"])}
    kept = choose(rows, criterion, seed)
    assert bool(kept) == any(row["fault"] is None for row in rows)
    for row in kept:
        assert fault_of(row["text"], PROBLEM, known) is None
        assert not any(lie in row["text"] for lie in ("3 + 4 = 8", "12 / 4 = 7"))


def test_each_criterion_takes_what_it_says() -> None:
    texts = {
        "raw": "3 + 4 = 7. #### 7",
        "own style": "3 + 4 = 7. 7 * 1 = 7. #### 7",
        "teacher": "7 = 7. #### 7",
    }
    rows = candidates(PROBLEM, texts, None, BridgeParams())
    for row, score, tokens in zip(rows, (2.0, 1.0, 3.0), (9, 12, 5), strict=True):
        row |= {"score": score, "token_nlls": [0.0] * tokens}
    (lowest,), (shortest,) = choose(rows), choose(rows, "shortest")
    assert (lowest["source"], shortest["source"]) == ("own style", "teacher")
    drawn = [choose(rows, "random", seed)[0]["source"] for seed in range(40)]
    assert set(drawn) == set(texts) and drawn == [choose(rows, "random", s)[0]["source"] for s in range(40)]


def test_of_the_students_right_completions_a_sound_one_is_proposed() -> None:
    false, true = "12 / 4 = 7. #### 7", "3 + 4 = 7. #### 7"
    assert first_sound([false, true], PROBLEM, None) == true
    assert first_sound([false], PROBLEM, None) == false, "it is refused later, and counted"
    assert first_sound([], PROBLEM, None) is None


def test_a_right_completion_with_a_false_equation_is_refused_and_counted(tmp_path: Path) -> None:
    pool = problems(1, level=4)
    lie = f"1 + 1 = 3. #### {pool[0]['gold']}"
    made = context(
        tmp_path / "out",
        problems=folder(tmp_path / "pool", problems=pool),
        probe=folder(tmp_path / "probe", rollouts=[rollout(pool[0]["id"], 0, lie, True)]),
        partition=folder(tmp_path / "groups", groups=[{"problem_id": pool[0]["id"], "group": "hard"}]),
    )
    bridge_stage(made, BridgeParams(rewrites=("own completion",)))
    assert made.stats["refused"]["false equation"] == 1
    assert made.stats["refused_by_source"] == {"own completion": 1} and made.stats["kept"] == {"raw": 1}
    rows = read_rows(made.folder / "scores.parquet")
    assert [(r["source"], r["fault"], r["score"] is None) for r in rows] == [
        ("raw", None, False),
        ("own completion", "false equation", True),
    ]


def test_at_most_m_different_verified_rewrites_compete() -> None:
    texts = {
        "raw": "3 + 4 = 7. #### 7",
        "a": "3 + 4 = 7. #### 7",
        "b": "#### 8",
        "c": "a. #### 7",
        "d": "b. #### 7",
    }
    rows = candidates(PROBLEM, texts, None, BridgeParams(candidates=1))
    assert [(r["source"], r["verified"]) for r in rows] == [("raw", True), ("b", False), ("c", True)]


def test_a_problem_without_a_verified_trace_is_left_out() -> None:
    rows = candidates(PROBLEM, {"raw": "#### 8", "b": "#### 9"}, None, BridgeParams())
    assert choose(rows) == [] and not any(row["kept"] for row in rows)


@given(st.lists(st.floats(0, 10), min_size=1, max_size=6))
def test_choose_takes_the_lowest_score_and_raw_on_a_tie(scores: list[float]) -> None:
    rows = [
        {
            "problem_id": "p",
            "score": s,
            "source": "raw" if i == len(scores) - 1 else "own style",
            "fault": None,
        }
        for i, s in enumerate(scores)
    ]
    (best,) = choose(rows)
    assert best["score"] == min(scores) and best["kept"]
    if scores[-1] == min(scores):
        assert best["source"] == "raw"
