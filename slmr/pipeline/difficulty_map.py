"""A model's difficulty map as a data set for trainers: problems with the rate at which the model solves them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from slmr.curriculum.partition import GROUP_ORDER
from slmr.curriculum.schema import Group, Problem, Rate
from slmr.curriculum.sequential import Counts, fit_beta_prior
from slmr.errors import RequestError
from slmr.io import digest, json_lines, read_text, write_rows, write_text
from slmr.stats import Estimate, bounded_mean
from slmr.stats.formats import percent
from slmr.tasks.from_file import GOLD_COLUMNS, PROBLEM_COLUMNS, csv_records
from slmr.verify import Kind, checker_version


class MappedProblem(NamedTuple):
    """A problem with the probe's results.

    Attributes:
        rate, low, high: `correct` of `k`, with Wilson's 95 % interval.
        mixed: the expected share of groups with both right and wrong completions.
    """

    id: str
    prompt: str
    gold: str
    kind: Kind
    correct: int
    k: int
    rate: float
    low: float
    high: float
    group: Group
    mixed: float

    @property
    def measured(self) -> dict[str, Any]:
        """All fields except the problem itself."""
        return {name: value for name, value in self._asdict().items() if name not in ("prompt", "gold", "kind")}


def read_prompts(file: Path, kind: Kind, gold: str | None = None) -> list[Problem]:
    """Reads a user's problems: `prompt` (a text, or messages of one user turn) or `question`, and the gold answer.

    Args:
        file: of JSON lines, or a table that ends in .csv or .tsv.
        kind: of the answers.
        gold: the gold answer's field; by default the first of `GOLD_COLUMNS` that exists.

    Raises:
        RequestError: the file cannot be read, or a line has no prompt or gold; the message names the line.
    """
    problems: list[Problem] = []
    is_table = file.suffix.lower() in (".csv", ".tsv")
    for i, (where, row) in enumerate(csv_records(file) if is_table else json_lines(file)):
        if not isinstance(row, dict):
            raise RequestError(f"{where}: a line is an object, not {type(row).__name__}")
        column = next((name for name in ("prompt", *PROBLEM_COLUMNS) if name in row), "prompt")
        prompt = _user_turn(row.get(column), where, column)
        name = gold or next((name for name in GOLD_COLUMNS if name in row), "gold")
        if not isinstance(row.get(name), str | int | float) or not str(row[name]).strip():
            raise RequestError(f"{where}: no '{name}' with the right answer; name the field with --gold")
        problems.append(
            {
                "id": str(row.get("id", i)),
                "task": file.stem,
                "problem": prompt,
                "prompt": prompt,
                "gold": str(row[name]),
                "kind": kind,
                "difficulty": None,
                "solution": None,
            }
        )
    ids = [problem["id"] for problem in problems]
    if len(set(ids)) < len(ids):
        raise RequestError(f"{file}: two lines have the same id: leave ids out, or make them unique")
    if not problems:
        raise RequestError(f"{file} holds no problem")
    return problems


def _user_turn(prompt: Any, where: str, column: str) -> str:
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], dict):
        prompt = prompt[0].get("content") if prompt[0].get("role") == "user" else None
    if not isinstance(prompt, str) or not prompt.strip():
        raise RequestError(f"{where}: '{column}' is a text, or messages of one user turn")
    return prompt


def difficulty_map(problems: Sequence[Problem], rates: Sequence[Rate], group_size: int) -> list[MappedProblem]:
    """The problems with their rates, in their order."""
    by_id = {rate["problem_id"]: rate for rate in rates}
    ordered = [by_id[problem["id"]] for problem in problems]
    shares = expected_mixed([rate["correct"] for rate in ordered], [rate["k"] for rate in ordered], group_size)
    return [
        MappedProblem(
            p["id"],
            p["prompt"],
            p["gold"],
            p["kind"],
            r["correct"],
            r["k"],
            r["rho"],
            r["low"],
            r["high"],
            r["group"],
            share,
        )
        for p, r, share in zip(problems, ordered, shares, strict=True)
    ]


def expected_mixed(correct: Sequence[int], judged: Sequence[int], group_size: int) -> list[float]:
    """The probability that a group of `group_size` completions of each problem is neither all right nor all wrong.

    It is 1 - E[p^G] - E[(1 - p)^G] over the posterior of the rate p. The prior is fitted to all problems, as for the
    adaptive probe: with the observed rate, a problem with 8 of 8 right would have a probability of 0.
    """
    from scipy.special import betaln

    right, all_judged = np.asarray(correct), np.asarray(judged)
    prior = fit_beta_prior(Counts(right, all_judged))
    a, b = prior.a + right, prior.b + (all_judged - right)
    all_right = np.exp(betaln(a + group_size, b) - betaln(a, b))
    all_wrong = np.exp(betaln(a, b + group_size) - betaln(a, b))
    return np.clip(1 - all_right - all_wrong, 0.0, 1.0).tolist()


# --- files ---------------------------------------------------------------------------------------


def _trl(_: int, row: MappedProblem) -> dict[str, Any]:
    """Conversational prompts; every other column goes to the reward functions."""
    return {"prompt": _messages(row), "gold": row.gold, "kind": row.kind, **row.measured}


def _verl(index: int, row: MappedProblem) -> dict[str, Any]:
    """A row in the format of verl's preprocessing; `slmr.rewards.compute_score` reads the kind from `data_source`."""
    return {
        "data_source": row.kind,
        "prompt": _messages(row),
        "ability": "math" if row.kind != "choice" else "logic",
        "reward_model": {"style": "rule", "ground_truth": row.gold},
        "extra_info": {"index": index, "split": "train", **row.measured},
    }


