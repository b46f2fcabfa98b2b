"""Installs the built wheel into an environment of its own, without constraints, and uses it as somebody else would.

    python tests/install/job.py newest .venv-newest    # slmr[all] with the newest of everything, but of torch
    python tests/install/job.py lowest .venv-lowest    # with the lowest that its bounds allow of what it names
    python tests/install/job.py light .venv-light      # the wheel alone, with the checkers' tests

`make test-newest` and so on. The first two run `doctor`, an evaluation of a server, a bench and the leaderboard, and
compare what they installed with `slmr.pipeline.versions.TESTED`. Everything runs outside of the checkout. The wheel of
torch is fetched by pip, whose settings may name a place for its CPU build, all else by uv.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import Parser
from pathlib import Path

ROOT = Path(__file__).parents[2]
METHODS, TASKS = {"base", "sft", "grpo", "gkd"}, {"lab_gsm8k", "lab_math"}
MOST_PACKAGES, MOST_MB = 25, 200  # of the light installation
START_S = 60  # that the leaderboard may take
_USE = """
import json, sys
from slmr.rewards import compute_score, reward
from slmr.verify import verify
said = [verify(text, gold, kind).strict for text, gold, kind in json.loads(sys.argv[1])]
assert said == [True, True, True, False], said
assert reward("gsm8k_platinum")(completions=["#### 7", "#### 8"], gold=["7", "7"]) == [1.0, 0.0]
assert compute_score("openai/gsm8k", "#### 7", "7", {"kind": "numeric"})["score"] == 1.0
heavy = {"torch", "transformers", "numpy", "pandas", "lm_eval"} & set(sys.modules)
assert not heavy, heavy
"""
_CASES = [
    ["#### 7", "7", "numeric"],
    [r"\boxed{\frac{1}{2}}", "0.5", "math"],
    ["Answer: B", "B", "choice"],
    ["#### 8", "7", "numeric"],
]


class Environment:
    """A virtual environment, and a folder outside of the checkout in which its programs run."""

    def __init__(self, folder: Path, place: Path, uv: str) -> None:
        self._folder, self.place, self._uv = folder.resolve(), place, uv
        run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(self._folder)], ROOT)

    def install(self, *arguments: str) -> None:
        run([self._uv, "pip", "install", "--quiet", "--python", str(self._folder), *arguments], self.place)

    def versions(self) -> dict[str, str]:
        command = [self._uv, "pip", "list", "--quiet", "--python", str(self._folder), "--format", "json"]
        return {row["name"]: row["version"] for row in json.loads(run(command, self.place))}

    def megabytes(self) -> float:
        """What the packages take on the disk."""
        files = [path for path in self._folder.rglob("*") if path.is_file() and not path.is_symlink()]
        return sum(path.stat().st_size for path in files) / 1e6

    def command(self, program: str, *arguments: str) -> list[str]:
        return [str(self._folder / "bin" / program), *arguments]

    def run(self, program: str, *arguments: str) -> str:
        return run(self.command(program, *arguments), self.place)


def run(command: list[str], place: Path) -> str:
    """Its standard output; everything it said if it fails. Nothing of the checkout is on its path."""
    done = subprocess.run(command, cwd=place, env=clean(), capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"HF_HUB_OFFLINE": "1"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", choices=["newest", "lowest", "light"])
    parser.add_argument("environment", type=Path)
    parser.add_argument("--torch", default="2.13.0", help="its version, in both jobs")
    a = parser.parse_args()
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        run([uv, "build", "--quiet", "--wheel", "--out-dir", str(place), str(ROOT)], place)
        (wheel,) = place.glob("slmr-*.whl")
        environment = Environment(a.environment, place, uv)
        if a.job == "light":
            light(environment, wheel)
        else:
            whole(environment, wheel, a.job, a.torch)


# --------------------------------------------------------------------------------------- slmr[all]


def whole(environment: Environment, wheel: Path, job: str, torch: str) -> None:
    resolution = {"newest": "highest", "lowest": "lowest-direct"}[job]
    environment.install("--resolution", resolution, *requirements(wheel, "all"), torch_wheel(torch, environment.place))
    environment.install("--no-deps", str(wheel))
    versions = environment.versions()
    print("installed:", ", ".join(f"{name} {version}" for name, version in sorted(versions.items())))
    print(environment.run("slmr", "doctor"))
    evaluate_a_server(environment)
    bench(environment)
    show_the_leaderboard(environment)
    compare_with_table(environment, versions, job)


def requirements(wheel: Path, extra: str) -> list[str]:
    """What the wheel asks for with an extra, each by itself, so that uv's "direct" holds of it; torch is apart."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        lines = Parser().parsestr(archive.read(name).decode()).get_all("Requires-Dist", [])
    split = [line.partition(";") for line in lines]
    asked = [line.strip() for line, _, marker in split if not marker or f"extra == '{extra}'" in marker]
    return [line for line in asked if not re.match(r"torch\b", line)]


def torch_wheel(version: str, place: Path) -> str:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(place)]
    run([*pip, f"torch=={version}"], place)
    (wheel,) = place.glob("torch-*.whl")
    return str(wheel)


