"""Checks that a bench gives the same results when it is killed and resumed, or when two run in one folder at once.

    python -m tools.soak --kills 30        # kills benches 30 times at random moments and resumes them after each kill
    python -m tools.soak --twice           # starts two benches with different methods in one folder
    python -m tools.soak --together 200    # lets two benches write their results at the same moment, 200 times

The exit code is 1 if a summary, a completion or a model differs from that of an undisturbed bench, or if a stage was
run twice. --seed determines the moments of the kills. The script takes too long for the test suite.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pyarrow.parquet as pq

from slmr.io import digest
from slmr.pipeline.bench import run_bench
from slmr.pipeline.plan import BenchRequest, make_plan
from slmr.pipeline.runner import SilentWatcher
from slmr.results.runs.schema import read_summary
from tools.forked import import_heavy

METHODS = "rft,sft_grpo,stagewise"
PROFILE = """
extends: lab
tasks: lab_gsm8k
evaluate: {limit: 40, k: 2}
capability: {tasks: lab_gsm8k, limit: 10, k: 4}
stages:
  pool: {size: 60, validation: 20}
  sft: {validate_every: 5}
  grpo: {steps: 6, prompts_per_step: 4, group_size: 4, validate_every: 2}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--longest", type=float, default=40.0, help="the most seconds between a start and its kill")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--twice", action="store_true")
    parser.add_argument("--together", type=int, metavar="ROUNDS")
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "small.yaml").write_text(PROFILE)
        wait(bench(folder, "whole", METHODS))
        whole = outcome(folder / "whole")
        if a.together:
            return together(folder, whole, a.together)
        return twice(folder, whole) if a.twice else killed(folder, whole, a)


def together(folder: Path, whole: dict[str, str], rounds: int) -> int:
    """Lets two benches with different methods, whose stages are all finished, write one summary at once; repeatedly."""
    import_heavy()  # once, for all the forks
    (run,) = (file.parent for file in (folder / "whole").glob("*/summary.json"))
    context = multiprocessing.get_context("fork")
    faults = 0
    for i in range(rounds):
        (run / "summary.json").unlink()
        shutil.rmtree(run / "samples")
        start = context.Barrier(2)
        both = [context.Process(target=written, args=(folder, m, start)) for m in ("rft,sft_grpo", "stagewise")]
        for process in both:
            process.start()
        for process in both:
            process.join()
        ended = sum(process.exitcode != 0 for process in both)
        faults += bool(ended or different(whole, outcome(folder / "whole"), f"round {i}"))
    print(f"{rounds} rounds of two benches that ended at once, {faults} with a fault")
    return bool(faults)


def written(folder: Path, methods: str, start: Barrier) -> None:
    request = BenchRequest(methods, str(folder / "small.yaml"), out=folder / "whole")
    plan = make_plan(request)
    start.wait()
    run_bench(plan, SilentWatcher())


def killed(folder: Path, whole: dict[str, str], a: argparse.Namespace) -> int:
    """Kills and resumes one bench after another until the number of kills is reached; compares each with `whole`."""
    rng, kills, faults, rounds = random.Random(a.seed), 0, 0, 0
    while kills < a.kills:
        rounds += 1
        out = f"killed-{rounds}"
        ended = False
        while not ended:
            process = bench(folder, out, METHODS)
            moment = rng.uniform(0.0, a.longest) if kills < a.kills else None
            ended = ends_within(process, moment)
            if not ended:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                kills += 1
                print(f"kill {kills} after {moment:.1f} s: {stage_under_way(folder / out)}", flush=True)
        faults += different(whole, outcome(folder / out), out)
    print(f"{kills} kills, {rounds} benches that ended, {faults} different from the undisturbed one")
    return bool(faults)


def twice(folder: Path, whole: dict[str, str]) -> int:
    """Starts two benches that share stages at the same time in one folder."""
    both = [bench(folder, "twice", methods) for methods in (METHODS, "sft_grpo,rft")]
    said = [wait(process) for process in both]
    stages = [sum(line.startswith("[") for line in text.splitlines()) for text in said]
    folders = len(list((folder / "twice").glob("*/artefacts/*/manifest.json")))
    faults = different(whole, outcome(folder / "twice"), "twice")
    unfinished = half_made(folder / "twice")
    print(f"{folders} artefacts, {stages[0]} and {stages[1]} by each, {len(unfinished)} unfinished, {faults} different")
    return bool(faults or unfinished or sum(stages) != folders)


def bench(folder: Path, out: str, methods: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "slmr.cli", "bench", "--method", methods]
    command += ["--profile", str(folder / "small.yaml"), "--out", str(folder / out)]
    # In a session of its own, so that a kill also ends the processes that the bench has started.
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def wait(process: subprocess.Popen[str], seconds: float | None = None) -> str:
    """Waits for the end of a bench and returns what it printed.

    Raises:
        SystemExit: the bench failed.
    """
    said = process.communicate(timeout=seconds)[1]
    if process.returncode:
        raise SystemExit(f"the bench ended with {process.returncode}:\n{said}")
    return said


def ends_within(process: subprocess.Popen[str], seconds: float | None) -> bool:
    """Whether a bench ends in time; raises as `wait`."""
    try:
        wait(process, seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def stage_under_way(out: Path) -> str:
    done = len(list(out.glob("*/artefacts/*/manifest.json")))
    return f"{done} artefacts, {', '.join(half_made(out)) or 'nothing'} under way"


def half_made(out: Path) -> list[str]:
    """The kinds of the stages whose artefact is unfinished; the lock files in the same folder do not count."""
    return [file.name.rpartition("-")[0] for file in out.glob("*/artefacts/.partial/*-*") if file.is_dir()]


def outcome(out: Path) -> dict[str, str]:
    """All results of a run except wall times: the name of a summary row, samples file or model → its content."""
    (run,) = (file.parent for file in out.glob("*/summary.json"))
    contents = {
        " ".join(map(str, row.identity)): str(row.model_dump(exclude={"wall_s"}))
        for row in read_summary(run / "summary.json").rows
    }
    for file in run.glob("samples/**/*.parquet"):
        contents[str(file.relative_to(run))] = str(pq.read_table(file).to_pylist())
    for model in run.glob("artefacts/*/model"):
        contents[str(model.relative_to(run))] = digest({file.name: file.read_bytes().hex() for file in model.iterdir()})
    return contents


def different(whole: dict[str, str], other: dict[str, str], name: str) -> int:
    """Prints the entries that differ or are missing, and returns their number."""
    wrong = sorted(key for key in whole.keys() | other.keys() if whole.get(key) != other.get(key))
    for key in wrong:
        print(f"{name}: {key} is different")
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main())
