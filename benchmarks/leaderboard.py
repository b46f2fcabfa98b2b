"""Measures the leaderboard over a million completions: first board, filter, page turn and memory.

    python benchmarks/leaderboard.py                # 400 runs, 1,000,000 completions, made below a temporary folder
    python benchmarks/leaderboard.py --runs 40
    python benchmarks/leaderboard.py --board        # only the first board of results/lab-quick

Needs chromium and its driver. The page's times are from the click (or the address) to the resulting table in the
browser. It is compared with two peers in the same run: a bare Streamlit app with a table, filter and pages of the same
shape but no data, which shows the time of the browser and Streamlit themselves; and pandas, which reads the same files
in the usual way, `pd.concat` of `pd.read_parquet`, and groups them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from ratios import Ratio, in_turns, table
from slmr_leaderboard.serve import free_port

from slmr.results.runs.schema import SummaryRow, write_summary
from slmr.stats import mean_with_interval

TASKS = ("lab_gsm8k", "lab_logiqa", "lab_math", "lab_mawps", "lab_svamp")
STUDENTS = ("lab-llama", "lab-qwen")
ITEMS, SEEDS = 500, 10
LAB = Path(__file__).parents[1] / "results" / "lab-quick"
STREAMLIT = ["streamlit", "run"]
FLAGS = [
    "--server.headless=true",
    "--browser.gatherUsageStats=false",
    "--server.address=localhost",
    "--server.port",
]

PANDAS = """
import resource, sys, time
from pathlib import Path
import pandas as pd
start = time.perf_counter()
frame = pd.concat([pd.read_parquet(file) for file in sorted(Path(sys.argv[1]).rglob("samples/**/*.parquet"))])
frame.groupby(["student", "method", "task", "seed"])["strict"].mean().groupby(["student", "method"]).mean()
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""

