"""Independent check of a run: samples and judges a random part of its items again, and compares the results."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from slmr.config import AS_GIVEN, EngineSettings
from slmr.engines import Prompt, open_engine
from slmr.engines.models import Say, is_on_hand, resolve_model
from slmr.errors import RequestError
from slmr.evaluate import EvaluateParams, prompts_of, with_thoughts_begun
from slmr.evaluate.metrics import judged
from slmr.parsing import parse
from slmr.pipeline.worker import quiet_libraries
from slmr.results.export.lm_eval import has_texts
from slmr.results.runs.files import ARTEFACTS, SUMMARY
from slmr.results.runs.manifests import manifests_of
from slmr.results.runs.method_results import RunRow
from slmr.results.runs.schema import SummaryRow, read_results
from slmr.stats import Estimate, bounded_mean
from slmr.tasks import Task
from slmr.tasks.registry import load_task
from slmr.verify import checker_version

_NEEDED = {"item_id", "k_index", "completion", "finish_reason", "tokens", "status", "strict", "lenient"}


@dataclass(frozen=True, slots=True)
class Check:
    """The result for one summary row.

    Attributes:
        items: number of the row's items that were drawn.
        same_items: number of them with the task's own prompt and gold answer; None if the task's data is missing.
        completions: number of the run's completions of these items.
        same_verdicts: number of them that the installed checker judges the same.
        accuracy_agrees: whether the row's accuracy is that of all its completions.
        generated: number of completions that were sampled again; 0 if the model is not available.
        same_texts: number of them with exactly the same text.
        outcomes: mean over items of the share of completions with the same correctness; None without any.
        note: what could not be done, and why.
    """

    row: SummaryRow
    items: int
    same_items: int | None
    completions: int
    same_verdicts: int
    accuracy_agrees: bool
    generated: int = 0
    same_texts: int = 0
    outcomes: Estimate | None = None
    note: str = ""

    @property
    def failed(self) -> bool:
        """Whether the run states something false. New completions do not count: they may differ with the machine."""
        wrong_verdicts = self.same_verdicts < self.completions and self._same_checker
        return wrong_verdicts or not self.accuracy_agrees or self.same_items not in (None, self.items)

    @property
    def _same_checker(self) -> bool:
        kind: Any = self.row.checker_version.rpartition("-")[0]
        return kind in ("numeric", "math", "choice") and self.row.checker_version == checker_version(kind)


@dataclass(frozen=True)
class VerifyRequest:
    """The options of `slmr verify-run`.

    Attributes:
        share: of each row's items.
        seed: of the draw; the run's author should not know it.
        model: the model, for a run of one model; by default the run's artefacts and this machine's models are used.
        generate: whether to sample completions again.
    """

    run: Path
    share: float = 0.1
    seed: int = 0
    model: str | None = None
    generate: bool = True
    tasks_paths: tuple[Path, ...] = ()


def verify_run(request: VerifyRequest, say: Say = lambda _: None) -> list[Check]:
    """Checks every row of a run; nothing in its folder is changed.

    Raises:
        RequestError: the folder is no run, or its completions are missing or damaged.
    """
    rows = read_results(request.run / SUMMARY).rows
    manifests = manifests_of(RunRow(row, request.run) for row in rows)
    if request.model and len({(row.method, row.student, row.seed) for row in rows}) > 1:
        raise RequestError(
            f"{request.run} holds several models, but --model names one: leave it out to use the run's artefacts"
        )
    beside = request.run.parent / "tasks"  # where `slmr eval` writes the tasks of files of questions
    if beside.is_dir():
        request = replace(request, tasks_paths=(*request.tasks_paths, beside))
    return [_check(row, request, manifests.get(row.manifest), say) for row in rows]


def _check(row: SummaryRow, request: VerifyRequest, manifest: Mapping[str, Any] | None, say: Say) -> Check:
    samples = row.samples(request.run)
    if not samples or not samples[0].keys() >= _NEEDED:
        raise RequestError(f"{row.samples_file(request.run)} is not a file of completions: it lacks rows or columns")
    ids = sorted({sample["item_id"] for sample in samples})
    rng = Random(f"{request.seed} {row.identity}")
    chosen = set(rng.sample(ids, max(1, round(request.share * len(ids)))))
    part = [sample for sample in samples if sample["item_id"] in chosen]
    accuracy = sum(bool(sample["strict"]) for sample in samples) / len(samples)
    check = Check(row, len(chosen), None, len(part), 0, abs(accuracy - row.accuracy) < 1e-9)
    if not has_texts(part):
        return replace(check, completions=0, note="the run keeps no texts of this task: nothing to judge")
    try:
        task = load_task(row.task, request.tasks_paths)
    except RequestError as error:
        return replace(check, completions=0, note=str(error))
    rejudged = judged(part, {task.name: task})
    agreeing = sum(
        all(a[n] == b[n] for n in ("status", "strict", "lenient")) for a, b in zip(part, rejudged, strict=True)
    )
    check = replace(check, same_verdicts=agreeing)
    if not manifest:
        note = "no manifest of the evaluation: neither items nor completions can be made again"
        return replace(check, note=note)
    params = parse(EvaluateParams, manifest["parameters"], "the run's evaluation")
    try:
        prompts = {i.id: (prompt, i.gold) for i, prompt in prompts_of(task, params) if i.id in chosen}
    except RequestError as error:
        return replace(check, note=str(error))
    texts = {sample["item_id"]: (sample["prompt"], sample["gold"]) for sample in part}
    same = sum(texts[name] == (prompt.user, gold) for name, (prompt, gold) in prompts.items())
    check = replace(check, same_items=same)
    if not request.generate:
        return check
    return _sampled_again(check, part, task, params, prompts, request, manifest, say)


def _sampled_again(
    check: Check,
    part: Sequence[dict[str, Any]],
    task: Task,
    params: EvaluateParams,
    prompts: Mapping[str, tuple[Prompt, str]],
    request: VerifyRequest,
    manifest: Mapping[str, Any],
    say: Say,
) -> Check:
    """The check with newly sampled completions, if the model is available."""
    quiet_libraries()
    model, fault = _model(check.row, request, manifest, say)
    if model is None:
        return replace(check, note=fault)
    samples = [sample for sample in part if sample["item_id"] in prompts]
    repeated = [replace(prompts[s["item_id"]][0], sample_index=s["k_index"]) for s in samples]
    with closing(open_engine(model, _settings(manifest, model))) as engine:
        completions = engine.generate(repeated, params.sampling(task))
    new = [
        s | {"completion": c.text, "finish_reason": c.finish_reason, "tokens": c.tokens}
        for s, c in zip(samples, completions, strict=True)
    ]
    new = judged(with_thoughts_begun(new), {task.name: task})
    by_item: dict[str, list[float]] = {}
    for old, sample in zip(samples, new, strict=True):
        by_item.setdefault(old["item_id"], []).append(float(old["strict"] == sample["strict"]))
    same = sum(old["completion"] == sample["completion"] for old, sample in zip(samples, new, strict=True))
    outcomes = bounded_mean([sum(x) / len(x) for x in by_item.values()]) if by_item else None
    return replace(check, generated=len(new), same_texts=same, outcomes=outcomes)


def _model(
    row: SummaryRow, request: VerifyRequest, manifest: Mapping[str, Any], say: Say
) -> tuple[Path | str | None, str]:
    """The location of the row's model, or why there is none."""
    if request.model:
        return resolve_model(request.model, say).location, ""
    keys = manifest.get("inputs", {}).get("model", [])
    key = keys[0] if keys and re.fullmatch(r"[0-9a-f]{8,64}", str(keys[0])) else ""
    if row.method_kind not in AS_GIVEN:
        trained = next(iter(request.run.glob(f"{ARTEFACTS}/*-{key}/model")), None) if key else None
        return (
            trained,
            "" if trained else "the trained model is not in the run's artefacts: only verdicts checked",
        )
    # Another person's run may name a server, which is only asked if the user names it, too.
    if "://" in row.student or not is_on_hand(row.student):
        return None, f"{row.student} is not on this machine: only verdicts checked; name it with --model"
    model = resolve_model(row.student, say)
    if key and model.key != key:
        return None, f"{row.student} on this machine is not the run's model: only verdicts checked"
    return model.location, ""


def _settings(manifest: Mapping[str, Any], model: Path | str) -> EngineSettings:
    """The run's engine settings, adapted to this machine; a run cannot ask for remote code to be trusted."""
    from slmr.engines.transformers import usable_device

    recorded = {
        name: value for name, value in manifest.get("engine", {}).items() if name in EngineSettings.model_fields
    }
    local: dict[str, Any] = {
        "trust_remote_code": False,
        "rollouts": "engine",
        "batch_size": "auto",
        "compile": False,
    }
    if isinstance(model, Path):
        name = recorded.get("name", "transformers")
        local |= {"device": usable_device("auto"), "name": "transformers" if name == "server" else name}
    else:
        local |= {"name": "server"}
    return parse(EngineSettings, recorded | local, "the run's engine")
