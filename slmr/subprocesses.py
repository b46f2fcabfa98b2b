"""Child processes that run one of slmr's modules, and exchange lines with their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TextIO

_LAST_LINES = 3  # lines of a process's log that are shown if it failed
_JOIN_S = 5.0  # a process that has left the group can keep the output open


def reserve_stdout() -> TextIO:
    """The original standard output, for lines to the parent; all that libraries print goes to standard error."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return out


class ChildProcess:
    """`python -m MODULE`, in a session of its own, so that Ctrl-C goes to the parent only.

    A thread reads its standard output, so that it never blocks on a full pipe: `on_line` gets each complete line,
    `on_end` the exit code. Its standard error goes to `log`; None is a temporary file.
    """

    def __init__(
        self,
        module: str,
        on_line: Callable[[str], None],
        on_end: Callable[[int], None],
        environment: Mapping[str, str],
        log: Path | None = None,
    ) -> None:
        self._on_line, self._on_end = on_line, on_end
        self._log = log.open("wb+") if log else tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            encoding="utf-8",
            env=os.environ | environment,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        try:
            self._reader.start()
        except RuntimeError:  # the machine has no more threads
            self.end()
            raise

    def _read(self) -> None:
        assert self._process.stdout is not None
        try:
            for line in self._process.stdout:
                if line.endswith("\n"):  # the last line is cut off if the process was killed
                    self._on_line(line)
        finally:
            self._on_end(self._process.wait())

    def wait(self) -> int:
        """The exit code, once the process has ended."""
        return self._process.wait()

    def terminate(self) -> None:
        """Asks the process to save its work and end; one that has ended already does not matter."""
        self._process.terminate()

    def send(self, line: str) -> None:
        """Sends a line; raises BrokenPipeError if the process has ended."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def send_last(self, line: str) -> None:
        """Sends a line and closes the input; a process that has ended does not matter, because its end is reported."""
        with suppress(BrokenPipeError):
            self.send(line)
        self._close_input()

    def end(self) -> None:
        """Kills the process and all that it has started."""
        with suppress(ProcessLookupError, PermissionError):  # macOS: the group has only a zombie
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._close_input()
        if self._reader.is_alive():
            self._reader.join(_JOIN_S)
        if self._process.stdout and not self._reader.is_alive():
            self._process.stdout.close()
        self._log.close()

    def _close_input(self) -> None:
        if self._process.stdin:
            with suppress(BrokenPipeError):  # the process had not read all of its input
                self._process.stdin.close()

    def end_of_log(self) -> str:
        """The last lines that the process, which must have ended, has written to standard error, as one."""
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return " / ".join(lines[-_LAST_LINES:])
