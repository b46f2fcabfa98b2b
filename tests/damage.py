"""Damages each file of a finished bench, one at a time, and runs the same command again. Too long for the tests.

    python -m tests.damage                          # every file, in each of five ways; stages of seconds
    python -m tests.damage --profile lab-quick --limit 64    # of the stages that a user runs
    python -m tests.damage --tries 12 --seed 3      # some of them
    python -m tests.damage --method base --tries 5  # of a smaller bench
    python -m tests.damage --workers 2 --part 1/4   # a quarter of them, two side by side

The command has to end with the undisturbed result; or in one line, after which what it says, or `slmr doctor --repair`,
and the same command again do. Ends with 1 where one does neither. Wall times alone may differ.
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from slmr.artifacts import remove
from tests.forked import import_heavy, slmr
from tests.pipeline.tiny import PROFILE
from tests.soak import different, outcome

_CAPABILITY = "capability: {tasks: lab_gsm8k, limit: 4, k: 4}"
Damage = tuple[Path, str]  # a file of the run, and what becomes of it


def flip(file: Path) -> None:
    """One bit, somewhere in the middle."""
    content = bytearray(file.read_bytes())
    if content:
        content[len(content) * 2 // 5] ^= 4
        file.write_bytes(content)


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def in_place_of(file: Path) -> None:
    """A folder with something in it."""
    file.unlink()
    file.mkdir()
    (file / "stray").write_text("x")


DAMAGES: dict[str, Callable[[Path], None]] = {
    "truncated": truncate,
    "emptied": empty,
    "deleted": lambda file: file.unlink(),
    "flipped": flip,
    "a folder": in_place_of,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--method", default="base,sft,grpo,stagewise")
    parser.add_argument("--profile", help="instead of one whose stages take seconds")
    parser.add_argument("--limit", default="8")
    parser.add_argument("--tries", type=int, help="so many of all; all where none is given")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", default="1/1", help="1/4 is the first quarter of them")
    parser.add_argument("--workers", type=int, default=1)
    a = parser.parse_args()
    import_heavy()
    with tempfile.TemporaryDirectory() as place:
        whole = Path(place) / "whole" / "runs"
        small = Path(place) / "small.yaml"
        small.write_text(PROFILE.format(extra=_CAPABILITY, steps=5), encoding="utf-8")
        a.profile = a.profile or str(small)
        if said := bench(whole, a):
            raise SystemExit(f"the undisturbed bench fails: {said}")
        files = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.is_file())
        damages = chosen([(file, name) for file in files for name in DAMAGES], a)
        # Threads wait; the work is done in forks.
        with ThreadPoolExecutor(a.workers) as workers:
            faults = sum(workers.map(partial(fails, whole=whole, expected=outcome(whole), a=a), damages))
    print(f"{len(files)} files, {len(damages)} damages, {faults} without the undisturbed result")
    return bool(faults)


def chosen(damages: Sequence[Damage], a: argparse.Namespace) -> list[Damage]:
    """So many of the damages, or all; of these one part, which has some of every kind."""
    tries = len(damages) if a.tries is None else min(a.tries, len(damages))
    part, parts = map(int, a.part.split("/"))
    return random.Random(a.seed).sample(damages, tries)[part - 1 :: parts]


def fails(damage: Damage, whole: Path, expected: dict[str, str], a: argparse.Namespace) -> bool:
    """Whether the result is not the undisturbed one in the end; what happens is printed."""
    file, name = damage
    what = f"{file} {name}"
    with tempfile.TemporaryDirectory(dir=whole.parents[1]) as place:
        runs = Path(place) / "runs"
        shutil.copytree(whole, runs)
        DAMAGES[name](runs / file)
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
        slmr(["doctor", "--runs", str(runs), "--repair"], runs.with_name("said"))


def bench(runs: Path, a: argparse.Namespace) -> str | None:
    """Runs the bench; what it said if it failed: its last line, or all of it where that is a traceback."""
    runs.parent.mkdir(exist_ok=True)
    said = runs.with_name("said")
    words = [
        "bench",
        "--method",
        a.method,
        "--profile",
        a.profile,
        "--limit",
        a.limit,
        "--jobs",
        "1",
        "--out",
        str(runs),
    ]
    code = slmr(words, said)
    if code == 0:
        return None
    text = said.read_text(encoding="utf-8").strip() or f"it ended with {code} and not a word"
    return text if "Traceback" in text else text.splitlines()[-1]


if __name__ == "__main__":
    sys.exit(main())
