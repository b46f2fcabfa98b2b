"""Writes the result of a gate for people (a table, Markdown, sentences) and for CI (JUnit)."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from slmr.errors import visible
from slmr.results.analysis.gate import GateResult, Outcome
from slmr.results.render.conclusions import in_points, p_relation
from slmr.results.render.tables import as_markdown
from slmr.results.render.text_tables import text_table
from slmr.stats import formats

if TYPE_CHECKING:
    from rich.table import Table

_HEADS = (
    "check",
    "items",
    "seeds",
    "tolerated",
    "change, points",
    "forgotten, %",
    "learned, %",
    "p",
    "verdict",
)


def gate_table(result: GateResult) -> Table:
    """One row per limit: the tolerated and the measured value, with intervals at the check's confidence."""
    rows = [
        (
            o.name,
            str(o.items),
            str(o.seeds),
            _tolerated(o),
            in_points(o.change),
            formats.percent(o.forgotten.mean),
            formats.percent(o.learned.mean),
            formats.p_value(o.p),
            f"{'FAIL: ' if result.fails(o) else ''}{o.verdict}",
        )
        for o in result.outcomes
    ]
    table = text_table(f"{result.run} against {result.base}", _HEADS, rows)
    table.columns[0].justify = table.columns[-1].justify = "left"
    return table


def _tolerated(outcome: Outcome) -> str:
    most = formats.percent(outcome.tolerated)
    return f"a loss of {most}" if outcome.limit == "loss" else f"{most} % forgotten"


def gate_in_words(result: GateResult) -> str:
    """Whether the run passes, and why."""
    lines = [_sentence(outcome) for outcome in result.failed]
    unclear = [o for o in result.outcomes if _is_skipped(result, o)]
    if not result.failed:
        lines.append(_passed(len(result.outcomes), sum(o.verdict == "held" for o in result.outcomes)))
    if unclear:
        least = max(outcome.smallest_shown for outcome in unclear)
        lines.append(
            f"Unclear: {len(unclear)}. A loss of {formats.percent(least)} points beyond the tolerated one is detectable"
            " with 80 % power, a smaller one less often."
        )
    return "\n".join(lines)


def _passed(checks: int, held: int) -> str:
    if checks == 1:
        return f"Passed: 1 check shows no regression{'; it is shown to hold' if held else ''}."
    return f"Passed: {checks} checks show no regression; {held} of them are shown to hold."


def _sentence(outcome: Outcome) -> str:
    """The sentence about a failed outcome."""
    sure = f"at {outcome.confidence:.0%} confidence (p {p_relation(outcome.p)}, corrected)"
    if outcome.limit == "loss":
        measured = f"accuracy changed by {in_points(outcome.change)} points; {_tolerated(outcome)} is tolerated"
    else:
        e = outcome.forgotten
        measured = f"{formats.percent(e.mean, e.low, e.high)} % were forgotten; {_tolerated(outcome)} is tolerated"
    if outcome.verdict == "regression":
        return f"{outcome.name}: {measured}, and the limit is exceeded {sure}."
    return f"{outcome.name}: {measured}. The outcome is unclear, which the policy does not let pass."


def gate_markdown(result: GateResult) -> str:
    """The result as Markdown for a pull request or the summary of a CI job."""
    table = gate_table(result)
    mark = "failed" if result.failed else "passed"
    title = f"## slmr gate: {mark}\n"
    notices = [f"- {notice}" for notice in result.notices]
    return visible("\n".join([title, gate_in_words(result), "", as_markdown(table), "", *notices]).rstrip() + "\n")


def gate_junit(result: GateResult) -> str:
    """JUnit XML with a test case per limit, which fails as the gate does; unclear outcomes are skipped."""
    failures, skipped = len(result.failed), sum(_is_skipped(result, o) for o in result.outcomes)
    counts = {"tests": str(len(result.outcomes)), "failures": str(failures), "errors": "0"}
    suites = ET.Element("testsuites", counts | {"name": "slmr gate"})
    suite = ET.SubElement(
        suites,
        "testsuite",
        counts
        | {
            "name": visible(f"{result.run} against {result.base}"),
            "skipped": str(skipped),
            "time": "0",
        },
    )
    for outcome in result.outcomes:
        _case(suite, result, outcome)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _is_skipped(result: GateResult, outcome: Outcome) -> bool:
    return outcome.verdict == "unclear" and not result.fails(outcome)


def _case(suite: ET.Element, result: GateResult, outcome: Outcome) -> None:
    name = visible(f"{outcome.name}: {_tolerated(outcome)}")
    case = ET.SubElement(suite, "testcase", {"classname": "slmr.gate", "name": name, "time": "0"})
    properties = ET.SubElement(case, "properties")
    for key, number in _numbers(outcome).items():
        ET.SubElement(properties, "property", {"name": key, "value": f"{number:.6g}"})
    if result.fails(outcome):
        sentence = visible(_sentence(outcome))
        ET.SubElement(case, "failure", {"type": outcome.verdict, "message": sentence}).text = sentence
    elif _is_skipped(result, outcome):
        least = formats.percent(outcome.smallest_shown)
        message = f"unclear: {least} points beyond the tolerated loss are detectable with 80 % power"
        ET.SubElement(case, "skipped", {"message": message})


def _numbers(outcome: Outcome) -> dict[str, float]:
    change = outcome.change
    return {
        "change": change.mean,
        "low": change.low,
        "high": change.high,
        "p": outcome.p,
        "tolerated": outcome.tolerated,
        "forgotten": outcome.forgotten.mean,
        "learned": outcome.learned.mean,
        "items": outcome.items,
        "seeds": outcome.seeds,
        "confidence": outcome.confidence,
    }
