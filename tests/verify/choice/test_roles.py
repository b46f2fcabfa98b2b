"""The roles of letters."""

from __future__ import annotations

from slmr.verify.choice.roles import Roles, roles_of, single_letter


def test_letters_have_roles():
    assert roles_of("A is wrong, so B.") == Roles({"B"}, {"A"}, set())
    assert roles_of("They asked me about C.") == Roles(set(), set(), set())
    assert roles_of("The key says D, but I disagree.").denied == {"D"}


def test_one_letter_is_settled_on():
    assert single_letter(Roles({"B"}, {"A"}, {"C"})) == "B"
    assert single_letter(Roles(set(), {"A"}, {"A"})) is None


def test_what_only_seems_right_is_given_up():
    for text in (
        "At first B looks right, but D is the answer.",
        "B seems correct at first, but D is better.",
        "Although B appears right, D is correct.",
    ):
        assert single_letter(roles_of(text)) == "D"
    assert single_letter(roles_of("B looks right.")) == "B"


def test_a_question_that_gets_a_no_denies():
    for no in ("I don't think so.", "I think not.", "Unlikely.", "Never.", "That seems doubtful."):
        assert roles_of(f"Is it B? {no}").denied == {"B"}
    assert not roles_of("Is it B? I think so.").denied


def test_what_looks_like_the_answer_is_asserted_unless_it_is_given_up():
    assert single_letter(roles_of("Looks like D. A is about cost, B about time.")) == "D"
    assert roles_of("It looks like D, but A is right.").asserted == {"A"}
    assert single_letter(roles_of("D and A both work.")) is None
