"""Serves the leaderboard in this process: chooses the results and the port."""

from __future__ import annotations

import signal
import socket
import threading
import time
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from slmr.errors import RequestError, WorkError
from slmr.results.runs.files import SUMMARY
from slmr.results.runs.samples import read_below

DEFAULTS = (Path("runs"), Path("results"))
FIRST_PORT, PORTS = 8501, 100


def serve(folder: Path | None, port: int | None) -> None:
    """Serves until interrupted. Without a folder: runs/ or results/, whichever holds a summary, else the sample.

    Raises:
        RequestError: the folder does not exist, or the port is taken.
    """
    results, sample = results_folder(folder)
    results = results.resolve()
    number = free_port(port)
    app = Path(__file__).with_name("app.py")
    # The first page is asked for a second or two from now. What it needs is read meanwhile, by another process: this
    # one is busy with importing streamlit.
    reader = ProcessPoolExecutor(1, get_context("spawn"), signal.signal, (signal.SIGINT, signal.SIG_IGN))
    reading = reader.submit(read_below, results)
    reader.shutdown(wait=False)
    from streamlit.web import cli

    threading.Thread(target=_warm, args=(results, reading, number), daemon=True).start()
    what = "sample results of the package, because there are no runs yet" if sample else f"over {results}"
    print(f"Leaderboard http://localhost:{number}  ({what}); Ctrl-C ends it", flush=True)
    options = {
        "server.port": number,
        "server.address": "localhost",
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "viewer",
        "logger.hideWelcomeMessage": "true",
        # The page's own red would read as a warning.
        "theme.light.primaryColor": "#0072B2",
        "theme.dark.primaryColor": "#3A86BD",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    arguments = ["--results", str(results), *(["--sample"] if sample else [])]
    code = cli.main(["run", str(app), *words, "--", *arguments], standalone_mode=False)
    if code:
        raise WorkError(f"the leaderboard stopped with exit code {code}")


def results_folder(folder: Path | None) -> tuple[Path, bool]:
    """The folder of results, and whether it is the package's sample.

    Raises:
        RequestError: the folder does not exist.
    """
    if folder is not None:
        if not folder.is_dir():
            raise RequestError(
                f"no folder {folder}: name one with runs (bench and eval write to `runs`), or leave --results out"
            )
        return folder, False
    for default in DEFAULTS:
        if next(default.glob(f"**/{SUMMARY}"), None):
            return default, False
    return Path(__file__).with_name("sample"), True


def free_port(port: int | None) -> int:
    """The port, else the first free one from 8501 on.

    Raises:
        RequestError: it is taken, or all are.
    """
    for number in [port] if port else range(FIRST_PORT, FIRST_PORT + PORTS):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", number))
            except OSError:
                continue
            return number
    if port:
        raise RequestError(f"port {port} is in use: give another one, or leave --port out for a free one")
    raise RequestError(f"no free port from {FIRST_PORT} to {FIRST_PORT + PORTS - 1}: give one with --port")


def _warm(folder: Path, reading: Future[Any], port: int) -> None:
    """Prepares the first page while the browser opens, once the server answers."""
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    from slmr_leaderboard.warm import warm

    warm(folder, reading)
