"""The vocabulary: no word twice, and chains of facts that do not run in circles."""

from __future__ import annotations

import pytest

from slmr.lab.words import ADJECTIVES, CONTAINERS, FACTS, NAMES, OBJECTS, PLACES


@pytest.mark.parametrize(
    "words", [NAMES, OBJECTS, PLACES, CONTAINERS], ids=["names", "objects", "places", "containers"]
)
def test_no_word_twice(words: list[str]) -> None:
    assert len(set(words)) == len(words) and all(word.isalpha() for word in words)


def test_a_superlative_belongs_to_its_comparative() -> None:
    assert all(more[:-2] == most[:-3] for more, most in ADJECTIVES)


def test_facts_follow_from_one_another_without_a_circle() -> None:
    successor = dict(FACTS)
    assert len(successor) == len(FACTS) == len(set(successor.values()))
    for start in successor:
        path = [start]
        while path[-1] in successor:
            path.append(successor[path[-1]])
            assert len(path) <= len(FACTS)
    longest = max(sum(1 for _ in _chain(successor, start)) for start in successor)
    assert longest >= 4  # level 5 needs four steps


def _chain(successor: dict[str, str], start: str):
    while start in successor:
        start = successor[start]
        yield start