BARE = f"""
import streamlit as st

def board():
    tasks = st.sidebar.multiselect("Task", {TASKS}, key="task", bind="query-params") or {TASKS}
    heads = "".join(f"<th title={{task}}>{{task}}</th>" for task in tasks)
    line = f"<tr>{{'<td>50.0</td>' * len(tasks)}}</tr>"
    st.html(f"<table class=slmr-board><tr>{{heads}}</tr>{{40 * line}}</table>")

def samples():
    first = 10 * (st.pagination(50, key="page", bind="query-params") - 1)
    st.caption(f"{{first + 1}} to {{first + 10}} of 500 completions")
    for i in range(10):
        with st.container(border=True):
            st.text(f"completion {{first + i}}")

pages = [st.Page(board, default=True), st.Page(samples, url_path="samples")]
st.navigation(pages, position="top").run()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("-n", type=int, default=3, help="rounds of filters and page turns")
    parser.add_argument("--board", action="store_true", help="the published lab's first board alone")
    args = parser.parse_args()
    results = [first_board()] if args.board else ratios(args.n, args.runs)
    print(table(results))


def ratios(n: int = 3, runs: int = 400) -> list[Ratio]:
    """The first board of the published lab; and start, first board, filter, page turn, memory with `runs` runs."""
    board = first_board()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "results"
        rows = generate(folder, runs)
        figures = measure(["slmr.cli", "leaderboard", "--results", str(folder), "--port"], n)
        bare = Path(place, "bare.py")
        bare.write_text(BARE)
        peer = measure([*STREAMLIT, str(bare), *FLAGS], n)
        done = subprocess.run([sys.executable, "-c", PANDAS, str(folder)], capture_output=True, text=True, check=True)
    seconds, memory = map(float, done.stdout.split())
    rows_found = [
        (
            "start",
            f"leaderboard over {rows:,} completions, to its address",
            "bare Streamlit",
            "s",
            peer["start"],
        ),
        (
            "first",
            "... from there to the first board, in a new browser",
            "bare Streamlit",
            "s",
            peer["first"],
        ),
        ("again", "... the same in a browser that has been there", "bare Streamlit", "s", peer["again"]),
        ("filter", "... a filter", "bare Streamlit", "s", peer["filter"]),
        ("turn", "... a page turn in the samples", "bare Streamlit", "s", peer["turn"]),
        ("memory", "... memory at its most", "pandas, the same files", "MB", [memory]),
    ]
    return [
        board,
        *(
            Ratio(f"leaderboard_{key}", what, beside, tuple(zip(figures[key], values, strict=True)), unit)
            for key, what, beside, unit, values in rows_found
        ),
        Ratio(
            "leaderboard_pandas",
            "... address and first board",
            "pandas, to the means alone",
            ((figures["start"][0] + figures["first"][0], seconds),),
        ),
    ]


def generate(folder: Path, runs: int) -> int:
    """Writes runs of one method, student and seed each; returns the number of completions."""
    rng = np.random.default_rng(0)
    easy = {task: rng.random((ITEMS, 1)) for task in TASKS}
    count = 0
    for i in range(runs):
        seed, student, number = i % SEEDS, STUDENTS[i // SEEDS % 2], i // (2 * SEEDS)
        method = "base" if number == 0 else f"method_{number}"
        run = folder / f"{method}-{student}-{seed}"
        rows = []
        for task in TASKS:
            strict = rng.random((ITEMS, 1)) < np.clip(0.3 + 0.02 * number + 0.6 * (easy[task] - 0.5), 0, 1)
            row = summary_row(method, student, seed, task, strict)
            write_samples(run, row, strict)
            rows.append(row)
            count += strict.size
        write_summary(run / "summary.json", rows)
    return count


def summary_row(method: str, student: str, seed: int, task: str, strict: np.ndarray) -> SummaryRow:
    e = mean_with_interval(strict)
    return SummaryRow(
        method=method,
        method_kind="base" if method == "base" else "sft",
        student=student,
        seed=seed,
        task=task,
        edition="lab",
        n_items=len(strict),
        k=1,
        accuracy=e.mean,
        accuracy_lenient=e.mean,
        stderr=e.stderr,
        ci95=(e.low, e.high),
        truncated_rate=0,
        no_answer_rate=0,
        mean_tokens=60,
        train_tokens=1000,
        rollout_tokens=0,
        teacher_tokens=0,
        wall_s=1,
        flops=1e9,
        task_version="1-a",
        checker_version="numeric-1",
        manifest="0" * 16,
        command="slmr bench",
    )


def write_samples(run: Path, row: SummaryRow, strict: np.ndarray) -> None:
    file = row.samples_file(run)
    file.parent.mkdir(parents=True, exist_ok=True)
    n = len(strict)
    columns = {
        "method": [row.method] * n,
        "student": [row.student] * n,
        "seed": [row.seed] * n,
        "task": [row.task] * n,
        "item_id": [f"{row.task}/test/0/{i}" for i in range(n)],
        "k_index": [0] * n,
        "prompt": [f"Ann has {i} apples and buys {row.seed + 2} more. How many has she now?" for i in range(n)],
        "completion": [f"{i} + {row.seed + 2} = {i + 2}. So Ann has them all now. #### {i + 2}" for i in range(n)],
        "gold": [str(i + 2) for i in range(n)],
        "finish_reason": ["stop"] * n,
        "tokens": [20] * n,
        "status": ["correct" if good else "wrong" for good in strict[:, 0]],
        "strict": strict[:, 0],
        "lenient": strict[:, 0],
        "extracted": [str(i + 2) for i in range(n)],
        "reason": [""] * n,
    }
    pq.write_table(pa.table(columns), file, compression="zstd")


def first_board(n: int = 5) -> Ratio:
    """The first board of the published lab compared with a bare Streamlit app, each time in a new browser."""
    with tempfile.TemporaryDirectory() as place:
        bare = Path(place, "bare.py")
        bare.write_text(BARE)
        board = ["slmr.cli", "leaderboard", "--results", str(LAB), "--port"]
        with serving(board) as ours, serving([*STREAMLIT, str(bare), *FLAGS]) as theirs:
            pairs = in_turns(lambda: visit(ours.address), lambda: visit(theirs.address), n)
    what = f"first board of {LAB.name}, in a new browser"
    return Ratio("leaderboard_board", what, "bare Streamlit", pairs)


def visit(address: str) -> float:
    """Seconds from the address to the board, in a new browser."""
    browser = open_browser()
    try:
        rows = "return document.querySelectorAll('.slmr-board tr').length"
        return timed(lambda: browser.get(address), lambda: browser.execute_script(rows) > 1)
    finally:
        browser.quit()


@dataclass(frozen=True)
class Served:
    """A running app: its address, its process, and the seconds until it answered."""

    address: str
    pid: int
    seconds: float


@contextmanager
def serving(module: list[str]) -> Iterator[Served]:
    """Starts an app with `python -m`; its last argument is the port."""
    port = free_port(None)
    start = time.perf_counter()
    command = [sys.executable, "-m", *module, str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not _answers(port):
            time.sleep(0.05)
        yield Served(f"http://localhost:{port}", server.pid, time.perf_counter() - start)
    finally:
        server.terminate()
        server.wait(20)


def measure(module: list[str], rounds: int) -> dict[str, list[float]]:
    """Seconds in the browser, and the server's memory in MB, of an app that `python -m` starts."""
    with serving(module) as app:
        browser = open_browser()
        try:
            figures = {"start": [app.seconds], **in_browser(browser, app.address, rounds)}
            status = Path(f"/proc/{app.pid}/status").read_text()
            figures["memory"] = [int(status.split("VmHWM:")[1].split()[0]) / 1024]
        finally:
            browser.quit()
    return figures


