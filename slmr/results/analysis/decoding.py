"""How the completions of two results were sampled, where the two differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slmr.results.runs.manifests import manifests_of
from slmr.results.runs.method_results import MethodResult

_TASKS_OWN = "the task's own"


def decoding_notices(a: MethodResult, b: MethodResult) -> list[str]:
    """One line that names each difference in decoding, A's value first; none if the two were decoded alike.

    A result whose manifests are missing is not judged.
    """
    of_a, of_b = _decoding(a), _decoding(b)
    differences = [
        f"{name} {' or '.join(of_a[name])} against {' or '.join(of_b[name])}"
        for name in of_a.keys() & of_b.keys()
        if of_a[name] != of_b[name]
    ]
    if not differences:
        return []
    cut_off = " against ".join(f"{result.rate('truncated_rate'):.0%}" for result in (a, b))
    return [
        f"decoded differently, so the difference is not one of the models alone: {'; '.join(sorted(differences))}"
        f" (cut off by the token limit: {cut_off})"
    ]


def _decoding(result: MethodResult) -> dict[str, list[str]]:
    """Setting → the values that it has in the evaluations of a result; empty if no manifest is there."""
    values: dict[str, set[str]] = {}
    for manifest in manifests_of(result.run_rows).values():
        for name, value in _settings(manifest.get("parameters", {}), manifest.get("engine", {})).items():
            values.setdefault(name, set()).add(value)
    return {name: sorted(each) for name, each in values.items()}


def _settings(parameters: Mapping[str, Any], engine: Mapping[str, Any]) -> dict[str, str]:
    """The settings of one evaluation that shape its completions; old manifests lack the latest ones."""
    if not parameters:
        return {}
    k, temperature = parameters.get("k", 1), parameters.get("temperature")
    name = engine.get("name", "unknown")
    return {
        "max tokens": str(parameters.get("max_tokens") or _TASKS_OWN),
        "completions per item": str(k),
        "temperature": f"{(0 if k == 1 else 1) if temperature is None else temperature:g}",
        "few-shot examples": str(parameters.get("fewshot", 0)),
        "system prompt": repr(parameters.get("system", "")[:60]),
        "engine": name if name == "server" else f"{name} {engine.get('dtype', '')}".strip(),
        "chat template arguments": str(engine.get("chat_template_kwargs") or "none"),
    }
