"""Runs of tests in forks of one process, each with its own mutant in memory; see `mutants.py`."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from tools.mutations import Changed

Function = tuple[str, int]  # its module and its first line, with decorators
ROOT = Path(__file__).parents[1]
# Seconds of this process's processor, so that a busy machine changes nothing.
PATIENCE = 4.0  # with a mutant a test may take this many times what it takes without, and ten more
WAITING = 300.0  # by the clock, for all tests of a mutant: one that waits for ever takes no processor
MEMORY = 8 << 30  # bytes; a loop without end must not take the machine's


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change. `place` is its number among the module's sites; `line` is the source as it stands there."""

    group: str
    module: str
    name: str
    place: int
    change: str
    line: str
    inside: int | None  # the first line of the function around the change; None is the module itself


@dataclass(slots=True)
class Run:
    """A run of tests in a process of its own: which files in which order, with which mutant."""

    files: list[str]
    mutant: Mutant | None = None
    times: dict[str, float] | None = None  # of the tests that are wanted; None is all
    # What it found:
    code: int = 0
    seconds: float = 0.0
    failed: str = ""
    took: dict[str, float] = field(default_factory=dict)  # processor's seconds
    called: set[Function] = field(default_factory=set)  # if it is shown no mutant and runs all tests


def finished(runs: Iterable[Run], workers: int, scratch: Path) -> Iterator[Run]:
    """The runs, so many at once, each as soon as it has ended."""
    waiting = list(runs)[::-1]
    under_way: dict[int, tuple[Run, Path, float]] = {}
    try:
        while waiting or under_way:
            while waiting and len(under_way) < workers:
                run, place = waiting.pop(), Path(tempfile.mkdtemp(dir=scratch))
                under_way[_fork(run, place)] = run, place, time.monotonic()
            time.sleep(0.01)
            for pid, (run, place, start) in list(under_way.items()):
                if _has_ended(pid, run, place, start):
                    del under_way[pid]
                    yield run
    finally:
        for pid in under_way:
            os.killpg(pid, signal.SIGKILL)


def _fork(run: Run, place: Path) -> int:
    sys.stdout.flush()
    if pid := os.fork():
        return pid
    code = 70
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.setsid()
        code = _in_fork(run, place)
    finally:
        os._exit(code)


def _has_ended(pid: int, run: Run, place: Path, start: float) -> bool:
    """If so, the run knows now what it found, and nothing is left of it."""
    run.seconds = time.monotonic() - start
    if late := run.mutant is not None and run.seconds > WAITING:
        os.killpg(pid, signal.SIGKILL)
    ended, status = os.waitpid(pid, 0 if late else os.WNOHANG)
    if not ended:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)  # what its tests may have started
    run.code = os.waitstatus_to_exitcode(status)
    outcome = place / "outcome.json"
    report = json.loads(outcome.read_text(encoding="utf-8")) if outcome.is_file() else {}
    run.took, run.failed = report.get("took", {}), report.get("failed", "")
    run.called = {(module, line) for module, line in report.get("called", [])}
    if run.code and not run.failed:
        in_time = not late and run.code != -signal.SIGPROF
        run.failed = f"pytest ended with {run.code}" if in_time else "the time limit"
    shutil.rmtree(place, ignore_errors=True)
    return True


# ----------------------------------------------------------------------------------- in the fork


def _in_fork(run: Run, place: Path) -> int:
    import pytest

    out = os.open(place / "output", os.O_WRONLY | os.O_CREAT)
    os.dup2(out, 1)
    os.dup2(out, 2)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    os.environ["SLMR_CACHE"] = str(place / "cache")  # what a mutant keeps there is wrong for others
    if run.mutant:
        sys.meta_path.insert(0, Changed(ROOT, run.mutant.module, run.mutant.place))
    if not run.files:
        return 0  # pytest without a file would run all
    watch, calls = Watch(run.times), Calls()
    options = ["-x", "-q", "--tb=no", f"--basetemp={place / 'tmp'}"]
    options += ["-m", "not slow and not browser", "-p", "no:cacheprovider", "-p", "no:xdist"]
    with calls if run.times is None else contextlib.nullcontext():
        code = int(pytest.main([*run.files, *options], plugins=[watch]))
    report = {"took": watch.took, "failed": watch.failed, "called": calls.functions()}
    (place / "outcome.json").write_text(json.dumps(report))
    return code


class Calls:
    """Notes which functions of the project are called inside of `with`, in any thread."""

    def __init__(self) -> None:
        self._codes: set[CodeType] = set()

    def __enter__(self) -> None:
        threading.settrace(self._note)
        sys.settrace(self._note)

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]

    def _note(self, frame: FrameType, event: str, arg: object) -> None:
        self._codes.add(frame.f_code)

    def functions(self) -> list[Function]:
        inside = f"{ROOT}{os.sep}"
        functions = {(c.co_filename, c.co_firstlineno) for c in self._codes if c.co_filename.startswith(inside)}
        return sorted((name.removeprefix(inside), line) for name, line in functions)


class Watch:
    """A pytest plugin: which tests run, in which order, and how long they took.

    Files stay in the order given, as their fixtures are made once a file; in each the quickest test is first.
    """

    def __init__(self, times: dict[str, float] | None) -> None:
        self.times, self.took, self.failed, self.start = times, dict[str, float](), "", 0.0

    def pytest_sessionstart(self) -> None:
        """A failing example is not made smaller: nobody will read it."""
        from hypothesis import Phase, settings

        settings.register_profile("mutants", settings.default, phases=[Phase.explicit, Phase.generate])
        settings.load_profile("mutants")

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        if (times := self.times) is not None:
            files = list(dict.fromkeys(item.path for item in items))
            items[:] = [item for item in items if item.nodeid in times]
            items.sort(key=lambda item: (files.index(item.path), times[item.nodeid]))

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.failed = report.nodeid

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.start = time.process_time()
        if self.times is not None:  # nobody handles SIGPROF: it ends the process
            signal.setitimer(signal.ITIMER_PROF, 10 + PATIENCE * self.times[nodeid])

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.took[nodeid] = time.process_time() - self.start

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.failed = report.nodeid
