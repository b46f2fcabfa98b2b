"""Compares the time to the first token of `slmr eval` with an earlier version of slmr. Prints Markdown.

    python benchmarks/first_token.py ../before -n 5

`../before` is a checkout of that version (`git worktree add ../before REVISION`), run by the same Python with the same
libraries. It measures whole processes, from their start to the first sampled token of a lab model, alternating.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from evaluation import OUR_START, until_first_token
from ratios import Ratio, in_turns, table

HERE = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, help="a checkout of the earlier version")
    parser.add_argument("--model", default="lab-llama")
    parser.add_argument("--tasks", default="lab")
    parser.add_argument("-n", type=int, default=3, help="runs of each, in turns, after one warm-up of each")
    args = parser.parse_args()
    words = ["eval", args.model, "--tasks", args.tasks, "--device", "cpu"]
    pairs = in_turns(
        lambda: until_first_token(OUR_START, words, HERE),
        lambda: until_first_token(OUR_START, words, args.before.resolve()),
        args.n,
    )
    what = f"`slmr eval {args.model}`, to the first token"
    print(table([Ratio("first_token_before", what, "the earlier version", pairs)]))


if __name__ == "__main__":
    main()
