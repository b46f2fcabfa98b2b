"""Mutated recipes, profiles, tasks, summaries, manifests and cases: each is taken, or refused in one line.

    python -m tools.fuzz_config 20000 --seed 1

Ends with 1 where one gives a traceback, takes more than ten seconds, or the process more than a gigabyte. A finding is
named by its kind and number, with which `--only NUMBER` makes it again. The tests try a few.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import yaml

from slmr.artifacts import MANIFEST, Cost, Manifest, Store
from slmr.config import load_profile
from slmr.engines.models import Model
from slmr.errors import SlmrError
from slmr.io import resource as shipped
from slmr.io import write_json
from slmr.pipeline.identities import IdentitiesOnHand
from slmr.pipeline.plan import BenchRequest, make_plan
from slmr.pipeline.planner import Planner
from slmr.pipeline.recipe import load_recipe
from slmr.results.render.report import read_section
from slmr.results.render.show import lines, read_artefact
from slmr.results.render.tables import ranking_tables
from slmr.results.runs.schema import write_summary
from slmr.tasks import load_task
from slmr.tasks.cases import read_cases
from slmr.tasks.registry import _read_task
from slmr.tasks.validate import validate_task
from tests.made_results import put_samples, summary_row, verdicts

MOST_S, MOST_BYTES = 10, 1 << 30
NUMBERS = [0, -1, 1, 2, 10**400, -(10**20), 1e308, float("inf"), float("nan"), 0.5]
TEXTS = ["", " ", "²", "x", "x" * 5000, "student", "pool", "../../x", "/dev/null", "a/b", "\x00", "\ud800", "é\u202e"]
TEMPLATES = ["1e9", "{{ 1/0 }}", "{% for %}", "{{ problem.x.y }}", "null", "2026-13-45"]
CONTAINERS: list[Any] = [[], {}, [[]], [None], {"a": None}, {1: 2}, ["x"] * 50]
NASTY: list[Any] = [None, True, False, *NUMBERS, *TEXTS, *TEMPLATES, *CONTAINERS]
YAML_TAGS = [b"*a", b"&a [*a]", b"!!python/object:os.system", b"!function x.y", b"<<: *x", b"---\n"]
BYTES = [
    b"\x00",
    b"\xff\xfe",
    b"\t",
    b": ",
    b"- ",
    b"{",
    b"[[[[[[[[",
    b"}",
    b'"',
    b"'",
    b"\n",
    b"1" * 5000,
    b"2026-99-99",
]
BYTES += [*YAML_TAGS, b"\xe2\x80\xa8"]
OWN_TASK = """
task: mine
custom_dataset: !function data.load
test_split: test
training_split: train
fewshot_split: train
fewshot_config: {sampler: first_n, doc_to_target: "{{gold}}"}
doc_to_text: "{{problem}} End with #### and the number."
doc_to_target: "{{gold}}"
process_results: !function slmr.tasks.score_numeric
generation_kwargs: {until: ["\\n\\n"], max_gen_toks: 32, do_sample: false}
metadata: {version: 1, kind: numeric, edition: paper}
"""
OWN_DATA = """
from datasets import Dataset
ROWS = Dataset.from_list([{'problem': '1 + 1?', 'gold': '2', 'difficulty': 1}])


def load(**_):
    return {'test': ROWS, 'train': ROWS}
"""
CASES = [
    {"id": 1, "kind": "numeric", "completion": "It is 4. #### 4", "gold": "4"},
    {"id": "b", "task": "lab_logiqa", "completion": "Answer: B", "gold": "B"},
    {"id": None, "kind": "choice", "completion": "C", "gold": "D"},
]


class TooLong(BaseException):
    """A case has taken its ten seconds."""


# ----------------------------------------------------------------------------- what is mutated


def in_bytes(content: bytes, rng: random.Random) -> bytes:
    """Cut, doubled, overwritten, or with something put in."""
    at, to = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    what = rng.randrange(5)
    if what == 0:
        return content[:at]
    if what == 1:
        return content[:to] + content[at:to] + content[to:]
    if what == 2:
        return content[:at] + content[to:]
    if what == 3:
        return content[:at] + bytes([rng.randrange(256)]) + content[at + 1 :]
    return content[:at] + rng.choice(BYTES) + content[at:]


def places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every container and key in it; each container once, as an alias of YAML may lead back to where it stands."""
    below, seen = [tree], {id(tree)}
    while below:
        node = below.pop()
        pairs = list(node.items()) if isinstance(node, dict) else list(enumerate(node))
        for key, value in pairs:
            yield node, key
            if isinstance(value, dict | list) and id(value) not in seen:
                seen.add(id(value))
                below.append(value)


