"""Compares the time of `slmr --help` with `lm_eval --help`, as whole processes. Prints Markdown."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ratios import Ratio, in_turns, process, table


def ratios(n: int = 10) -> list[Ratio]:
    folder = Path(sys.executable).parent
    ours, theirs = [str(folder / "slmr"), "--help"], [str(folder / "lm_eval"), "--help"]
    pairs = in_turns(lambda: process(ours), lambda: process(theirs), n)
    return [Ratio("cli_startup", "`slmr --help`", "`lm_eval --help`", pairs)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=10, help="runs of each, in turns")
    print(table(ratios(parser.parse_args().n)))
