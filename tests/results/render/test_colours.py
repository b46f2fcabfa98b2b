"""Every kind of method and state of a problem has a colour of its own."""

from __future__ import annotations

from typing import get_args

from slmr.config import MethodKind
from slmr.results.render import colours


def test_every_kind_has_its_colour() -> None:
    assert set(colours.OF_KIND) == set(get_args(MethodKind))
    for palette in (colours.PALETTE, colours.OF_KIND.values(), colours.OF_STATE.values()):
        assert len(set(palette)) == len(palette)


def test_a_tint_lets_through_what_is_below() -> None:
    assert colours.tint(colours.ORANGE, 0.38) == "rgba(230,159,0,0.38)"