def _answers(port: int) -> bool:
    import urllib.request

    try:
        urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=1).close()
    except OSError:
        return False
    return True


def open_browser() -> Any:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in "--headless --no-sandbox --disable-gpu --disable-background-networking --window-size=1400,1000".split():
        options.add_argument(flag)
    return webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))


def in_browser(browser: Any, address: str, rounds: int) -> dict[str, list[float]]:
    # A switch shows the tasks' columns, whose number changes with the filter.
    first, *again = (open_board(browser, f"{address}/?by_task=true") for _ in range(1 + rounds))
    filters, turns = [], []
    for i in range(rounds):
        type_into(browser, "Task", TASKS[i])
        filters.append(timed(lambda: press_enter(browser), lambda i=i: columns(browser) == i + 1))
    browser.get(f"{address}/samples?student=lab-llama&method=method_1&in_task=lab_math")
    timed(lambda: None, lambda: "of 500 completions" in body(browser))
    for i in range(rounds):
        press = lambda i=i: browser.execute_script(_PRESS, str(i + 2))  # noqa: E731
        while not browser.execute_script(_PRESS.replace(".click()", ""), str(i + 2)):
            time.sleep(0.05)
        turns.append(timed(press, lambda i=i: f"{10 * (i + 1) + 1} to " in body(browser)))
    return {"first": [first], "again": again, "filter": filters, "turn": turns}


def open_board(browser: Any, address: str) -> float:
    """Seconds from the address to the first board; the browser may have cached the app's files."""
    browser.get("about:blank")
    return timed(lambda: browser.get(address), lambda: columns(browser) >= len(TASKS))


# Presses the button with this text; returns whether it exists.
_PRESS = (
    "const b = Array.from(document.querySelectorAll('button')).find(e => e.innerText.trim() === arguments[0]);"
    "if (b) b.click(); return Boolean(b)"
)


def timed(act: Callable[[], Any], done: Callable[[], bool], limit: float = 120) -> float:
    from selenium.common.exceptions import StaleElementReferenceException

    start = time.perf_counter()
    act()
    while time.perf_counter() - start < limit:
        try:
            if done():
                return time.perf_counter() - start
        except StaleElementReferenceException:
            pass
        time.sleep(0.01)
    raise SystemExit("the page did not reach the expected state in time")


def columns(browser: Any) -> int:
    """The number of task columns of the first board."""
    script = (
        "const t = document.querySelector('.slmr-board'); return t ? Array.from(t.querySelectorAll('th'))"
        ".filter(e => e.title.startsWith('lab_')).length : 0"
    )
    return browser.execute_script(script)


def body(browser: Any) -> str:
    return browser.execute_script("return document.body.innerText")


def type_into(browser: Any, label: str, value: str) -> None:
    """Types a value into a filter of the sidebar, without pressing Enter."""
    matches: list[Any] = []
    while not matches:
        boxes = browser.find_elements("css selector", '[data-testid="stMultiSelect"]')
        matches = [box for box in boxes if box.text.startswith(label)]
    (box,) = matches
    field = box.find_element("css selector", "input")
    field.click()
    field.send_keys(value)
    time.sleep(0.5)


def press_enter(browser: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.switch_to.active_element.send_keys(Keys.ENTER)


if __name__ == "__main__":
    main()
