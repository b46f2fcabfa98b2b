"""A child process: its lines, its log, and that nothing of it is left."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import psutil
import pytest

from slmr.subprocesses import ChildProcess

ECHO = """
import subprocess, sys
from slmr.subprocesses import reserve_stdout
out = reserve_stdout()
print("noise")
for line in sys.stdin:
    if line == "grandchild\\n":
        process = subprocess.Popen(["sleep", "60"])
        line = f"{process.pid}\\n"
    if line == "half\\n":
        line = "cut off"
    out.write(line)
    out.flush()
print("one\\ntwo\\nthree\\nfour", file=sys.stderr)
sys.exit(3)
"""


@pytest.fixture
def lines() -> SimpleQueue[str | int]:
    return SimpleQueue()


@pytest.fixture
def child(tmp_path: Path, lines: SimpleQueue[str | int]) -> Iterator[ChildProcess]:
    (tmp_path / "echo_lines.py").write_text(ECHO)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    process = ChildProcess("echo_lines", lines.put, lines.put, {"PYTHONPATH": path})
    yield process
    process.end()


def test_lines_come_back_without_what_libraries_print(child: ChildProcess, lines: SimpleQueue[str | int]) -> None:
    child.send("a")
    assert lines.get(timeout=60) == "a\n"
    child.send_last("b")
    assert lines.get(timeout=60) == "b\n" and lines.get(timeout=60) == child.wait() == 3
    assert child.end_of_log() == "two / three / four"
    with pytest.raises((BrokenPipeError, ValueError)):
        child.send("c")


def test_a_line_that_was_cut_off_is_left_out(child: ChildProcess, lines: SimpleQueue[str | int]) -> None:
    child.send_last("half")
    assert lines.get(timeout=60) == 3


def test_an_end_takes_what_the_process_has_started(child: ChildProcess, lines: SimpleQueue[str | int]) -> None:
    child.send("grandchild")
    grandchild = psutil.Process(int(lines.get(timeout=60)))
    child.end()
    assert lines.get(timeout=60) == -9
    assert not psutil.wait_procs([grandchild], timeout=10)[1]


def test_a_machine_without_more_threads_keeps_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    with pytest.raises(RuntimeError, match="new thread"):
        ChildProcess("http.server", print, print, {})
    assert not [p for p in psutil.Process().children() if "http.server" in p.cmdline()]
