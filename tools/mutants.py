"""How many small faults in the code do its tests notice? Draws mutants by a seed, and runs the tests on each.

    python -m tools.mutants --seed 28 --count 400 --workers 2
    python -m tools.mutants --seed 28 --count 400 --only slmr/stats/items.py    # of those, the ones in one file
    python -m tools.mutants --map old.toml                                      # other modules, other tests
    python -m tools.mutants --json mutants.json; python tests/mutants.py --json mutants.json --resume

A mutant is a module with one change (see `mutations.py`), drawn uniformly from all changes to all modules of the
map, and named path:line:column:kind. It is killed if a test fails, or if the tests take much longer than they should;
who survives is listed, for somebody to say whether that change makes a difference which a test should see.

The map is TOML, one table for a group of modules: `modules`, globs of files (`-` before one leaves it out), and
`tests`, globs of test files beside those that mirror a module: `tests/stats/test_items.py` is for
`slmr/stats/items.py`, and so is `tests/test_stats.py`. A mutant is shown the files that call the changed function: its
module's own tests first, of these the quickest first, and the first failure ends it. Tests marked slow or browser, and
those that take longer than SLOWEST seconds, are left out. Nothing starts before the unchanged code has passed the same
tests in the same way.

Heavy libraries are imported once; each mutant is a fork with the changed module in memory, so no source is written.
Programs that a test starts run the unchanged code. A mutant may write where its tests do not: look for `runs/`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import signal
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tools.forked import HEAVY, import_heavy
from tools.mutant_runs import ROOT, Function, Mutant, Run, finished
from tools.mutations import function_around, parsed

Record = dict[str, Any]  # a mutant and what became of it, as in the JSON file
SLOWEST = 8.0  # processor's seconds of a test that is run
_OF_TESTS = ("scipy.optimize", "jinja2", "hypothesis", "hypothesis.strategies", "pytest", "plotly.graph_objects")
_MAP = """
[statistics]
modules = ["slmr/stats/**/*.py"]
tests = ["tests/results/analysis/test_compare.py", "tests/results/render/test_report.py"]
[results]
modules = ["slmr/results/**/*.py", "-slmr/results/render/figures.py", "-slmr/results/render/html.py",
           "-slmr/results/render/labels.py", "-slmr/results/render/report.py"]
tests = ["tests/results/**/test_*.py", "tests/leaderboard/test_views.py"]
[curriculum]
modules = ["slmr/curriculum/**/*.py"]
tests = ["tests/curriculum/**/test_*.py", "tests/pipeline/test_recipe.py"]
[rewards]
modules = ["slmr/rewards/*.py"]
tests = []
"""


@dataclass(frozen=True, slots=True)
class Group:
    """Modules, and all the test files that are for one of them; both relative to the root."""

    name: str
    modules: list[str]
    tests: list[str]


@dataclass(frozen=True, slots=True)
class Usual:
    """What a file's tests do with the unchanged code: seconds of each quick one, and the functions that all call."""

    times: dict[str, float]
    called: set[Function]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=28)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", nargs="+", default=[""], help="of those drawn, whose names begin like this")
    parser.add_argument("--map", type=Path, help="which modules, and which tests; see above")
    parser.add_argument("--json", type=Path, help="where to write each mutant and what became of it")
    parser.add_argument("--resume", action="store_true", help="leave out what is there; same code only")
    a = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # so that no fork stays behind
    groups = read_map(a.map.read_text(encoding="utf-8") if a.map else _MAP)
    mutants = [m for m in drawn(groups, a.seed, a.count) if m.name.startswith(tuple(a.only))]
    file = a.json.resolve() if a.json else None
    known = json.loads(file.read_text(encoding="utf-8")) if a.resume and file else []
    begun = time.monotonic()
    print(summary(judged(groups, mutants, known, a.workers, file)))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{time.monotonic() - begun:.0f} s, {used.ru_utime + used.ru_stime:.0f} s of processors")
    return 0


