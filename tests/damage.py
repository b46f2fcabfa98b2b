"""Damages each file of a finished bench, one at a time, and runs the same command again. Too long for the tests.

    python -m tests.damage                          # every file, in each of five ways
    python -m tests.damage --tries 12 --seed 3      # some of them
    python -m tests.damage --method base --tries 5  # of a smaller bench

The command has to end with the undisturbed result; or in one line, after which what it says, or `slmr doctor --repair`,
and the same command again do. Ends with 1 where one does neither. Wall times alone may differ.
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from slmr.artifacts import remove
from tests.soak import different, outcome


def flip(file: Path) -> None:
    """One bit, somewhere in the middle."""
    content = bytearray(file.read_bytes())
    if content:
        content[len(content) * 2 // 5] ^= 4
        file.write_bytes(content)


def in_place_of(file: Path) -> None:
    """A folder with something in it."""
    file.unlink()
    file.mkdir()
    (file / "stray").write_text("x")


DAMAGES: dict[str, Callable[[Path], None]] = {
    "truncated": lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]) and None,
    "emptied": lambda file: file.write_bytes(b"") and None,
    "deleted": lambda file: file.unlink(),
    "flipped": flip,
    "a folder": in_place_of,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--method", default="base,sft,grpo,stagewise")
    parser.add_argument("--limit", default="64")
    parser.add_argument("--tries", type=int, help="so many of all; all where none is given")
    parser.add_argument("--seed", type=int, default=0)
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        whole = folder / "whole" / "runs"
        if said := bench(whole, a):
            raise SystemExit(f"the undisturbed bench fails: {said}")
        expected = outcome(whole)
        files = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.is_file())
        tries = [(file, name) for file in files for name in DAMAGES]
        if a.tries is not None:
            tries = random.Random(a.seed).sample(tries, min(a.tries, len(tries)))
        faults = sum(fails(file, name, whole, expected, a) for file, name in tries)
    print(f"{len(files)} files, {len(tries)} damages, {faults} without the undisturbed result")
    return bool(faults)


def fails(file: Path, name: str, whole: Path, expected: dict[str, str], a: argparse.Namespace) -> bool:
    """Whether the result is not the undisturbed one in the end; what happens is printed."""
    runs = whole.parent.with_name("damaged") / "runs"
    remove(runs)
    shutil.copytree(whole, runs)
    DAMAGES[name](runs / file)
    what = f"{file} {name}"
    said = bench(runs, a)
    if said is not None:
        print(f"{what}: {said}", flush=True)
        if "\n" in said:
            return True
        follow(said, runs)
        if said := bench(runs, a):
            print(f"{what}: again: {said}", flush=True)
            return True
    return bool(different(expected, outcome(runs), what))


def follow(said: str, runs: Path) -> None:
    """Does what the line says: moves a path away, else lets doctor repair."""
    named = re.match(r"slmr: (\S+): .*move it away", said)
    if named:
        remove(Path(named[1]))
    else:
        subprocess.run(
            [sys.executable, "-m", "slmr.cli", "doctor", "--runs", str(runs), "--repair"], check=False
        )


def bench(runs: Path, a: argparse.Namespace) -> str | None:
    """Runs the bench; what it said if it failed: its last line, or all of it where that is a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "slmr.cli", "bench", "--method", a.method, "--limit", a.limit, "--jobs", "1",
         "--out", str(runs)], capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode == 0:
        return None
    return done.stderr if "Traceback" in done.stderr else done.stderr.strip().splitlines()[-1]


if __name__ == "__main__":
    sys.exit(main())