def in_tree(tree: Any, rng: random.Random) -> Any:
    """One value replaced, taken away, doubled or renamed; the tree itself is changed."""
    entries = list(places(tree))
    node, key = rng.choice(entries)
    what = rng.randrange(6)
    if what == 0:
        del node[key]
    elif what == 1 and isinstance(node, dict):
        node[rng.choice(["x", "stage", "extends", "with", "", "kind", "²"])] = node.pop(key)
    elif what == 2:
        other, of = rng.choice(entries)
        if other is not node:
            node[key] = json.loads(json.dumps(other[of], default=str)) if of in other or isinstance(other, list) else 0
    else:
        node[key] = rng.choice(NASTY)
    return tree


def mutated(file: Path, rng: random.Random) -> None:
    """One to three mutations of a file, of its text or of what it says."""
    content = file.read_bytes()
    for _ in range(rng.randint(1, 3)):
        if rng.random() < 0.4:
            content = in_bytes(content, rng) or b"x"
            continue
        try:
            content = _rewritten(content, file.suffix, rng) or content
        except (yaml.YAMLError, ValueError, LookupError, TypeError, RecursionError):
            content = in_bytes(content, rng) or b"x"
    file.write_bytes(content)


def _rewritten(content: bytes, suffix: str, rng: random.Random) -> bytes:
    if suffix == ".jsonl":
        rows = [json.loads(line) for line in content.splitlines()]
        return "\n".join(json.dumps(row) for row in in_tree(rows, rng)).encode()
    if suffix == ".json":
        return json.dumps(in_tree(json.loads(content), rng)).encode()
    text = content.decode().replace("!function ", "function-")  # safe YAML writes no tag of ours
    tree = in_tree(yaml.safe_load(text), rng)
    return (
        yaml.safe_dump(tree, allow_unicode=True, sort_keys=False)
        .replace("function-", "!function ")
        .encode("utf-8", "surrogatepass")
    )


# ----------------------------------------------------------------- where it stands, who reads it


def recipe(folder: Path, rng: random.Random) -> Path:
    curriculum = Path(sys.modules["slmr"].__path__[0]) / "curriculum"
    files = [*sorted(shipped("baselines").glob("*.yaml")), curriculum / "stagewise.yaml"]
    text = rng.choice(files).read_text().replace("\nname: ", "\nname: mine_")
    if rng.random() < 0.3:
        text = "name: mine\nextends: stagewise\nkind: ablation\nsummary: s\nrounds: 2\nstages: {critique: null}\n"
    target = folder / "mine.yaml"
    target.write_text("name: mine\n" + "".join(f"{line}\n" for line in text.splitlines() if line[:5] != "name:"))
    return target


def read_recipe(file: Path) -> None:
    planner = Planner(Model("student", "folder", Path(), "key"), load_profile("lab-quick"), 0)
    planner.plan(load_recipe("mine", [file.parent]))


def profile(folder: Path, rng: random.Random) -> Path:
    target = folder / "mine.yaml"
    texts = [
        file.read_text() for file in sorted((Path(sys.modules["slmr"].__path__[0]) / "profiles").glob("lab*.yaml"))
    ]
    own = "extends: lab-quick\nstages: {sft: {learning_rate: 0.1}}\ntuned: {sft: {sft: {epochs: 1}}}\nbudget: 1000\n"
    target.write_text(rng.choice([*texts, own]))
    return target


def read_profile(file: Path) -> None:
    make_plan(BenchRequest("sft,grpo", str(file), out=file.parent / "runs"), identities=IdentitiesOnHand())


def task(folder: Path, rng: random.Random) -> Path:
    place = folder / "tasks" / "mine"
    place.mkdir(parents=True)
    (place / "data.py").write_text(OWN_DATA)
    (place / "task.yaml").write_text(OWN_TASK)
    return place / "task.yaml"


def read_task(file: Path) -> None:
    _read_task.cache_clear()
    mine = load_task("mine", [file.parents[1]])
    validate_task(mine, 5)
    mine.fewshot(1)
    str((mine.digest, mine.data_note))


