"""Speed ratios: slmr compared with a named peer, alternating in the same run."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import yaml

LIMITS: dict[str, float] = yaml.safe_load((Path(__file__).parent / "thresholds.yaml").read_text())
HEAD = "| | slmr | beside | peer | slmr over peer | pairwise | at most | |\n|---|---:|---|---:|---:|---|---:|---|"


@dataclass(frozen=True)
class Ratio:
    """One comparison.

    Attributes:
        name: its key in thresholds.yaml and in the history.
        what, peer: descriptions of what is compared.
        pairs: (ours, the peer's) for each round, in seconds or in `unit`; less is better.
        note: additional observations.
    """

    name: str
    what: str
    peer: str
    pairs: tuple[tuple[float, float], ...]
    unit: str = "s"
    note: str = ""

    @property
    def ours(self) -> float:
        return median(pair[0] for pair in self.pairs)

    @property
    def theirs(self) -> float:
        return median(pair[1] for pair in self.pairs)

    @property
    def value(self) -> float:
        """The ratio of the medians, ours over the peer's; below 1 is better than the peer."""
        return self.ours / self.theirs

    @property
    def limit(self) -> float | None:
        """The largest allowed value, if there is one."""
        return LIMITS.get(self.name)

    def row(self) -> str:
        """A line of the table under `HEAD`."""
        ratios = [a / b for a, b in self.pairs]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}" if len(ratios) > 1 else ""
        cells = (
            self.what,
            f"{_short(self.ours)} {self.unit}",
            self.peer,
            f"{_short(self.theirs)} {self.unit}",
            f"{self.value:.2f}",
            spread,
            str(self.limit or ""),
            self.note,
        )
        return f"| {' | '.join(cells)} |"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(ratios: Sequence[Ratio]) -> str:
    return "\n".join([HEAD, *(ratio.row() for ratio in ratios)])


def in_turns(ours: Callable[[], float], theirs: Callable[[], float], n: int) -> tuple[tuple[float, float], ...]:
    """Runs both `n` times, alternating, after a warm-up of each, so that slow moments of the machine affect both."""
    ours(), theirs()
    return tuple((ours(), theirs()) for _ in range(n))


def seconds_of(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def process(command: Sequence[str]) -> float:
    """Wall seconds of a command from its start to its end.

    Raises:
        SystemExit: it is missing or fails.
    """
    try:
        return seconds_of(lambda: subprocess.run(command, capture_output=True, text=True, check=True))
    except FileNotFoundError:
        raise SystemExit(f"{command[0]} is not installed: run `make env`") from None
    except subprocess.CalledProcessError as error:
        print(error.stderr, file=sys.stderr)
        raise SystemExit(f"{' '.join(command)} failed") from None
