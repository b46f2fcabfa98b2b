"""`slmr bench --dry-run`: the stages of a plan, what each will cost, and what is missing here for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from slmr.cli.options import print_listing, print_text
from slmr.engines.transformers import pick_device
from slmr.pipeline.bench import Plan
from slmr.pipeline.doctor import lacking_for
from slmr.pipeline.estimate import (
    ASSUMED,
    Assumptions,
    Machine,
    ModelShape,
    Speed,
    StageEstimate,
    estimate,
    measure,
    seconds_here,
    shapes_of,
)
from slmr.pipeline.local import slots_for
from slmr.pipeline.runner import damaged_nodes, missing_nodes
from slmr.pipeline.schedule import longest_chains
from slmr.stats import formats

_GPUS = (1, 8)
_SPARE = ("artefact", "PFLOP", "state")  # where room is short, in this order
_LEGEND = (
    "An estimate: M are million tokens, h x8 the hours on eight H100, GiB what each holds at most; a training is shared"
    " by all GPUs, any other stage has one; stages that do not need each other can run side by side."
)
_TOKENS: tuple[tuple[str, Callable[[StageEstimate], float]], ...] = (
    ("generated M", lambda e: e.flow.generated / 1e6),
    ("trained M", lambda e: e.flow.trained / 1e6),
    ("taught M", lambda e: e.flow.taught / 1e6),
    ("PFLOP", lambda e: e.flops / 1e15),
)


def print_plan(plan: Plan, lacking: Sequence[str], explain: bool) -> None:
    """A line a stage and their sum, and what is missing, each with how to get it; with `explain` what is assumed."""
    damaged = damaged_nodes(plan.store, plan.nodes)
    missing = {n.key for n in missing_nodes(plan.store, plan.nodes, [node.key for node, _ in damaged])}
    shapes = shapes_of(_students(plan))
    engine = plan.profile.engine
    if engine.name == "transformers" and pick_device(engine.device) == "cpu":
        _print_here(plan, shapes, missing, explain)
    else:
        _print_for_gpus(plan, shapes, missing, explain)
    for node, fault in damaged:
        print_text(f"Damaged: {node.artefact} ({fault}): it is made again, with what depends on it")
    faults = [*lacking, *lacking_for(plan.profile, plan.tasks)]
    print_text("Missing here" if faults else "Missing here: nothing")
    for fault in faults:
        print_text(f"- {fault}")


# ---------------------------------------------------------------------------- on this machine's CPU


def _print_here(plan: Plan, shapes: dict[str, ModelShape], missing: set[str], explain: bool) -> None:
    """The minutes of each stage in one process, by how fast this machine is with each student."""
    measured = {
        key: measure(folder, plan.tasks, plan.profile.threads)
        for key, folder in _students(plan).items()
        if isinstance(folder, Path)
    }
    assumed = next((a for _, a in measured.values()), ASSUMED)
    estimates = estimate(plan.nodes, shapes, (), assumed)
    minutes = {e.node.key: _seconds(e, measured) / 60 for e in estimates}
    rows = [
        _head(e, missing) | _thousands([e]) | {"minutes": _number(minutes[e.node.key])} | _for(plan, e)
        for e in estimates
    ]
    to_do = [e for e in estimates if e.node.key in missing]
    whole = sum(minutes[e.node.key] for e in to_do)
    rows.append(
        {"state": "sum", "artefact": f"{len(to_do)} to do", "stage": ""}
        | _thousands(to_do)
        | {"minutes": _number(whole), "for": ""}
    )
    print_listing(rows, as_json=False, spare=_SPARE)
    print_text(f"{len(plan.nodes)} stages into {plan.folder}")
    if not measured:
        print_text("How long it takes is not known: no student's files are here to measure with")
        return
    jobs = len(slots_for(plan.profile, plan.execution.jobs, 0))
    chains = longest_chains([e.node for e in to_do], lambda node: minutes[node.key])
    least = max(whole / jobs, *chains.values())
    print_text(
        f"About {formats.duration(60 * whole)} of work on this machine while nothing else runs:"
        f" {formats.duration(60 * least)} at least with {jobs} {'stage' if jobs == 1 else 'stages'} at a time"
    )
    if explain:
        _explain_here(plan, shapes, measured, assumed, estimates)


def _seconds(e: StageEstimate, measured: dict[str, tuple[Speed, Assumptions]]) -> float:
    speed = next((measured[n.key][0] for n in e.node.ancestors() if n.key in measured), None)
    return seconds_here(e.flow, speed) if speed else 0.0


def _thousands(estimates: Sequence[StageEstimate]) -> dict[str, str]:
    """The tokens of these stages together, in thousands."""
    flows = [e.flow for e in estimates]
    return {
        f"{name} k": _number(sum(getattr(flow, name) for flow in flows) / 1e3)
        for name in ("generated", "trained", "taught")
    }


def _explain_here(
    plan: Plan,
    shapes: dict[str, ModelShape],
    measured: dict[str, tuple[Speed, Assumptions]],
    assumed: Assumptions,
    estimates: Sequence[StageEstimate],
) -> None:
    print_text("An estimate: k are thousand tokens, minutes those of one process; loading and writing are not in them.")
    for key, folder in _students(plan).items():
        if key in measured:
            speed = measured[key][0]
            print_text(
                f"- measured just now with {Path(folder).name}, {shapes[key].parameters:,} weights, in {speed.threads}"
                f" thread{'s' * (speed.threads != 1)}: microseconds a token generated {1e6 * speed.generated:.0f},"
                f" read {1e6 * speed.read:.0f}, trained on {1e6 * speed.trained:.0f}"
            )
    constants = [f"{name} {value}" for name, value in assumed.rows() if name in _ASSUMED_HERE]
    print_text(f"- assumed: {', '.join(constants)}")
    _print_omissions(plan, estimates)


_ASSUMED_HERE = {
    "prompt_tokens",
    "trace_tokens",
    "fill",
    "completion_tokens",
    "simple",
    "medium",
    "hard",
    "mixed",
    "failed",
    "right",
    "adaptive",
    "steps",
}

# ----------------------------------------------------------------------------------------- on GPUs


def _print_for_gpus(plan: Plan, shapes: dict[str, ModelShape], missing: set[str], explain: bool) -> None:
    machines = [_machine(plan, gpus) for gpus in _GPUS]
    estimates = estimate(plan.nodes, shapes, machines)
    to_do = [e for e in estimates if e.node.key in missing]
    rows = [_head(e, missing) | _cells(e) | _for(plan, e) for e in estimates]
    print_listing([*rows, _sum_row(to_do)], as_json=False, spare=_SPARE)
    print_text(f"{len(plan.nodes)} stages into {plan.folder}")
    print_text(f"GPU-hours: {_gpu_hours(to_do)}")
    print_text(_LEGEND)
    if explain:
        _print_basis(plan, machines, shapes)
        _print_omissions(plan, estimates)


def _machine(plan: Plan, gpus: int) -> Machine:
    """So many GPUs of one machine, each with a process."""
    settings, engine = plan.profile.training, plan.profile.engine
    strategy = settings.strategy if gpus > 1 else "ddp"
    # vLLM in the training process is for one process.
    rollouts = "trainer" if gpus > 1 and engine.sampled_by == "vllm" else engine.sampled_by
    return Machine(gpus, settings.model_copy(update={"processes": gpus, "strategy": strategy}), engine.name, rollouts)


def _rollouts(machines: Sequence[Machine]) -> str:
    """What samples in a training, on one GPU and on several."""
    by = {"trainer": "the trainer's own sampler", "vllm": "vLLM", "server": "a vLLM server on other GPUs"}
    one, several = (by[machine.rollouts] for machine in machines)
    return one if one == several else f"{one} on one GPU, {several} on eight"


def _students(plan: Plan) -> dict[str, Path | str]:
    """Where the students are, by the keys of their nodes."""
    return {node.key: node.location for method in plan.methods for node in method.model.students()}


def _head(e: StageEstimate, missing: set[str]) -> dict[str, str]:
    state = "to do" if e.node.key in missing else "done"
    return {"state": state, "artefact": e.node.artefact, "stage": e.node.label}


def _for(plan: Plan, e: StageEstimate) -> dict[str, str]:
    return {"for": ", ".join(plan.execution.methods[e.node.key])}


def _cells(e: StageEstimate) -> dict[str, str]:
    cells = {name: _number(value(e)) for name, value in _TOKENS}
    for gpus, hours, gib in zip(_GPUS, e.hours or (0.0, 0.0), e.gib or (0.0, 0.0), strict=True):
        cells |= {f"h x{gpus}": _number(hours), f"GiB x{gpus}": _number(gib)}
    return cells


def _sum_row(to_do: Sequence[StageEstimate]) -> dict[str, str]:
    """Of what is to be done: the sum, and of memory the most."""
    row = {"state": "sum", "artefact": f"{len(to_do)} to do", "stage": ""}
    row |= {name: _number(sum(map(value, to_do))) for name, value in _TOKENS}
    for i, gpus in enumerate(_GPUS):
        row[f"h x{gpus}"] = _number(sum(e.hours[i] for e in to_do if e.hours))
        row[f"GiB x{gpus}"] = _number(max((e.gib[i] for e in to_do if e.gib), default=0.0))
    return row | {"for": ""}


def _gpu_hours(to_do: Sequence[StageEstimate]) -> str:
    """A training holds all GPUs, any other stage one."""
    sums = [
        sum(e.hours[i] * (gpus if e.flow.passes[0] else 1) for e in to_do if e.hours) for i, gpus in enumerate(_GPUS)
    ]
    return ", ".join(f"{_number(hours) or '0'} on {gpus}" for hours, gpus in zip(sums, _GPUS, strict=True))


def _number(value: float) -> str:
    """Two significant figures, as an estimate is no more precise; nothing for 0."""
    if not value:
        return ""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _print_basis(plan: Plan, machines: Sequence[Machine], shapes: dict[str, ModelShape]) -> None:
    training = plan.profile.training
    for shape in dict.fromkeys(shapes.values()):
        print_text(
            f"- model: {shape.parameters:,} weights; {shape.layers} layers, hidden {shape.hidden}, inner"
            f" {shape.intermediate}, {shape.heads} heads, {shape.kv_heads} of keys, vocabulary {shape.vocabulary:,}"
        )
    per_stage = "".join(
        f", {kind} {passes.accumulation}" for kind, passes in training.stages.items() if passes.accumulation
    )
    lora = f", adapters of rank {training.lora.rank}" if training.lora else ""
    print_text(
        f"- training: {machines[0].train_flops} N FLOPs a token, float32 states of 16 N bytes, {training.strategy},"
        f" {training.accumulation} passes a step{per_stage}{lora}; generation: 2 N FLOPs a token, a step as"
        f" long as reading weights and cache takes, or as its least; engine {plan.profile.engine.name}, in a training"
        f" {_rollouts(machines)}; a teacher's own work is not here"
    )
    print_text(f"- assumed: {', '.join(f'{name} {value}' for name, value in ASSUMED.rows())}")


def _print_omissions(plan: Plan, estimates: Sequence[StageEstimate]) -> None:
    if plan.profile.budget:
        print_text(f"- not considered: the budget of {plan.profile.budget:,} tokens a method, at which training stops")
    if unknown := dict.fromkeys(e.node.label for e in estimates if not e.flow.known):
        print_text(f"- not known what they cost: {', '.join(unknown)}")