def evaluate_a_server(environment: Environment) -> None:
    """openai's client, of whatever version, asks the tests' server."""
    sys.path.insert(0, str(ROOT))
    from tests.engines.fake_server import FakeServer, Reply, answer

    with FakeServer(lambda number, body: Reply(answer("#### 4"))) as server:
        names = ",".join(sorted(TASKS))
        environment.run("slmr", "eval", server.url, "--tasks", names, "--limit", "8", "--out", "eval")
        asked = len(server.bodies)
    (rows,) = [summary_rows(path) for path in environment.place.glob("eval/*/summary.json")]
    if {row["task"] for row in rows} != TASKS or not asked:
        raise SystemExit(f"the evaluation of a server asked {asked} times and has rows {rows}")
    print(f"eval of a server: {asked} completions of {len(rows)} tasks")


def bench(environment: Environment) -> None:
    started = time.monotonic()
    said = environment.run(
        "slmr", "bench", "--method", ",".join(sorted(METHODS)), "--limit", "64", "--profile", "lab-quick"
    )
    print(said, f"bench: {time.monotonic() - started:.0f} s", sep="\n")
    (rows,) = [summary_rows(path) for path in environment.place.glob("runs/*/summary.json")]
    if {row["method"] for row in rows} != METHODS or not all(0 < row["accuracy"] <= 1 for row in rows):
        raise SystemExit(f"the bench's table is {[(row['method'], row['accuracy']) for row in rows]}")
    if missing := [name for name in METHODS if not re.search(rf"│ {name} +│", said)]:
        raise SystemExit(f"the bench printed no row of {missing}")


def summary_rows(path: Path) -> list[dict]:
    return json.loads(path.read_text(encoding="utf-8"))["rows"]


def show_the_leaderboard(environment: Environment) -> None:
    with served(environment) as url, urllib.request.urlopen(url, timeout=10) as page:
        print(f"leaderboard: {page.status}, {len(page.read())} bytes")


@contextmanager
def served(environment: Environment) -> Iterator[str]:
    """The leaderboard's URL, once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = environment.command("slmr", "leaderboard", "--results", "runs", "--port", str(port))
    process = subprocess.Popen(command, cwd=environment.place, env=clean())
    url, until = f"http://127.0.0.1:{port}/", time.monotonic() + START_S
    try:
        while not answers(url):
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"the leaderboard does not answer at {url}; exit code {process.poll()}")
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait()


def answers(url: str) -> bool:
    try:
        return urllib.request.urlopen(url, timeout=5).status == 200
    except OSError:
        return False


def compare_with_table(environment: Environment, versions: dict[str, str], job: str) -> None:
    """Fails where `TESTED` does not say what this job ran with: the job itself has passed by then."""
    script = "import json; from slmr.pipeline.versions import TESTED; print(json.dumps(TESTED))"
    table = json.loads(environment.run("python", "-c", script))
    end = {"lowest": 0, "newest": 1}[job]
    here = {name: versions[name].partition("+")[0] for name in table}
    other = [f"{name} {here[name]}, it says {ends[end]}" for name, ends in table.items() if ends[end] != here[name]]
    if other:
        raise SystemExit(f"all passed; slmr/pipeline/versions.py, TESTED, says otherwise: {'; '.join(other)}")
    print(f"{job}: all passed, with the versions that slmr.pipeline.versions.TESTED names")


# ----------------------------------------------------------------------------------- the wheel alone


def light(environment: Environment, wheel: Path) -> None:
    empty = environment.megabytes()
    environment.install(str(wheel))
    versions, size = environment.versions(), environment.megabytes() - empty
    print(f"{len(versions)} packages, {size:.0f} MB: {', '.join(f'{n} {v}' for n, v in sorted(versions.items()))}")
    if len(versions) > MOST_PACKAGES or size > MOST_MB:
        raise SystemExit(f"at most {MOST_PACKAGES} packages and {MOST_MB} MB are wanted")
    use(environment)
    test(environment)
    environment.install("--resolution", "lowest-direct", "--reinstall", *requirements(wheel, ""))
    versions = environment.versions()
    print("lowest:", ", ".join(f"{name} {version}" for name, version in sorted(versions.items())))
    use(environment)


def use(environment: Environment) -> None:
    """What a light installation is for."""
    environment.run("python", "-c", _USE, json.dumps(_CASES))
    verify_a_file(environment)
    for arguments in (("doctor",), ("methods", "show", "stagewise"), ("tasks", "validate", "lab_mawps")):
        environment.run("slmr", *arguments)


def verify_a_file(environment: Environment) -> None:
    """`slmr verify` on a case of each kind."""
    cases = [{"id": i, "completion": text, "gold": gold, "kind": kind} for i, (text, gold, kind) in enumerate(_CASES)]
    file = environment.place / "cases.jsonl"
    file.write_text("".join(json.dumps(case) + "\n" for case in cases), encoding="utf-8")
    environment.run("slmr", "verify", "--in", "cases.jsonl", "--out", "verdicts.jsonl")
    lines = (environment.place / "verdicts.jsonl").read_text(encoding="utf-8").splitlines()
    if [json.loads(line)["strict"] for line in lines] != [True, True, True, False]:
        raise SystemExit("\n".join(["`slmr verify` said:", *lines]))


def test(environment: Environment) -> None:
    """The checkers' and the rewards' tests, copied to where there is no checkout to import."""
    environment.install("pytest", "pytest-timeout", "hypothesis")
    shutil.copytree(ROOT / "tests", environment.place / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    options = [
        "-q",
        "-rs",
        "--import-mode=importlib",
        "--rootdir",
        ".",
        "-o",
        "pythonpath=.",
        "-o",
        "timeout=600",
    ]
    print(environment.run("python", "-m", "pytest", *options, "tests/verify", "tests/rewards")[-3000:])


if __name__ == "__main__":
    main()
