"""Checks that a bench recovers from damaged files: damages one file of a finished bench, then runs it again.

    python -m tools.damage                          # damages every file in each of five ways; the bench is tiny
    python -m tools.damage --profile lab-quick --limit 64    # uses a bench like a user's
    python -m tools.damage --tries 12 --seed 3      # tries 12 damages, chosen at random
    python -m tools.damage --method base --tries 5  # uses a smaller bench
    python -m tools.damage --workers 2 --part 1/4   # tries the first quarter of the damages, two at a time

The bench must give the results of the undamaged one, apart from wall times. It may first stop with an error of one
line; then the script follows that line's advice, or runs `slmr doctor --repair`, and the next bench must succeed. The
exit code is 1 if any damage leads to neither. The script takes too long for the test suite.
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
from tests.pipeline.tiny import PROFILE
from tools.forked import import_heavy, slmr
from tools.soak import different, outcome

_CAPABILITY = "capability: {tasks: lab_gsm8k, limit: 4, k: 4}"
Damage = tuple[Path, str]  # a file of the run, and a name in DAMAGES


def flip(file: Path) -> None:
    """Flips one bit near the middle."""
    content = bytearray(file.read_bytes())
    if content:
        content[len(content) * 2 // 5] ^= 4
        file.write_bytes(content)


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def replace_by_folder(file: Path) -> None:
    """Replaces the file by a folder that is not empty."""
    file.unlink()
    file.mkdir()
    (file / "stray").write_text("x")


DAMAGES: dict[str, Callable[[Path], None]] = {
    "truncated": truncate,
    "emptied": empty,
    "deleted": lambda file: file.unlink(),
    "flipped": flip,
    "a folder": replace_by_folder,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", default="base,sft,grpo,stagewise")
    parser.add_argument("--profile", help="a profile or its file; by default one whose stages take seconds")
    parser.add_argument("--limit", default="8")
    parser.add_argument("--tries", type=int, help="how many damages to try; by default all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", default="1/1", help="which part of the damages to try: 1/4 is the first quarter")
    parser.add_argument("--workers", type=int, default=1)
    a = parser.parse_args()
    import_heavy()
    with tempfile.TemporaryDirectory() as place:
        whole = Path(place) / "whole" / "runs"
        small = Path(place) / "small.yaml"
        small.write_text(PROFILE.format(extra=_CAPABILITY, steps=5), encoding="utf-8")
        a.profile = a.profile or str(small)
        if failure := bench(whole, a):
            raise SystemExit(f"the undisturbed bench fails: {failure}")
        files = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.is_file())
        damages = chosen([(file, name) for file in files for name in DAMAGES], a)
        # The threads only wait for the forked processes that do the work.
        with ThreadPoolExecutor(a.workers) as workers:
            faults = sum(workers.map(partial(fails, whole=whole, expected=outcome(whole), a=a), damages))
    print(f"{len(files)} files, {len(damages)} damages, {faults} not recovered from")
    return bool(faults)


def chosen(damages: Sequence[Damage], a: argparse.Namespace) -> list[Damage]:
    """A random sample of --tries damages, or all in random order; of these the part that --part names."""
    tries = len(damages) if a.tries is None else min(a.tries, len(damages))
    part, parts = map(int, a.part.split("/"))
    return random.Random(a.seed).sample(damages, tries)[part - 1 :: parts]


def fails(damage: Damage, whole: Path, expected: dict[str, str], a: argparse.Namespace) -> bool:
    """Whether the bench does not recover from a damage; prints what happens."""
    file, name = damage
    what = f"{file} {name}"
    with tempfile.TemporaryDirectory(dir=whole.parents[1]) as place:
        runs = Path(place) / "runs"
        shutil.copytree(whole, runs)
        DAMAGES[name](runs / file)
        failure = bench(runs, a)
        if failure is not None:
            print(f"{what}: {failure}", flush=True)
            if "\n" in failure:
                return True
            follow(failure, runs)
            if failure := bench(runs, a):
                print(f"{what}: again: {failure}", flush=True)
                return True
        return bool(different(expected, outcome(runs), what))


def follow(advice: str, runs: Path) -> None:
    """Follows the advice of an error message: removes the path that it names, or else runs `slmr doctor --repair`."""
    named = re.match(r"slmr: (\S+): .*move it away", advice)
    if named:
        remove(Path(named[1]))
    else:
        slmr(["doctor", "--runs", str(runs), "--repair"], runs.with_name("log"))


def bench(runs: Path, a: argparse.Namespace) -> str | None:
    """Runs the bench. Returns None, or if it fails the last line of its output, or the whole of it with a traceback."""
    runs.parent.mkdir(exist_ok=True)
    log = runs.with_name("log")
    words = ["bench", "--method", a.method, "--profile", a.profile, "--limit", a.limit, "--jobs", "1"]
    code = slmr([*words, "--out", str(runs)], log)
    if code == 0:
        return None
    text = log.read_text(encoding="utf-8").strip() or f"it ended with {code} and not a word"
    return text if "Traceback" in text else text.splitlines()[-1]


if __name__ == "__main__":
    sys.exit(main())
