"""The page of the curriculum."""

from __future__ import annotations

from tests.leaderboard.conftest import Draw
from tests.made_results import html

LLAMA = {"students": ("lab-llama",)}


def test_curriculum_shades_tokens_and_marks_the_wrong_step(draw: Draw) -> None:
    text = html(draw("curriculum", **LLAMA))
    assert 'title="5.50 nats"' in text and "&lt;b&gt;3 + 4" in text and "<b>3" not in text
    assert '<span class="wrong">2 * 2 = 5.</span>' in text and "<mark>2 * 2 = 4. #### 4</mark>" in text