def judged(
    groups: list[Group], mutants: list[Mutant], known: list[Record], workers: int, file: Path | None
) -> list[Record]:
    """A record of each mutant, in their order; the file has those that there are so far."""
    records = {record["name"]: record for record in known}
    remaining = [mutant for mutant in mutants if mutant.name not in records]
    used = [group for group in groups if any(m.group == group.name for m in remaining)]
    os.chdir(ROOT)
    import_heavy((*HEAVY, *_OF_TESTS))
    with tempfile.TemporaryDirectory() as scratch:
        usual = unchanged(used, workers, Path(scratch))
        runs = [run_of(m, next(g for g in used if g.name == m.group), usual) for m in remaining]
        for n, run in enumerate(finished(runs, workers, Path(scratch)), 1):
            new = record(run)
            records[new["name"]] = new
            if not new["killed"] or n % 50 == 0:
                print(f"{n}/{len(runs)}", "" if new["killed"] else in_words(new), flush=True)
            if file:
                finished_records = [records[m.name] for m in mutants if m.name in records]
                file.write_text(json.dumps(finished_records, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return [records[m.name] for m in mutants]


# --------------------------------------------------------------------------------- the sample of mutants


def read_map(text: str) -> list[Group]:
    """The groups of a map.

    Raises:
        SystemExit: a group has no module or no tests.
    """
    groups = []
    for name, table in tomllib.loads(text).items():
        left_out = {glob[1:] for glob in table["modules"] if glob.startswith("-")}
        modules = [m for m in _files(table["modules"]) if m not in left_out]
        tests = dict.fromkeys([*(test for m in modules for test in mirrors(m)), *_files(table["tests"])])
        if not modules or not tests:
            sys.exit(f"{name}: {len(modules)} modules and {len(tests)} test files, which is not enough")
        groups.append(Group(name, modules, list(tests)))
    return groups


def _files(globs: Sequence[str]) -> list[str]:
    files = {file for glob in globs if not glob.startswith("-") for file in ROOT.glob(glob)}
    return sorted(file.relative_to(ROOT).as_posix() for file in files)


def mirrors(module: str) -> list[str]:
    """A module's own test file and those of the packages that it is in, as far as there are such."""
    parts = Path(module).with_suffix("").parts[1:]
    places = [Path("tests", *parts[:n]) for n in range(len(parts), 0, -1)]
    files = [place.with_name(f"test_{place.name}.py") for place in places]
    return [file.as_posix() for file in files if (ROOT / file).is_file()]


def drawn(groups: Sequence[Group], seed: int, count: int) -> list[Mutant]:
    """So many of all mutants, or all; in the order of their modules."""
    every = []
    for group in groups:
        for module in group.modules:
            lines = (ROOT / module).read_text(encoding="utf-8").splitlines()
            tree, sites = parsed(ROOT / module)
            for place, site in enumerate(sites):
                number = int(site.name.split(":")[0])
                line, inside = lines[number - 1].strip(), function_around(tree, number)
                every.append(Mutant(group.name, module, f"{module}:{site.name}", place, str(site), line, inside))
    chosen = random.Random(seed).sample(range(len(every)), min(count, len(every)))
    return [every[i] for i in sorted(chosen)]


# ------------------------------------------------------------------------------------ how it runs


def unchanged(groups: Sequence[Group], workers: int, scratch: Path) -> dict[str, Usual]:
    """What the tests of each file do, by file.

    Raises:
        SystemExit: one fails, in its file alone or among the others that a mutant is shown.
    """
    files = list(dict.fromkeys(test for group in groups for test in group.tests))
    alone = list(finished([Run([file]) for file in files], workers, scratch))
    usual = {
        run.files[0]: Usual({name: s for name, s in run.took.items() if s <= SLOWEST}, run.called) for run in alone
    }
    together = [Run(by_time(g.tests, usual), times=times_of(g.tests, usual)) for g in groups]
    for run in (*alone, *finished(together, workers, scratch)):
        if run.code not in (0, 5):  # 5: a file has none but slow ones
            sys.exit(f"the unchanged code does not pass: {run.files}: {run.failed}")
    quick = len(times_of(files, usual))
    slow = sum(len(run.took) for run in alone) - quick
    print(
        f"{quick} tests pass in {sum(r.seconds for r in together):.0f} s; {slow} slow ones left out",
        flush=True,
    )
    return usual


def times_of(files: Iterable[str], usual: dict[str, Usual]) -> dict[str, float]:
    return {name: seconds for file in files for name, seconds in usual[file].times.items()}


def by_time(files: Iterable[str], usual: dict[str, Usual], first: Sequence[str] = ()) -> list[str]:
    """Files that have a quick test: those of `first` before others, and the quickest first."""
    total = {file: sum(usual[file].times.values()) for file in files if usual[file].times}
    return sorted(total, key=lambda file: (file not in first, total[file]))


def run_of(mutant: Mutant, group: Group, usual: dict[str, Usual]) -> Run:
    """The run that shows a mutant to the files that call its function, or, outside of functions, to all."""
    tests = group.tests
    if mutant.inside is not None:
        tests = [file for file in tests if (mutant.module, mutant.inside) in usual[file].called]
    return Run(by_time(tests, usual, mirrors(mutant.module)[:1]), mutant, times_of(tests, usual))


# --------------------------------------------------------------------------------- the records


def record(run: Run) -> Record:
    """A mutant for JSON: whether it was killed, and by which test."""
    assert run.mutant
    outcome = {"killed": run.code != 0, "by": run.failed, "seconds": round(run.seconds, 2)}
    return {key: value for key, value in asdict(run.mutant).items() if key not in ("place", "inside")} | outcome


def in_words(record: Record) -> str:
    return f"{record['name']}  {record['change']}  | {record['line']}"


def summary(records: Sequence[Record]) -> str:
    """Killed and drawn, by group and over all; then the survivors."""
    lines = []
    for name in [*dict.fromkeys(record["group"] for record in records), "all"]:
        killed = [record["killed"] for record in records if name in (record["group"], "all")]
        share = sum(killed) / max(len(killed), 1)
        lines.append(f"{name}: {sum(killed)} of {len(killed)} killed, {share:.1%}")
    return "\n".join([*lines, *(in_words(record) for record in records if not record["killed"])])


if __name__ == "__main__":
    sys.exit(main())
