"""The page of the completions."""

from __future__ import annotations

import pytest
from slmr_leaderboard.views.parts import NOT_KEPT
from slmr_leaderboard.views.samples import completion_html, page_size

from tests.leaderboard.conftest import Draw
from tests.made_results import html

LLAMA = {"students": ("lab-llama",)}


def test_samples_are_filtered_searched_and_linked(draw: Draw) -> None:
    app = draw("samples", **LLAMA)
    assert "of 240 completions" in app.caption[0].value
    app.text_input(key="text").set_value("What is 7 apples").run()
    assert "of 2 completions" in app.caption[0].value and "What is 7 apples" in html(app)
    app.text_input(key="text").set_value("nowhere").run()
    assert app.info[0].value.startswith("No completion fits")
    one = draw("samples", **LLAMA, query={"item": "item-3"})
    assert html(one).count("What is") == 1 and "What is 3 apples" in html(one)
    one.button[0].click().run()
    assert "of 240 completions" in one.caption[0].value


@pytest.mark.parametrize("k, size", [(1, 10), (3, 12), (4, 12), (10, 10), (64, 64)])
def test_no_item_is_divided_between_pages(k: int, size: int) -> None:
    assert page_size(k) == size


def test_an_item_that_is_nowhere_is_no_crash(draw: Draw) -> None:
    app = draw("samples", **LLAMA, query={"item": "../../etc/passwd"})
    assert app.info[0].value == "This cell has no such item."


def test_a_text_that_was_not_published_is_said_to_be_so() -> None:
    row = {
        "status": "wrong",
        "k_index": 1,
        "lenient": False,
        "strict": False,
        "finish_reason": "stop",
        "tokens": 5,
        "extracted": "2",
        "reason": "",
        "prompt": "How many?",
        "completion": "#### 2",
    }
    assert "#### 2" in completion_html(row) and NOT_KEPT not in completion_html(row)
    without = completion_html({**row, "completion": None})
    assert NOT_KEPT in without and "answered 2" in without
    # Without a licence the caption of the problem says why.
    assert NOT_KEPT not in completion_html({**row, "completion": None, "prompt": None})
