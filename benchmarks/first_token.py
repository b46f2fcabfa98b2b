"""How soon `slmr eval` has its first token, beside an earlier version of slmr, in turns. Prints Markdown.

    python benchmarks/first_token.py ../before -n 5

`../before` is a checkout of that version (`git worktree add ../before REVISION`), run by the same Python with the same
libraries. Whole processes, from their start to the first token that a model of the lab samples.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from evaluation import OUR_START, until_first_token
from ratios import Ratio, in_turns, table

HERE = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before", type=Path, help="a checkout of the earlier version")
    parser.add_argument("--model", default="lab-llama")
    parser.add_argument("--tasks", default="lab")
    parser.add_argument("-n", type=int, default=3, help="runs of each, in turns, after one warm-up of each")
    a = parser.parse_args()
    words = ["eval", a.model, "--tasks", a.tasks, "--device", "cpu"]
    pairs = in_turns(
        lambda: until_first_token(OUR_START, words, HERE),
        lambda: until_first_token(OUR_START, words, a.before.resolve()),
        a.n,
    )
    what = f"`slmr eval {a.model}`, to the first token"
    print(table([Ratio("first_token_before", what, "the earlier version", pairs)]))


if __name__ == "__main__":
    main()
