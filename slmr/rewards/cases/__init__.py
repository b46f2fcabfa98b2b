"""Labelled completions with gold answers, written for this project, against which reward functions are audited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from slmr.rewards.cases.adversarial import ADVERSARIAL
from slmr.rewards.cases.endings import GOLDS, STRICT, WORKED, Ending, endings
from slmr.rewards.cases.templates import CaseText, fill_templates
from slmr.rewards.cases.value_changing import VALUE_CHANGING
from slmr.rewards.cases.value_preserving import VALUE_PRESERVING
from slmr.verify import Kind


@dataclass(frozen=True, slots=True)
class AuditCase:
    """A completion, its gold answer, and whether a reward should pay it.

    Attributes:
        family: what the case tests; a family's cases should either all be accepted or all be rejected.
    """

    id: str
    kind: Kind
    family: str
    completion: str
    gold: str
    accept: bool


def audit_cases(kinds: Sequence[Kind], seed: int = 0, per_family: int = 40) -> list[AuditCase]:
    """At most `per_family` cases for each kind of answer and family, drawn by the seed."""
    by_family: dict[tuple[Kind, bool, str], dict[tuple[str, str], None]] = {}
    for accept, rows in ((True, _right(kinds, seed)), (False, _wrong(kinds, seed))):
        for family, (kind, completion, gold) in rows:
            if kind in kinds:
                by_family.setdefault((kind, accept, family), {})[completion, gold] = None
    cases = []
    for (kind, accept, family), rows in by_family.items():
        rng = Random(f"{seed} {kind} {family}")
        sample = rng.sample(list(rows), min(per_family, len(rows)))
        cases += [AuditCase(f"{kind}/{family}/{i}", kind, family, *row, accept) for i, row in enumerate(sample)]
    return cases


def _right(kinds: Sequence[Kind], seed: int) -> Iterator[tuple[str, CaseText]]:
    for kind in kinds:
        for ending in endings(kind):
            yield _family_of(ending), (kind, ending.text, ending.gold.text)
    yield from _families(VALUE_PRESERVING, seed, "")


def _family_of(ending: Ending) -> str:
    """The family of an ending: the requested form, with the gold's own or another spelling, or the ending's origin."""
    if ending.own_form:
        as_gold = ending.text == WORKED[ending.kind] + STRICT[ending.kind].format(ending.gold.text)
        return "requested form" if as_gold else "requested form, another spelling"
    names = {"en": "in English", "tex": "other boxes", "own": "other #### lines"}
    return names.get(ending.language, "in another language")


def _wrong(kinds: Sequence[Kind], seed: int) -> Iterator[tuple[str, CaseText]]:
    rng = Random(seed)
    for kind in kinds:
        for ending in endings(kind):
            other = rng.choice(GOLDS[kind])
            if other.key != ending.gold.key:
                where = "in the requested form" if ending.own_form else "in words"
                yield f"another item's answer, {where}", (kind, ending.text, other.text)
    yield from _families(VALUE_CHANGING, seed, "changed: ")
    yield from _families(ADVERSARIAL, seed, "attack: ")


def _families(table: Mapping[str, tuple[CaseText, ...]], seed: int, prefix: str) -> Iterator[tuple[str, CaseText]]:
    for family, kind, completion, gold in fill_templates(table, seed):
        yield prefix + family, (kind, completion, gold)