def _verifiers(_: int, row: MappedProblem) -> dict[str, Any]:
    """`question` and `answer`; the measurements are in `info`."""
    return {"question": row.prompt, "answer": row.gold, "task": row.kind, "info": row.measured}


class _Layout(NamedTuple):
    """The file of a format, the function that makes a row of it, and how to use it: text for the card."""

    file: str
    as_row: Callable[[int, MappedProblem], dict[str, Any]]
    use: str


_LAYOUTS = {
    "jsonl": _Layout("train.jsonl", lambda _, row: row._asdict(), "one JSON object a line"),
    "trl": _Layout(
        "train.parquet",
        _trl,
        '`train_dataset=load_dataset("DIR", split="train")`, with the reward `slmr.rewards.reward("KIND")`',
    ),
    "verl": _Layout(
        "train.parquet",
        _verl,
        "`data.train_files=DIR/train.parquet`, with `slmr.rewards.compute_score` as the custom reward function",
    ),
    "verifiers": _Layout(
        "train.jsonl",
        _verifiers,
        '`slmr.rewards.taskset("KIND", load_dataset("DIR", split="train"))`',
    ),
}
FORMATS = tuple(_LAYOUTS)


def write_map(
    rows: Sequence[MappedProblem], folder: Path, layout: str, group_size: int, about: Mapping[str, Any]
) -> list[Path]:
    """Writes the data and its card; returns the files.

    Raises:
        RequestError: the folder holds files of these names that no map left there.
    """
    name, as_row, _ = _LAYOUTS[layout]
    _check_ours(folder, name)
    written = [as_row(i, row) for i, row in enumerate(rows)]
    if name == "train.parquet":
        write_rows(folder / name, written)
    else:
        write_text(folder / name, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in written))
    write_text(folder / "README.md", _card(rows, layout, group_size, about))
    return [folder / name, folder / "README.md"]


def _check_ours(folder: Path, name: str) -> None:
    card = folder / "README.md"
    ours = card.is_file() and f"\n{_TITLE}" in read_text(card)
    theirs = next((file for file in (card, folder / name) if file.exists()), None)
    if theirs and not ours:
        raise RequestError(f"{theirs} is of no difficulty map, and would be written over: name another folder")


def _messages(row: MappedProblem) -> list[dict[str, str]]:
    return [{"role": "user", "content": row.prompt}]


def expected_share(rows: Sequence[MappedProblem]) -> Estimate:
    """The mean of `mixed` over the problems, with its interval for new problems of the same kind."""
    return bounded_mean([row.mixed for row in rows])


_TITLE = "# Difficulty map of "


def _card(rows: Sequence[MappedProblem], layout: str, group_size: int, about: Mapping[str, Any]) -> str:
    """A data set card, with the header that a hub reads."""
    share = expected_share(rows)
    file, _, use = _LAYOUTS[layout]
    kinds: list[Kind] = sorted({row.kind for row in rows})
    header = f"---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: {file}\n---\n"
    groups = [[row for row in rows if row.group == group] for group in GROUP_ORDER]
    counts = "\n".join(
        f"| {group} | {len(inside)} | {percent(len(inside) / len(rows))} |"
        for group, inside in zip(GROUP_ORDER, groups, strict=True)
    )
    facts = "\n".join(f"| {name} | {json.dumps(value, ensure_ascii=False)} |" for name, value in about.items())
    return f"""{header}
{_TITLE}{about["model"]}

{len(rows)} problems, each with the rate at which this model solves it. Use: {use.replace("KIND", kinds[0])}.

| | |
|---|---|
{facts}
| checkers | {", ".join(map(checker_version, kinds))} |

In groups of {group_size}, {percent(share.mean, share.low, share.high)} % of the groups are expected to be
mixed (neither all right nor all wrong), with the 95 % interval for new problems of this kind. Only mixed groups give
GRPO a gradient.

| group | problems | % |
|---|---:|---:|
{counts}

`rate` is `correct` of the `k` completions with a verdict, `low` and `high` are its 95 % interval, `mixed` is the
probability that a group of {group_size} completions is mixed, given the problem's counts and the distribution of all
rates. They describe this model only, and change when it is trained.

The problems have the licence of their source.
"""


def content_key(problems: Sequence[Problem]) -> str:
    """Hash of a user's problems."""
    return digest([dict(problem) for problem in problems])
