"""Closing sentences that end in context, and such as answer with their last number.

Of 150 labelled cases of our own that were written before the rule, half of them wrong, 40.7 % agreed without it
(38 wrong ones paid), 99.3 % with it (none). Of 100 that were written once it stood, 35.0 % agreed without it (29 wrong
ones paid) and 88.0 % with it (5, each of them paid before as well); what had failed was then mended in part, to
92.0 % (3).
"""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.verify import verify
from slmr.verify.numeric.closing_sentence import closing_answer, number_before_context
from slmr.verify.reading.quantity import quantities

CONTEXT = [
    ("So Natalia sold 72 clips in 2 months.", 72),
    ("The total cost is 42 dollars for 3 tickets.", 42),
    ("Therefore, Tom needs 14 hours to paint all 7 rooms.", 14),
    ("She will have 5 apples left after 3 days.", 5),
    ("He earns $120 in 4 weeks.", 120),
    ("In total, they made 36 cupcakes over 4 days.", 36),
    ("So each of the 4 children gets 9 candies per day for 7 days.", 9),
    ("Betty needs $5 more to buy the $100 wallet.", 5),
    ("Therefore 24 of the 30 students passed.", 24),
    ("So it takes 20 minutes for 5 laps.", 20),
    ("She answered 18 out of the 24 questions.", 18),
    ("So the total is **36** cupcakes over **4** days.", 36),
    ("She has a total of 72 clips after 2 months.", 72),
    ("She is left with $9 after buying 3 pens.", 9),
    ("It takes her 3 hours at 60 miles per hour.", 3),
    ("Therefore, she pays $60 for 12 cakes at $5 each.", 60),
    ("Thus 36 cars were washed in 3 hours.", 36),
    ("He made $120 by selling 40 cups.", 120),
    ("So she can buy 8 toys with $40.", 8),
    ("She still needs 9 more stamps to fill her 50-stamp album.", 9),
    ("It costs him $52 to feed his 4 cats.", 52),
    ("He must sell 15 cups to earn $45.", 15),
    ("They ate 5kg of rice in 2 days", 5),
    ("She spent 27 dollars on all of her 3 books in the first 2 weeks.", 27),
    ("So 24 out of 30 students passed the test.", 24),
]
RESULTS = [
    ("Kylar pays 8 * $5 + 8 * $3 = $64 for the 16 glasses.", 64),
    ("That is 20 + 4 = 24 of the 30 students.", 24),
    ("n = 72 clips in 2 months", 72),
    ("5 miles/day × 6 days = 30 miles over the 6 days.", 30),
    ("In total, \\(60 + 180 = 240\\) downloads over the 2 months.", 240),
]
LAST = [
    # the context may be what is asked for
    "He can buy 24 apples for 6 dollars.",
    "He sold 12 cups for $6 each.",
    "He will reach 100 points in 5 weeks.",
    "It takes 3 trips to move 27 boxes",
    "She packs 36 eggs in 3 boxes.",
    "She uses 5 eggs to make 12 cookies.",
    # no verb in front: the number is who does it
    "So 5 workers can paint the house in 3 days.",
    "So train 12 will be here in 40 minutes.",
    "30 students were asked to bring in 12 brownies.",
    # nothing but context in front
    "For 3 tickets the total cost is 42 dollars.",
    "Each of the 4 children gets 9 candies.",
    "The price of the 50 dollar shirt increases by 20%.",
    "The 7 rooms take him 14 hours.",
    # another build: ratios, times, years, what is left over, conditions, denials, equations
    "So 5 out of 12",
    "That is 3 in 10 people",
    "It rises from 5 to 9 in 3 days.",
    "He has 3 meetings at 5 PM.",
    "He moved with 3 friends in 2019.",
    "She made 4 bags with 3 left over.",
    "There are 7 with 3 remaining.",
    "If he earns $120 in 4 weeks.",
    "She did not sell 72 clips in 2 months.",
    "6 * 4 = 24 apples for 6 dollars.",
    "20 + 4 = 24 and she sells 5 in 2 days",
    "So 24 out of 30 points.",
    "He eats 5 apples and 3 pears in 2 days.",
    "She has 3 boxes with 12 pencils each.",
    "She buys 3 packs of 12 pens for 4 friends.",
    "He has 5 more than his 12 cousins.",
    "in 20 minutes",
    "",
    "So 24 of the 30 girls and 5 of the 12 boys passed.",
    "He is 5 feet 3 inches tall after 2 years.",
    "She types a 300 word essay in 6 minutes.",
    "She sold 48 cakes and he made 12 pies in 2 days.",
]
ANNOUNCED = [
    ("42 dollars for 3 tickets", 42),
    ("$120 in 4 weeks", 120),
    ("14 hours to paint all 7 rooms", 14),
    ("that each of the 5 friends pays $14 for the 2 pizzas", 14),
    ("5 trips to move 27 boxes", 5),
]
PHRASES = [
    "in {} days",
    "for {} tickets",
    "after {} weeks",
    "over the last {} months",
    "from her {} jobs",
    "by working {} hours",
    "each week for {} weeks",
    "to pay for the {} tickets",
]