def summary(folder: Path, rng: random.Random) -> Path:
    rows = [
        put_samples(folder, summary_row(method, name), verdicts(method, name, 0.5)[:8])
        for method in ("base", "grpo", "stagewise")
        for name in ("lab_gsm8k", "lab_math")
    ]
    write_summary(folder / "summary.json", rows)
    return folder / "summary.json"


def read_summary(file: Path) -> None:
    for part in read_section(file.parent, "base").parts:
        str([table.columns for table in ranking_tables(part.ranking, part.title)])


def manifest(folder: Path, rng: random.Random) -> Path:
    place = folder / "consolidate-0123456789abcdef"
    place.mkdir()
    write_json(place / "stats.json", {"steps": 1})
    whole = Manifest(
        stage="consolidate",
        stage_version=1,
        key="0123456789abcdef",
        parameters={"a": 1},
        inputs={"probe": ["k"]},
        seed=0,
        versions={"slmr": "1"},
        git_revision=None,
        device="cpu",
        threads=1,
        cost=Cost(train_tokens=5),
    )
    write_json(place / MANIFEST, whole.sealed().model_dump(mode="json"))
    return place / MANIFEST


def read_manifest(file: Path) -> None:
    fault = Store(file.parents[1]).fault("consolidate", "0123456789abcdef")
    assert fault is None or fault.isprintable()
    lines(read_artefact(file.parent, 3))
    Store(file.parents[1]).manifest("consolidate", "0123456789abcdef")


def case(folder: Path, rng: random.Random) -> Path:
    file = folder / "cases.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in CASES))
    return file


def read_case(file: Path) -> None:
    for each in read_cases(file):
        if each.kind != "math":  # its worker is a process of its own, fuzzed in tests/verify
            each.verdict()


KINDS: dict[str, tuple[Callable[[Path, random.Random], Path], Callable[[Path], None]]] = {
    "recipe": (recipe, read_recipe),
    "profile": (profile, read_profile),
    "task": (task, read_task),
    "summary": (summary, read_summary),
    "manifest": (manifest, read_manifest),
    "case": (case, read_case),
}

# ------------------------------------------------------------------------------------ one by one


@contextmanager
def within_seconds(seconds: int) -> Iterator[None]:
    """Raises TooLong after so much of the processor's time, which a busy machine does not stretch.

    Where that is not heard, or what is done waits, the process ends with its stack.
    """

    def late(number: int, frame: FrameType | None) -> None:
        raise TooLong

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    faulthandler.dump_traceback_later(6 * seconds, exit=True)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGPROF, before)


def finding(number: int, seed: int) -> str | None:
    """What is wrong with how one mutation is taken, in a line; None where nothing is."""
    rng = random.Random(f"{seed}-{number}")
    name = rng.choice(list(KINDS))
    make, read = KINDS[name]
    folder = Path(tempfile.mkdtemp(prefix="fuzz-config-"))
    try:
        file = make(folder, rng)
        mutated(file, rng)
        with within_seconds(MOST_S):
            read(file)
    except SlmrError as error:
        if not str(error).strip() or len(str(error)) > 4000 or "\n" in str(error):
            return f"{name} {number}: its message is no line, of {len(str(error))} characters: {str(error)[:200]!r}"
    except (Exception, TooLong) as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        own = next((f for f in reversed(traceback.extract_tb(error.__traceback__)) if "/slmr/" in f.filename), where)
        return f"{name} {number}: {type(error).__name__}: {str(error)[:120]!r} in {own.filename}:{own.lineno}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return None


def most_memory() -> int:
    """The most bytes that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def findings(numbers: range, seed: int) -> Iterator[str]:
    """What is wrong, one after the other."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    for number in numbers:
        before = most_memory()
        if fault := finding(number, seed):
            yield fault
        if before < MOST_BYTES < most_memory():
            yield f"{number}: the process has come to {most_memory():,} bytes"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="begin with this one")
    parser.add_argument("--only", type=int, help="this one alone")
    a = parser.parse_args()
    numbers = range(a.first, a.count) if a.only is None else range(a.only, a.only + 1)
    # What takes more is named, instead of the machine ending all of it.
    resource.setrlimit(resource.RLIMIT_DATA, (4 * MOST_BYTES, resource.RLIM_INFINITY))
    wrong = 0
    for fault in findings(numbers, a.seed):
        wrong += 1
        print(fault, flush=True)
    print(f"{len(numbers):,} mutations, {wrong} findings, {most_memory() / 2**20:,.0f} MiB at most")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
