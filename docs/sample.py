"""Takes the package's sample results anew: `python docs/sample.py`, after results/lab-quick has changed."""

from __future__ import annotations

import shutil
from pathlib import Path

from slmr.io import read_json, write_json
from slmr.results.export.publish import MANIFESTS
from slmr.results.runs.files import EXAMPLES, TABLES, items_file
from slmr.results.runs.schema import read_summary, write_summary

ROOT = Path(__file__).parents[1]
RESULTS, SAMPLE = ROOT / "results" / "lab-quick", ROOT / "leaderboard/slmr_leaderboard/sample/lab"
METHODS, STUDENT, SEED = ("base", "sft", "grpo", "stagewise"), "lab-llama", 0


def main() -> None:
    """Copies the rows of four methods with all that was published of them, unchanged."""
    published = read_summary(RESULTS / "summary.json")
    rows = [r for r in published.rows if (r.student, r.seed) == (STUDENT, SEED) and r.method in METHODS]
    shutil.rmtree(SAMPLE)
    for row in rows:
        tables = [row.files(RESULTS).table(name) for name in (*TABLES, *EXAMPLES)]
        for file in (row.samples_file(RESULTS), items_file(RESULTS, row.task), *tables):
            if file.is_file():
                copy = SAMPLE / file.relative_to(RESULTS)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)
    manifests = read_json(RESULTS / MANIFESTS)
    write_json(SAMPLE / MANIFESTS, {row.manifest: manifests[row.manifest] for row in rows})
    write_summary(SAMPLE / "summary.json", rows, published.contamination)


if __name__ == "__main__":
    main()
