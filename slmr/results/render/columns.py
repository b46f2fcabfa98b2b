"""The columns of a ranking: one list for the terminal, Markdown, HTML and downloads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from slmr.config import kind_label
from slmr.results.analysis.compare import SIGNIFICANCE
from slmr.results.analysis.ranking import RankedMethod, Ranking
from slmr.stats import Estimate, formats

HELP = {
    "rank": "The best and the worst rank that the method may have, all methods of the student compared at once (95 %): "
    "two are told apart if their means differ by more than one margin. Base, ablations and controls have none,"
    " nor has a method whose seeds differ far more than the others'.",
    "method": "The recipe and its kind of training; base is the untrained student.",
    "model": "A model that is evaluated as it is, not trained here.",
    "kind": "The kind of training. Methods of the kind `teacher model` learn from a stronger model, which others do "
    "not have: compare them with each other only.",
    "mean": "Unweighted mean of the tasks' strict accuracies, percent, with its 95 % interval, which is the bar; the "
    "thin line is base. Blank where a task is missing.",
    "gain": "Mean minus the untrained student's with the same seeds, points, paired by item, with its 95 % interval. "
    f"* where p < {SIGNIFICANCE} after Holm's correction over the methods.",
    "p (Holm)": "Of the gain, two-sided, after Holm's correction over the methods.",
    "task": "Strict accuracy, percent, with its 95 % interval, which is the bar; the thin line is base.",
    "seeds": "Training seeds that the row is over; with one, the intervals do not cover another training run.",
    "sd": "Standard deviation of the mean from training seed to training seed, points.",
    "tokens": "Tokens generated, trained on and taught; mean over seeds, shared stages in full. ◆ where "
    "Pareto-optimal: no other method is both cheaper and better.",
    "TFLOP": "6 N per trained token plus 2 N per sampled token, for N parameters, in 10¹² operations.",
    "minutes": "Wall time of all training stages, shared ones in full; mean over seeds.",
    "sound": "Strictly right and for the right reason, percent: the steps are shown, every stated equation holds, and "
    "none leaves the solver's solution. Mean over the tasks; only the lab has solvers.",
    "format loss": "Lenient minus strict accuracy, points: right answers that are not in the requested form.",
    "cut off": "Completions that the token limit cut off, percent.",
    "no answer": "Completions without a readable answer, percent.",
    "items": "Evaluated items over all tasks, times completions of each.",
}

TEXT, HTML, DOWNLOAD = EVERYWHERE = "text", "html", "download"

Holds = Literal["accuracy", "difference", "number", "text"]
Value = Estimate | float | str | None


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: its heading.
        holds: an accuracy, which HTML draws as a bar, or a difference, both as `Estimate`; a number; or text.
        text: a method's cell for people, the same on every surface.
        value: what it is sorted by and what a download holds.
        help: what it says, in a sentence or two.
        surfaces: on which it stands.
        download_name: its name in a download, where that is another one.
        smallest_first: the order in which to sort.
    """

    name: str
    holds: Holds
    text: Callable[[RankedMethod], str]
    value: Callable[[RankedMethod], Value]
    help: str
    surfaces: tuple[str, ...] = EVERYWHERE
    download_name: str = ""
    smallest_first: bool = False

    def position(self, method: RankedMethod) -> tuple[bool, float]:
        """The key to sort methods by; methods without a value come last."""
        value = self.value(method)
        number = value.mean if isinstance(value, Estimate) else value
        if number is None or isinstance(number, str):
            return True, 0.0
        return False, number if self.smallest_first else -number

    def download(self, method: RankedMethod) -> dict[str, Any]:
        """Name → value. An estimate becomes three, in percent or points: its mean and the bounds of its interval."""
        name, value = self.download_name or self.name, self.value(method)
        if self.holds not in ("accuracy", "difference"):
            return {name: value}
        e = value if isinstance(value, Estimate) else None
        bounds = (100 * e.mean, 100 * e.low, 100 * e.high) if e else (None, None, None)
        return dict(zip((name, f"{name} low", f"{name} high"), bounds, strict=True))


def ranking_columns(ranking: Ranking) -> list[Column]:
    """The columns of a ranking, in order. Columns that are equal or blank for all methods are only in downloads."""
    tasks, label = ranking.tasks, "model" if ranking.of_models else "method"
    several = _surfaces_if(len(ranking.ranked) > 1)
    trained = _surfaces_if(not ranking.of_models)
    seeds = _surfaces_if(any(m.spread is not None for m in ranking.methods))
    lab = _surfaces_if(any(_sound(m, tasks) is not None for m in ranking.methods))
    detail, compact = (HTML, DOWNLOAD), (TEXT, DOWNLOAD)

    def percent(rate: str) -> Callable[[RankedMethod], float]:
        return lambda m: 100 * m.result.rate(rate, tasks)

    return [
        _column("rank", "number", _rank, lambda m: m.rank and m.rank.low, several, "rank low", smallest_first=True),
        Column("rank high", "number", _rank_high, lambda m: m.rank and m.rank.high, HELP["rank"], (DOWNLOAD,)),
        _column(label, "text", lambda m: m.name, lambda m: m.result.method, download_name="method"),
        _column("kind", "text", lambda m: kind_label(m.kind), lambda m: m.kind, compact),
        _accuracy("mean", lambda m: m.accuracy, HELP["mean"]),
        _column("gain", "difference", _gain, lambda m: m.gain, trained),
        _column("p (Holm)", "number", _p_value, _p, compact if TEXT in trained else trained, "gain p (Holm)"),
        _number("seeds", "{:.0f}", lambda m: len(m.seeds)),
        _number("sd", "{:.1f}", lambda m: m.spread and 100 * m.spread, seeds, "sd of seeds"),
        _column("tokens", "number", _tokens, lambda m: m.tokens, trained, smallest_first=True),
        _number("TFLOP", "{:.2f}", lambda m: m.result.cost("flops"), trained, "flops", per=1e12),
        _number("minutes", "{:.1f}", lambda m: m.result.cost("wall_s"), trained, "seconds", per=60),
        _number("sound", "{:.1f}", lambda m: _sound(m, tasks), lab),
        *(_of_task(task) for task in tasks),
        *(_of_task(task, "Outside the suite: in no mean and no rank. ") for task in ranking.other_tasks),
        _number("format loss", "{:.1f}", percent("format_loss"), detail),
        _number("cut off", "{:.1f}", percent("truncated_rate"), detail),
        _number("no answer", "{:.1f}", percent("no_answer_rate"), detail),
        _column("items", "number", lambda m: _items_text(m, tasks), lambda m: _items(m, tasks), detail),
    ]


