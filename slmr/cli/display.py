"""What a running command looks like on the terminal: which method, which stage, how far, time left."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column

from slmr.cli.loading_notice import cancel_loading_notice
from slmr.io import Stopwatch
from slmr.pipeline.planner import StageNode
from slmr.pipeline.schedule import rough_seconds
from slmr.stats.formats import duration

_PRIOR_S = 60.0  # weight of the estimates, in seconds of observed work
_SILENCE_S = 30.0  # longest time without a line where there is no terminal and a stage is running


class BenchDisplay:
    """A live display on a terminal; one plain line a stage where stderr is not a terminal."""

    def __init__(self, command: str = "bench") -> None:
        self._command = command
        # The stream is bound here: libraries are muted by swapping sys.stderr while they run.
        self._console = Console(file=sys.stderr)
        self._live = self._console.is_terminal
        # In a narrow terminal names and states go on in a second line: bar and clock stay whole.
        self._progress = Progress(
            TextColumn("{task.description}", table_column=Column(overflow="fold")),
            BarColumn(28 if self._console.width >= 100 else 12, table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[state]}", table_column=Column(overflow="fold")),
            TimeElapsedColumn(table_column=Column(no_wrap=True)),
            console=self._console,
            disable=not self._live,
        )
        self._running: dict[str, tuple[str, TaskID]] = {}  # key of a node → its name, its bar
        self._widest = 1  # stages side by side
        self._pending: dict[str, tuple[str, float]] = {}  # key of a node → its kind, about how long it takes
        self._times: dict[str, tuple[float, float]] = {}  # kind → seconds taken, and seconds estimated
        self._watch = Stopwatch()
        self._last_line_at = 0.0
        self._count = self._done = 0

    def __enter__(self) -> BenchDisplay:
        if self._live:  # its clock runs from now on
            cancel_loading_notice()
        self._progress.start()
        self._whole = self._progress.add_task(f"[bold]{self._command}", total=1.0, state="planning")
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def planned(self, nodes: Sequence[StageNode], missing: Sequence[StageNode]) -> None:
        self._count = len(nodes)
        self._pending = {node.key: (node.kind, rough_seconds(node)) for node in missing}
        stages = "1 stage" if len(nodes) == 1 else f"{len(nodes)} stages"
        self._say(f"{stages}: {len(nodes) - len(missing)} done before, {len(missing)} to do")
        self._progress.update(self._whole, total=self._seconds_left() or 1.0)

    def started(self, node: StageNode, methods: Sequence[str]) -> None:
        if node.key not in self._pending:
            return
        more = f" and {len(methods) - 1} more" if len(methods) > 1 else ""
        name = f"{methods[0]}{more}: {node.label}" if methods else node.label
        self._running[node.key] = name, self._progress.add_task(f"  {name}", total=None, state="starting")
        self._widest = max(self._widest, len(self._running))

    def progress(self, node: StageNode, done: int, total: int, unit: str) -> None:
        if node.key not in self._running:  # counted as done, and run again meanwhile
            return
        name, bar = self._running[node.key]
        state = f"{done:,} of {total:,} {unit}"
        self._progress.update(bar, completed=done, total=total, state=state)
        if not self._live and (done == 0 or self._watch.seconds - self._last_line_at > _SILENCE_S):
            self._say(f"    {name}: {state}")
        self._show_left()

    def finished(self, node: StageNode, reused: bool, seconds: float) -> None:
        self._done += 1
        kind, rough = self._pending.pop(node.key, (None, 0.0))
        if node.key in self._running:
            name, bar = self._running.pop(node.key)
            self._progress.remove_task(bar)
            if kind is not None and not reused:
                taken, estimate = self._times.get(kind, (0.0, 0.0))
                self._times[kind] = taken + seconds, estimate + rough
                self._say(f"[{self._done}/{self._count}] {name}: {seconds:.0f} s{self._left_text()}")
        self._show_left()

    def result(self, line: str) -> None:
        self._say(line)

    def _seconds_left(self) -> float:
        """Time left, with as many stages side by side as there were at most.

        An estimate is scaled by how wrong those of its kind were so far, or those of all kinds if there was none.
        """
        # The prior keeps a first stage, which mostly loads libraries, from scaling all others.
        taken = _PRIOR_S + math.fsum(taken for taken, _ in self._times.values())
        estimate = _PRIOR_S + math.fsum(estimate for _, estimate in self._times.values())
        paces = {kind: _pace(*times) for kind, times in self._times.items()}
        remaining = math.fsum(rough * paces.get(kind, taken / estimate) for kind, rough in self._pending.values())
        return remaining / self._widest

    def _left_text(self) -> str:
        remaining = self._seconds_left()
        return f", about {duration(remaining)} left" if remaining >= 1 else ""

    def _show_left(self) -> None:
        remaining, past = self._seconds_left(), self._watch.seconds
        state = f"stage {min(self._done + 1, self._count)} of {self._count}{self._left_text()}"
        self._progress.update(self._whole, completed=past, total=past + remaining, state=state)

    def _say(self, line: str) -> None:
        cancel_loading_notice()
        self._last_line_at = self._watch.seconds
        if self._live:
            self._progress.console.print(line, highlight=False, markup=False)
        else:
            print(line, file=self._console.file, flush=True)


def _pace(taken: float, estimate: float) -> float:
    return taken / estimate if estimate else 1.0


def tell(line: str) -> None:
    """A line of progress outside of any display."""
    cancel_loading_notice()
    print(line, file=sys.stderr, flush=True)
