"""What `slmr bench` understands by its options."""

from __future__ import annotations

import pytest

from slmr.cli.bench import parse_jobs, parse_seeds
from slmr.errors import RequestError


def test_jobs_are_auto_or_a_number() -> None:
    assert parse_jobs("auto") is None and parse_jobs("3") == 3
    for text in ("0", "-1", "two", ""):
        with pytest.raises(RequestError, match="neither auto nor a number"):
            parse_jobs(text)


def test_seeds_are_a_number_of_them_or_a_list() -> None:
    assert parse_seeds("3") == (0, 1, 2) and parse_seeds("0,3,4") == (0, 3, 4) and parse_seeds("7,") == (7,)
    assert parse_seeds("1,1") == (1,)
    for text in ("", "x", "1,x", "0", "-1"):
        with pytest.raises(RequestError, match="--seeds"):
            parse_seeds(text)