def _surfaces_if(informative: bool) -> tuple[str, ...]:
    return EVERYWHERE if informative else (DOWNLOAD,)


def _column(
    name: str,
    holds: Holds,
    text: Callable[[RankedMethod], str],
    value: Callable[[RankedMethod], Value],
    surfaces: tuple[str, ...] = EVERYWHERE,
    download_name: str = "",
    smallest_first: bool = False,
) -> Column:
    """A column with the help of its name."""
    return Column(name, holds, text, value, HELP[name], surfaces, download_name, smallest_first)


def _accuracy(name: str, value: Callable[[RankedMethod], Estimate | None], help: str) -> Column:
    def text(method: RankedMethod) -> str:
        e = value(method)
        return formats.percent(e.mean, e.low, e.high) if e else ""

    return Column(name, "accuracy", text, value, help)


def _of_task(task: str, remark: str = "") -> Column:
    return _accuracy(task, lambda method: method.by_task.get(task), f"{task}. {remark}{HELP['task']}")


def _number(
    name: str,
    form: str,
    value: Callable[[RankedMethod], float | None],
    surfaces: tuple[str, ...] = EVERYWHERE,
    download_name: str = "",
    per: float = 1,
) -> Column:
    """A column of numbers; its text is the value divided by `per`, in the format `form`."""

    def text(method: RankedMethod) -> str:
        number = value(method)
        return "" if number is None else form.format(number / per)

    return _column(name, "number", text, value, surfaces, download_name)


def _rank(method: RankedMethod) -> str:
    return str(method.rank or "")


def _rank_high(method: RankedMethod) -> str:
    return str(method.rank.high if method.rank else "")


def _gain(method: RankedMethod) -> str:
    if method.gain is None:
        return ""
    star = "*" if method.gain.p < SIGNIFICANCE else ""
    return formats.points(method.gain.mean, method.gain.low, method.gain.high, star)


def _p(method: RankedMethod) -> float | None:
    return method.gain and method.gain.p


def _p_value(method: RankedMethod) -> str:
    return formats.p_value(method.gain.p) if method.gain else ""


def _tokens(method: RankedMethod) -> str:
    return ("◆ " if method.efficient and method.tokens else "") + formats.tokens(method.tokens)


def _sound(method: RankedMethod, tasks: Sequence[str]) -> float | None:
    """In percent; None if a task has no solver."""
    result = method.result.of_tasks(tasks)
    is_known = [row.sound is not None for row in result.rows()]
    return 100 * result.rate("sound", tasks) if is_known and all(is_known) else None


def _items(method: RankedMethod, tasks: Sequence[str]) -> int:
    return sum(row.n_items for row in method.result.of_tasks(tasks).rows())


def _items_text(method: RankedMethod, tasks: Sequence[str]) -> str:
    """The number of items of the first seed: `500`, or `500 × 4` if each has 4 completions."""
    result = method.result.of_tasks(tasks)
    rows = [row for row in result.rows() if row.seed == result.seeds[0]]
    completions = {row.k for row in rows}
    times = f" × {rows[0].k}" if len(completions) == 1 and rows[0].k > 1 else ""
    return f"{sum(row.n_items for row in rows):,}{times}"


def columns_on(ranking: Ranking, surface: str) -> list[Column]:
    """The columns that a surface shows."""
    return [column for column in ranking_columns(ranking) if surface in column.surfaces]


def sorted_methods(ranking: Ranking, kinds: Sequence[str] = (), sort: str = "rank") -> list[RankedMethod]:
    """The methods of these kinds, and base, sorted by a column; methods without a value come last."""
    methods = [m for m in ranking.methods if not kinds or m.kind in (*kinds, "base")]
    column = next((c for c in ranking_columns(ranking) if c.name == sort), None)
    if column is None or sort == "rank":  # ablations and controls have no rank: by their mean among the others
        return methods
    return sorted(methods, key=column.position)


def download_rows(ranking: Ranking) -> list[dict[str, Any]]:
    """A row for each method, in order: every number, with its interval in further columns; missing ones are None."""
    columns = columns_on(ranking, DOWNLOAD)
    return [
        {
            "suite": ranking.suite.name if ranking.suite else None,
            "edition": method.result.of_tasks(ranking.tasks).first.edition,
            "student": method.result.student,
            **{name: value for column in columns for name, value in column.download(method).items()},
            "efficient": method.efficient,
            "command": method.result.first.command,
        }
        for method in ranking.methods
    ]