@pytest.mark.parametrize(("sentence", "value"), CONTEXT)
def test_context_behind_the_answer(sentence: str, value: int) -> None:
    number = number_before_context(sentence)
    assert number and number.value == value
    assert verify(f"48 / 2 = 24, so we go on.\n{sentence}", str(value), "numeric").lenient


@pytest.mark.parametrize(("sentence", "value"), RESULTS)
def test_context_behind_what_an_equation_comes_to(sentence: str, value: int) -> None:
    assert closing_answer(sentence, quantities(sentence)[-1]).value == value
    assert verify(sentence, str(value), "numeric").lenient


@pytest.mark.parametrize("sentence", LAST)
def test_a_sentence_that_is_left_to_its_last_number(sentence: str) -> None:
    assert number_before_context(sentence) is None
    assert not (found := quantities(sentence)) or closing_answer(sentence, found[-1]) == found[-1]


@pytest.mark.parametrize(("statement", "value"), ANNOUNCED)
def test_what_stands_behind_the_answer_is(statement: str, value: int) -> None:
    number = number_before_context(statement, is_announced=True)
    assert number and number.value == value
    for cue in ("The answer is", "So the final answer is:", "Answer:"):
        assert verify(f"{cue} {statement}.", str(value), "numeric").lenient


def test_two_statements_behind_a_cue_are_not_told_apart() -> None:
    assert number_before_context("3 boxes in 2 rooms and 5 boxes in 4 rooms", is_announced=True) is None
    assert not verify("The answer is 42 dollars for 3 tickets, so it is 14.", "42", "numeric").lenient


def test_the_place_is_that_in_the_whole_text() -> None:
    text = "He has 4.\nSo she sold 72 clips in 2 months. That is all!"
    number = closing_answer(text, quantities(text)[-1])
    assert text[number.start : number.end] == "72"
    assert closing_answer("So 5", quantities("So 5")[-1]).value == 5


def test_a_right_number_that_is_taken_back_is_not_paid() -> None:
    text = "So Natalia sold 72 clips in 2 months. No wait, the answer is 70."
    assert not verify(text, "72", "numeric").lenient
    assert not verify("So Natalia sold 72 or 73 clips in 2 months.", "72", "numeric").lenient


@given(
    st.integers(2, 999),
    st.integers(2, 999),
    st.sampled_from(PHRASES),
    st.sampled_from(["So she made {} cakes", "She needs ${} more", "The answer is {} cakes", "There are {} more left"]),
)
def test_a_phrase_of_context_never_makes_a_wrong_answer_right(a: int, b: int, phrase: str, told: str) -> None:
    text = f"{told.format(a)} {phrase.format(b)}."
    assert verify(text, str(b), "numeric").lenient == (a == b)


@given(st.sampled_from([sentence for sentence, _ in CONTEXT] + LAST), st.integers(-999, 9_999))
def test_a_number_that_is_in_no_sentence_is_never_accepted(sentence: str, gold: int) -> None:
    named = {number.value for number in quantities(sentence)} | {Fraction(24)}  # 20 + 4
    assert gold in named or not verify(sentence, str(gold), "numeric").lenient


@given(st.text("in for the 5 $7 her all to needs, days.", max_size=120))
def test_any_text_is_read(text: str) -> None:
    number = number_before_context(text)
    assert number is None or number in quantities(text)
