"""The manifest of the evaluation behind a row."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.errors import RequestError
from slmr.io import write_json
from slmr.results.export.publish import publish
from slmr.results.runs.manifests import manifests_of
from slmr.results.runs.method_results import RunRow
from slmr.results.runs.schema import read_summary
from tests.results.made_runs import a_run


def test_the_manifest_of_a_row_is_found_in_a_run_and_where_it_is_published(tmp_path: Path) -> None:
    run = a_run(tmp_path / "run", {"lab_gsm8k": [True, False]})
    (row,) = read_summary(run / "summary.json").rows
    assert manifests_of([RunRow(row, run)]) == {}
    write_json(run / "manifests.json", {row.manifest: {"stage": "published"}, "other": {}})
    assert manifests_of([RunRow(row, run)]) == {row.manifest: {"stage": "published"}}
    folder = run / "artefacts" / f"evaluate-{row.manifest}"
    write_json(folder / "manifest.json", {"stage": "evaluate"})
    assert manifests_of([RunRow(row, run)]) == {row.manifest: {"stage": "evaluate", "stats": {}}}
    target = publish(run, tmp_path / "results")
    assert manifests_of([RunRow(row, target)]) == manifests_of([RunRow(row, run)])
    (target / "manifests.json").write_text("{")
    with pytest.raises(RequestError, match=r"manifests\.json is damaged: "):
        manifests_of([RunRow(row, target)])
