"""The vocabulary: no word twice."""

from __future__ import annotations

import pytest

from slmr.lab.words import NAMES, OBJECTS, PLACES, STATES


@pytest.mark.parametrize("words", [NAMES, OBJECTS, PLACES, STATES], ids=["names", "objects", "places", "states"])
def test_no_word_twice(words: list[str]) -> None:
    assert len(set(words)) == len(words) and all(word.isalpha() for word in words)
