"""The roles of letters."""

from __future__ import annotations

from slmr.verify.roles import Roles, roles_of, settled


def test_letters_have_roles():
    assert roles_of("A is wrong, so B.") == Roles({"B"}, {"A"}, set())
    assert roles_of("They asked me about C.") == Roles(set(), set(), set())
    assert roles_of("The key says D, but I disagree.").denied == {"D"}


def test_one_letter_is_settled_on():
    assert settled(Roles({"B"}, {"A"}, {"C"})) == "B"
    assert settled(Roles(set(), {"A"}, {"A"})) is None
