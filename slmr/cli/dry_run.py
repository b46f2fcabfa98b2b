"""`slmr bench --dry-run`: the stages of a plan, what each will cost, and what is missing here for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from slmr.artifacts import Store
from slmr.cli.options import print_listing
from slmr.pipeline.bench import Plan
from slmr.pipeline.doctor import lacking_for
from slmr.pipeline.estimate import ASSUMED, Machine, ModelShape, StageEstimate, estimate, shape_of
from slmr.pipeline.runner import missing_nodes

_GPUS = (1, 8)
_LEGEND = """An estimate: M are million tokens, h x8 the hours on eight H100, GiB what each holds at most; a training
is shared by all GPUs, any other stage has one; stages that do not need each other can run side by side."""
_TOKENS: tuple[tuple[str, Callable[[StageEstimate], float]], ...] = (
    ("generated M", lambda e: e.flow.generated / 1e6),
    ("trained M", lambda e: e.flow.trained / 1e6),
    ("taught M", lambda e: e.flow.taught / 1e6),
    ("PFLOP", lambda e: e.flops / 1e15),
)


def print_plan(plan: Plan, lacking: Sequence[str]) -> None:
    """A line a stage and their sum, with the assumptions, and what is missing, each with how to get it."""
    missing = {node.key for node in missing_nodes(Store(plan.folder / "artefacts"), plan.nodes)}
    machines, shapes = [_machine(plan, gpus) for gpus in _GPUS], _shapes(plan)
    estimates = estimate(plan.nodes, shapes, machines)
    to_do = [e for e in estimates if e.node.key in missing]
    rows = [_row(plan, e, "to do" if e.node.key in missing else "done") for e in estimates]
    print_listing([*rows, _sum_row(to_do)], as_json=False)
    print(f"{len(plan.nodes)} stages into {plan.folder}")
    _print_basis(plan, machines, shapes, [e.node.label for e in estimates if not e.flow.known])
    faults = [*lacking, *lacking_for(plan.profile, plan.tasks)]
    print("Missing here" if faults else "Missing here: nothing")
    for fault in faults:
        print(f"- {fault}")


def _machine(plan: Plan, gpus: int) -> Machine:
    """So many GPUs of one machine, each with a process."""
    settings, engine = plan.profile.training, plan.profile.engine
    strategy = settings.strategy if gpus > 1 else "ddp"
    # vLLM in the training process is for one process.
    rollouts = "trainer" if gpus > 1 and engine.sampled_by == "vllm" else engine.sampled_by
    return Machine(
        gpus, settings.model_copy(update={"processes": gpus, "strategy": strategy}), engine.name, rollouts
    )


def _rollouts(machines: Sequence[Machine]) -> str:
    """What samples in a training, on one GPU and on several."""
    by = {"trainer": "the trainer's own sampler", "vllm": "vLLM", "server": "a vLLM server on other GPUs"}
    one, several = (by[machine.rollouts] for machine in machines)
    return one if one == several else f"{one} on one GPU, {several} on eight"


def _shapes(plan: Plan) -> dict[str, ModelShape]:
    """The students' sizes, by the keys of their nodes."""
    students = {node.key: node.location for entry in plan.entries for node in entry.model.students()}
    shapes = {key: shape_of(location) for key, location in students.items()}
    return {key: shape for key, shape in shapes.items() if shape}


def _row(plan: Plan, e: StageEstimate, state: str) -> dict[str, str]:
    head = {"state": state, "artefact": e.node.artefact, "stage": e.node.label}
    return head | _cells(e) | {"for": f"for {', '.join(plan.methods[e.node.key])}"}


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
    return row | {"for": f"GPU-hours: {_gpu_hours(to_do)}"}


def _gpu_hours(to_do: Sequence[StageEstimate]) -> str:
    """A training holds all GPUs, any other stage one."""
    sums = [
        sum(e.hours[i] * (gpus if e.flow.passes[0] else 1) for e in to_do if e.hours)
        for i, gpus in enumerate(_GPUS)
    ]
    return ", ".join(f"{_number(hours) or '0'} on {gpus}" for hours, gpus in zip(sums, _GPUS, strict=True))


def _number(value: float) -> str:
    """Two figures, as nobody knows more; nothing for 0."""
    if not value:
        return ""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _print_basis(
    plan: Plan, machines: Sequence[Machine], shapes: dict[str, ModelShape], unknown: Sequence[str]
) -> None:
    training = plan.profile.training
    print(_LEGEND)
    for shape in dict.fromkeys(shapes.values()):
        print(
            f"- model: {shape.parameters:,} weights; {shape.layers} layers, hidden {shape.hidden}, inner"
            f" {shape.intermediate}, {shape.heads} heads, {shape.kv_heads} of keys, vocabulary {shape.vocabulary:,}"
        )
    per_stage = "".join(
        f", {kind} {passes.accumulation}" for kind, passes in training.stages.items() if passes.accumulation
    )
    lora = f", adapters of rank {training.lora.rank}" if training.lora else ""
    print(
        f"- training: {machines[0].train_flops} N FLOPs a token, float32 states of 16 N bytes, {training.strategy},"
        f" {training.accumulation} passes a step{per_stage}{lora}; generation: 2 N FLOPs a token, a step as"
        f" long as reading weights and cache takes, or as its least; engine {plan.profile.engine.name}, in a training"
        f" {_rollouts(machines)}; a teacher's own work is not here"
    )
    print(f"- assumed: {', '.join(f'{name} {value}' for name, value in ASSUMED.rows())}")
    if plan.profile.budget:
        print(f"- not heeded: the budget of {plan.profile.budget:,} tokens a method, at which training stops")
    if unknown:
        print(f"- not known what they cost: {', '.join(dict.fromkeys(unknown))}")
