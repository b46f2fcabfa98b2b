"""Judges published completions with the installed checkers, and lists the verdicts that differ from the published ones.

    python -m studies.flips results                  # every folder below with samples
    python -m studies.flips results/smol --show 3    # and some texts of each kind of flip

Completions whose text was not published cannot be judged, and are only counted. Prints Markdown.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from slmr.results.runs.schema import SummaryRow, read_summary
from slmr.tasks.registry import load_task
from slmr.verify import verify_batch

Flip = tuple[str, str, str, str]  # kind of answer, field, before, after


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--show", type=int, default=0, help="texts of each kind of flip")
    args = parser.parse_args()
    for summary in sorted(args.results.rglob("summary.json")):
        report(summary.parent, args.show)


def report(run: Path, n_shown: int) -> None:
    """Prints the flips of one published run."""
    flips: Counter[Flip] = Counter()
    examples: dict[Flip, list[str]] = defaultdict(list)
    counts: Counter[str] = Counter()
    lenient: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    unread = 0
    for row in read_summary(run / "summary.json").rows:
        samples = [s for s in row.samples(run) if s.get("completion") is not None and s.get("gold") is not None]
        unread += row.n_items * row.k - len(samples)
        kind = load_task(row.task).kind
        counts[kind] += len(samples)
        for flip, text in flips_of(row, samples, lenient[kind]):
            flips[flip] += 1
            if len(examples[flip]) < n_shown:
                examples[flip].append(text)
    print(f"## {run.name}\n\n{sum(counts.values()):,} completions judged again, {unread:,} have no published text.\n")
    print("| answers | judged | lenient before, % | lenient now, % |\n|---|---:|---:|---:|")
    for kind, (before, now) in sorted(lenient.items()):
        if n := counts[kind]:
            print(f"| {kind} | {n:,} | {before / n:.2%} | {now / n:.2%} |".replace("%", ""))
    print("\n| answers | what | before | now | completions |\n|---|---|---|---|---:|")
    for flip, n in flips.most_common():
        print(f"| {' | '.join(flip)} | {n:,} |")
        for text in examples[flip]:
            print(f"\n```\n{text}\n```\n")
    print()


def flips_of(row: SummaryRow, samples: list[dict[str, Any]], lenient: list[int]) -> list[tuple[Flip, str]]:
    """The differing fields of verdicts, each with the end of the completion; adds to `lenient`, [before, now]."""
    kind = load_task(row.task).kind
    flips = []
    verdicts = verify_batch([s["completion"] for s in samples], [s["gold"] for s in samples], kind)
    for sample, verdict in zip(samples, verdicts, strict=True):
        lenient[0] += bool(sample["lenient"])
        lenient[1] += verdict.lenient
        for field in ("status", "strict", "lenient"):
            before, now = sample[field], getattr(verdict, field)
            if before != now:
                text = f"gold {sample['gold']}: … {sample['completion'][-300:]}"
                flips.append(((kind, field, str(before), str(now)), text))
    return flips


if __name__ == "__main__":
    main()
