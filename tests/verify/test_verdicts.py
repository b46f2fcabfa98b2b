"""What each checker pays for: forms, hedges, retractions, thoughts, abstentions, cheap bombs."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slmr.verify import CHECKER_VERSIONS, checker_version, verify

fractions = st.fractions(min_value=-9999, max_value=9999, max_denominator=97)
STRICT = {"numeric": "#### {}", "math": "\\boxed{{{}}}", "choice": "Answer: {}"}


def spellings(value: Fraction) -> list[str]:
    """The same number, as people write it in LaTeX and plain text."""
    top, bottom, sign = abs(value.numerator), value.denominator, "-" if value < 0 else ""
    found = [f"{sign}{top}/{bottom}", f"{sign}\\frac{{{top}}}{{{bottom}}}"]
    found += [f"{sign}\\dfrac{{{3 * top}}}{{{3 * bottom}}}"]
    if bottom == 1:
        found += [
            f"{sign}{top}",
            f"{sign}{top:,}",
            f"{sign}{top}.0",
            f"{sign}{top}.",
            f"{sign}{top}\\text{{ cm}}",
        ]
    elif top > bottom:
        found.append(f"{sign}{top // bottom}\\frac{{{top % bottom}}}{{{bottom}}}")
    return found


@given(fractions, fractions, st.data())
@settings(max_examples=150, deadline=None)
def test_a_fraction_equals_itself_in_every_spelling_and_no_other(a, b, data):
    answer = data.draw(st.sampled_from(spellings(a)))
    for gold in spellings(a):
        assert verify(f"So \\boxed{{{answer}}}.", gold, "math").strict
    assert verify(f"\\boxed{{{answer}}}", spellings(b)[0], "math").lenient == (a == b)


@given(st.integers(-(10**30), 10**30), st.integers(-(10**30), 10**30))
@settings(max_examples=150, deadline=None)
def test_an_integer_equals_itself_only(a, b):
    for text in (f"{a}", f"{a:,}", f"{a}.00"):
        assert verify(f"x = 1\n#### {text}", f"{a}", "numeric").strict
        assert verify(f"#### {text}", f"{b}", "numeric").lenient == (a == b)
    assert not verify(f"#### {a}.0000000001", f"{a}", "numeric").lenient


@given(st.text(max_size=200), st.sampled_from(["numeric", "choice"]))
@settings(max_examples=200, deadline=None)
def test_any_text_gets_a_verdict_and_strict_implies_lenient(text, kind):
    verdict = verify(text, "7" if kind == "numeric" else "B", kind)
    assert not verdict.abstained
    assert verdict.lenient == (verdict.status == "correct")
    assert verdict.lenient or not verdict.strict


@given(fractions.filter(lambda f: f.denominator == 1), st.text(alphabet="abc .,\n", max_size=60))
@settings(max_examples=80, deadline=None)
def test_the_requested_form_is_strict_after_any_words(value, words):
    assert verify(f"{words}\n#### {value}", str(value), "numeric").strict
    assert verify(f"{words}\n\\boxed{{{value}}}", str(value), "math").strict


@pytest.mark.parametrize("letter", "ABCDEFGHIJ")
def test_a_choice_is_strict_as_the_last_statement(letter):
    assert verify(f"Both follow.\nAnswer: {letter}", letter, "choice").strict
    assert not verify(f"Answer: {letter}", "A" if letter != "A" else "B", "choice").lenient


LENIENT = [
    ("numeric", "The total is 12 eggs, so the answer is 12 eggs.", "12"),
    ("numeric", "\\boxed{1,250}", "1250"),
    ("numeric", "She pays $8 + $9 = $17", "17"),
    ("numeric", "The answer is 2½.", "2.5"),
    ("numeric", "#### 17 apples", "17"),
    ("numeric", "It takes 35km", "35"),
    ("math", "The answer is $\\frac{3}{4}$.", "0.75"),
    ("math", "7", "7"),
    ("math", "Hence $x = 9$.", "9"),
    ("choice", "(B)", "B"),
    ("choice", "option B", "B"),
    ("choice", "So the answer is B.", "B"),
    ("choice", "\\boxed{\\text{B}}", "B"),
    ("choice", "B", "B"),
    ("choice", "Answer: (B) the red one", "B"),
]


@pytest.mark.parametrize(("kind", "text", "gold"), LENIENT)
def test_right_in_another_form_is_lenient_only(kind, text, gold):
    verdict = verify(text, gold, kind)
    assert verdict.lenient and not verdict.strict and verdict.status == "correct"


NOT_PAID = [
    ("numeric", "The answer is 7 or 8", "7"),
    ("numeric", "Maybe 7", "7"),
    ("numeric", "#### 7 or 8", "7"),
    ("numeric", "#### 7\nNo wait, that was wrong.", "7"),
    ("numeric", "The answer is not 7", "7"),
    ("numeric", "7x", "7"),
    ("numeric", "#### 7\n#### 8", "7"),
    ("numeric", "#### 17", "7"),
    ("math", "\\boxed{7 \\text{ or } 8}", "7"),
    ("math", "\\boxed{7}, no wait, let me redo this", "7"),
    ("math", "\\boxed{7} \\boxed{8}", "7"),
    ("math", "\\boxed{\\pm 7}", "7"),
    ("math", "\\boxed{7, 8}", "7"),
    ("math", "\\boxed{}", "7"),
    ("math", "\\boxed{6.9999999}", "7"),
    ("math", "\\boxed{3.14}", "\\pi"),
    ("math", "\\boxed{(2, 1)}", "(1, 2)"),
    ("math", "\\boxed{[1, 2)}", "[1, 2]"),
    ("math", "\\boxed{1/2003!}", "1/2005!"),
    ("numeric", "#### 7\nSorry, it should be 8.", "7"),
    ("numeric", "#### 7\nOh, I forgot the tax.", "7"),
    ("numeric", "#### 7\nThe answer is 8.", "7"),
    ("numeric", "I am not sure. 7", "7"),
    ("math", "\\boxed{7}. Hmm, no.", "7"),
    ("math", "\\boxed{7}. Therefore the answer is $8$.", "7"),
    ("math", "\\boxed{7}\nNo, it should be 8.", "7"),
    ("choice", "Answer: B\n\nSorry, C.", "B"),
    ("choice", "\\boxed{B} So the answer is C.", "B"),
    ("choice", "Answer: b", "B"),
    ("choice", "A or B", "B"),
    ("choice", "A or B or C", "B"),
    ("choice", "Answer: B or C", "B"),
    ("choice", "Answer: B\nNo wait, it is C", "B"),
    ("choice", "A fine puzzle.", "A"),
    ("choice", "Answer: AB", "B"),
    ("choice", "\\boxed{A}\\boxed{B}", "A"),
]


@pytest.mark.parametrize(("kind", "text", "gold"), NOT_PAID)
def test_hedges_retractions_and_near_misses_are_not_paid(kind, text, gold):
    assert not verify(text, gold, kind).lenient


AGREES_AFTERWARDS = [
    ("math", "\\boxed{7}. So the answer is 7.", "7"),
    ("math", "\\boxed{\\frac{1}{2}}. So the answer is $0.5$.", "0.5"),
    ("math", "\\boxed{7}. The answer is correct, as should be clear.", "7"),
    ("math", "\\boxed{7}. Check: the value is 3 at x = 1, and there should be 3 roots.", "7"),
    ("numeric", "#### 7\nThe answer is 7 apples.", "7"),
    ("choice", "\\boxed{B} The answer is B, since C fails.", "B"),
]


@pytest.mark.parametrize(("kind", "text", "gold"), AGREES_AFTERWARDS)
def test_what_follows_may_agree_or_explain(kind, text, gold):
    assert verify(text, gold, kind).lenient


def test_gold_word_for_word_is_right_and_its_box_still_strict():
    assert verify("\\boxed{7}", "\\boxed{7}", "math").strict
    prose = "$g(x) = (2x)^a$ for some $a > 0$"
    assert verify(prose, prose, "math").lenient and not verify(prose, prose, "math").strict


def test_a_closed_thought_before_a_very_long_text_is_closed():
    assert verify(f"<think>x</think>{'so ' * 100_000}\n#### 7", "7", "numeric").strict


SAME = [
    ("\\sqrt{8}", "2\\sqrt{2}"),
    ("\\frac{1}{\\sqrt 3}", "\\frac{\\sqrt{3}}{3}"),
    ("2\\pi/4", "\\frac{\\pi}{2}"),
    ("(x+2)(x-2)", "x^2-4"),
    ("x \\ge 3", "[3, \\infty)"),
    ("1 < x \\le 2", "(1, 2]"),
    ("60^\\circ", "60"),
    ("\\{2, 1\\}", "1, 2"),
    ("12\\%", "0.12"),
    ("\\text{Odd}", "odd"),
    ("x = 5", "5"),
    ("y=2x+1", "2x-y+1=0"),
    ("(5,6)\\cup(1,2)", "(1,2)\\cup(5,6)"),
    ("\\begin{pmatrix}1/2\\\\3\\end{pmatrix}", "\\begin{pmatrix}0.5\\\\3\\end{pmatrix}"),
    ("2^{10}", "1024"),
    ("3 \\pm \\sqrt2", "3+\\sqrt{2}, 3-\\sqrt{2}"),
    ("\\sin^{-1}(x)", "\\arcsin x"),
]


@pytest.mark.parametrize(("answer", "gold"), SAME)
def test_math_is_decided_without_the_worker(answer, gold, monkeypatch):
    monkeypatch.setattr("slmr.verify.math.symbolic.equal", None)
    assert verify(f"\\boxed{{{answer}}}", gold, "math").strict


@pytest.mark.parametrize("kind", ["numeric", "math", "choice"])
def test_only_what_follows_a_closed_thought_counts(kind):
    gold, wrong = ("B", "C") if kind == "choice" else ("7", "8")
    right, other = STRICT[kind].format(gold), STRICT[kind].format(wrong)
    assert verify(f"<think>{other}</think>\n{right}", gold, kind).strict
    assert verify(f"{other}</think>{right}", gold, kind).strict
    assert verify(f"<think>{right}</think>\n{other}", gold, kind).status == "wrong"
    assert verify(f"<think>{right}</think>\nI give up.", gold, kind).status == "no_answer" or kind == "choice"
    assert verify(f"<think>{right}", gold, kind).status == "no_answer"
    assert verify(f"<think>{'so ' * 100_000}{right}", gold, kind).status == "no_answer"
    assert verify(f"{right}<|im_end|>", gold, kind).strict


@pytest.mark.parametrize(("kind", "gold"), [("numeric", "seven"), ("numeric", ""), ("choice", "?"), ("math", " ")])
def test_gold_that_cannot_be_read_abstains(kind, gold):
    verdict = verify(STRICT[kind].format("7"), gold, kind)
    assert verdict.status == "malformed_gold" and verdict.abstained and not verdict.lenient


def test_an_unknown_kind_names_the_kinds():
    with pytest.raises(ValueError, match="numeric, math, choice"):
        verify("7", "7", "essay")  # type: ignore[arg-type]
    assert checker_version("math") == f"math-{CHECKER_VERSIONS['math']}"


def test_a_verdict_cannot_be_changed():
    verdict = verify("#### 7", "7", "numeric")
    assert not hasattr(verdict, "__dict__") and verdict.elapsed_ms >= 0
    with pytest.raises(FrozenInstanceError):
        verdict.strict = False  # type: ignore[misc]


BOMBS = [
    " " * 200_000,
    "the answer is" + " " * 100_000,
    "1" * 200_000,
    "\\boxed{" * 20_000,
    "(" * 100_000,
    "$" * 100_000,
    "\\boxed{" + "[" * 9_000 + "}",
    "#### 1\n" * 20_000,
    "\\boxed{" + "1 or " * 1_500 + "1}",
    "<think>" * 20_000,
    "\\boxed{" + "\\{1,\\{2,3\\}\\}," * 500 + "1}",
    "\\boxed{1e999999999}",
    "<|a|>" * 30_000,
    "answer: " * 20_000,
    "\\boxed{" + "+".join(["(x+y)^{20}"] * 90) + "}",
    "option A " * 20_000,
    "\\boxed{" + "\\sum_{k=1}^{99}" * 8 + "k}",
    "\\boxed{\\sum_{k=1}^{99}(x+y+k)^{20}}",
    "\\boxed{" + "~" * 9_000 + "x}",
    "\\boxed{" + "\\binom{300}{150}" * 50 + "}",
    "\\boxed{" + "sin " * 240 + "x}",
    "\\boxed{" + "{(," * 3_000 + "}",
    "\\boxed{\\prod_{k=1}^{99}k!}",
]


# Quadratic work on texts of this size takes minutes, what is meant takes about a second: only a hang ends here.
@pytest.mark.timeout(60)
@pytest.mark.parametrize("number", range(len(BOMBS)))
@pytest.mark.parametrize(("kind", "gold"), [("numeric", "42"), ("math", "42"), ("choice", "B")])
def test_bombs_are_cheap(number, kind, gold):
    assert not verify(BOMBS[number], gold, kind).lenient


@pytest.mark.parametrize(("completion", "gold"), [(None, "7"), ("#### 7", 7), ([{"content": "#### 7"}], "7")])
def test_what_is_no_text_is_refused_by_name(completion: Any, gold: Any) -> None:
    with pytest.raises(TypeError, match=r"(completion|gold) is (NoneType|int|list), not a text"):
        verify(completion, gold, "numeric")
