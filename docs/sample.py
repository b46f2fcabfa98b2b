"""Takes the package's sample results anew: `python docs/sample.py`, after results/lab has changed."""

from __future__ import annotations

import shutil
from pathlib import Path

from slmr.publish import MANIFESTS
from slmr.results import EXAMPLES, TABLES, items_file, read_summary, run_file, write_summary
from slmr.store import read_json, write_json

ROOT = Path(__file__).parents[1]
RESULTS, SAMPLE = ROOT / "results" / "lab", ROOT / "leaderboard" / "sample" / "lab"
METHODS, STUDENT, SEED = ("base", "sft", "grpo", "stagewise"), "lab-llama", 0


def main() -> None:
    """Copies the rows of four methods with all that was published of them, unchanged."""
    published = read_summary(RESULTS / "summary.json")
    rows = [r for r in published.rows if (r.student, r.seed) == (STUDENT, SEED) and r.method in METHODS]
    shutil.rmtree(SAMPLE)
    for row in rows:
        place = (row.method, row.student, row.seed)
        for find in (
            row.samples_file,
            lambda folder, row=row: items_file(folder, row.task),
            *(
                lambda folder, what=what, place=place: run_file(folder, what, *place)
                for what in (*TABLES, *EXAMPLES)
            ),
        ):
            if find(RESULTS).is_file():
                find(SAMPLE).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(find(RESULTS), find(SAMPLE))
    manifests = read_json(RESULTS / MANIFESTS)
    write_json(SAMPLE / MANIFESTS, {row.manifest: manifests[row.manifest] for row in rows})
    write_summary(SAMPLE / "summary.json", rows, published.contamination)


if __name__ == "__main__":
    main()
