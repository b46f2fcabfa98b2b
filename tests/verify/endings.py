"""The checkers on every natural ending and rewrite of `slmr.rewards.cases`.

    python -m tests.verify.endings 20000     # agreement by kind and family, and wrong golds accepted

What is accepted, before and after the readers of November 2026 (checkers 4 and 5), right golds leniently:

| | endings, numeric | endings, math | endings, choice | kept, all | changed, all | wrong golds accepted |
|---|---:|---:|---:|---:|---:|---:|
| checkers 4 | 96.9 % | 99.0 % | 41.9 % | 36.1 % | 54.4 % | 0 of 5,460 |
| checkers 5 | 100 % | 100 % | 100 % | 100 % | 100 % | 0 of 54,261 |
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from random import Random

from slmr.rewards.cases.endings import GOLDS, Ending, Gold, endings
from slmr.rewards.cases.templates import fill_templates
from slmr.rewards.cases.value_changing import VALUE_CHANGING
from slmr.rewards.cases.value_preserving import VALUE_PRESERVING
from slmr.verify import Kind, verify


def main() -> None:
    count = int(sys.argv[1])
    for kind in ("numeric", "math", "choice"):
        rows = list(endings(kind))
        missed = Counter((e.language, e.form) for e in rows if not verify(e.text, e.gold.text, kind).lenient)
        print(
            f"{kind}: {len(rows)} endings, {1 - sum(missed.values()) / len(rows):.1%} right",
            missed.most_common(12),
        )
    for name, table, wanted in (("kept", VALUE_PRESERVING, True), ("changed", VALUE_CHANGING, False)):
        rows = list(fill_templates(table, seed=1))
        failed = Counter(family for family, kind, text, gold in rows if verify(text, gold, kind).lenient != wanted)
        print(
            f"{name}: {len(rows)} rewrites, {1 - sum(failed.values()) / len(rows):.1%} as wanted",
            failed.most_common(20),
        )
    pairs = list(wrong_golds(count, seed=2))
    accepted = [(e.text, other.text) for e, other in pairs if verify(e.text, other.text, e.kind).lenient]
    print(f"{len(pairs)} wrong golds, {len(accepted)} accepted", accepted[:5])


def wrong_golds(count: int, seed: int) -> Iterator[tuple[Ending, Gold]]:
    """Endings with the gold of another item, unequal by the keys."""
    rng = Random(seed)
    pools: dict[Kind, list[Ending]] = {kind: list(endings(kind)) for kind in GOLDS}
    for _ in range(count):
        kind = rng.choice(list(pools))
        ending = rng.choice(pools[kind])
        other = rng.choice(GOLDS[kind])
        if other.key != ending.gold.key:
            yield ending, other


if __name__ == "__main__":
    main()
