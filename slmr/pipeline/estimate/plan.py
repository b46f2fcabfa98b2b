"""Estimates the cost of each stage of a plan. The numbers of rows between stages are assumed, see `Assumptions`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from slmr.curriculum.bridge import SELF_GENERATED
from slmr.pipeline.estimate.hardware import ASSUMED, Assumptions, Call, Machine
from slmr.pipeline.estimate.measure import Speed
from slmr.pipeline.estimate.shapes import ModelShape
from slmr.pipeline.planner import StageNode
from slmr.training.dpo import DpoParams
from slmr.training.gkd import GkdParams
from slmr.training.grpo import GrpoParams, RolloutParams
from slmr.training.opsd import OpsdParams
from slmr.training.sdpo import SdpoParams
from slmr.training.sft import TraceParams
from slmr.training.supervised import SupervisedParams
from slmr.training.validation import ValidationParams

# Items of the public test sets; for other tasks the profile's limit counts.
TEST_ITEMS = {"gsm8k_platinum": 1209, "svamp": 1000, "mawps": 2065, "math500": 500, "logiqa": 651}
_UNKNOWN_ITEMS, _TASK_TOKENS = 500, 512


@dataclass
class Flow:
    """A stage's work in numbers.

    Attributes:
        rows: rows that it writes.
        generated, trained, taught: tokens, as in its cost.
        scored: tokens that the student reads without learning from them.
        calls: (number of calls, call) of the sampler.
        copies: float32 models besides the one being trained: the best weights for validation, a reference.
        passes: a training step's rows, tokens per row, and tokens with logits per row; 0 rows without training.
        known: whether there is a rule for this kind of stage.
    """

    rows: float = 0.0
    generated: float = 0.0
    trained: float = 0.0
    taught: float = 0.0
    scored: float = 0.0
    calls: list[tuple[float, Call]] = field(default_factory=list)
    copies: int = 0
    passes: tuple[float, float, float] = (0.0, 0.0, 0.0)
    known: bool = True


@dataclass(frozen=True)
class StageEstimate:
    """A stage's tokens and FLOPs, and its hours and peak memory in GiB on each machine."""

    node: StageNode
    flow: Flow
    flops: float
    hours: tuple[float, ...]
    gib: tuple[float, ...]


def estimate(
    nodes: Sequence[StageNode],
    shapes: dict[str, ModelShape],
    machines: Sequence[Machine],
    assumed: Assumptions = ASSUMED,
) -> list[StageEstimate]:
    """Estimates each stage, in the order of the nodes.

    Args:
        nodes: inputs first.
        shapes: key of a student's node → its shape; the stages of a student without a shape get no hours.
        machines: the machines to estimate hours and memory for.
        assumed: the assumptions about completions and the numbers of rows.
    """
    flows: dict[str, Flow] = {}
    for node in nodes:
        flows[node.key] = _flow(node, flows, assumed)
    return [_estimate(node, flows[node.key], _student(node, shapes), machines, assumed) for node in nodes]


def _student(node: StageNode, shapes: dict[str, ModelShape]) -> ModelShape | None:
    return next((shapes[n.key] for n in node.ancestors() if n.key in shapes), None)


def _estimate(
    node: StageNode, flow: Flow, shape: ModelShape | None, machines: Sequence[Machine], assumed: Assumptions
) -> StageEstimate:
    if shape is None:
        return StageEstimate(node, flow, 0.0, (), ())
    machines = [replace(machine, training=machine.training.for_stage(node.kind)) for machine in machines]
    flops = shape.parameters * (6 * flow.trained + 2 * (flow.generated + flow.scored))
    return StageEstimate(
        node,
        flow,
        flops,
        tuple(_hours(flow, shape, machine, assumed) for machine in machines),
        tuple(_gib(flow, shape, machine) for machine in machines),
    )


def seconds_here(flow: Flow, speed: Speed) -> float:
    """Seconds of a stage on this machine's CPU. A distillation teacher is taken to read as fast as the student."""
    generated = sum(times * call.completions * call.mean for times, call in flow.calls)
    read = flow.scored + sum(times * call.completions * call.prompt / call.alike for times, call in flow.calls)
    if flow.passes[0]:
        read += flow.taught
    return generated * speed.generated + read * speed.read + flow.trained * speed.trained


def _hours(flow: Flow, shape: ModelShape, machine: Machine, assumed: Assumptions) -> float:
    """Hours of a stage. Training and its rollouts use all GPUs; other stages use one."""
    trains = flow.passes[0] > 0
    gpus = machine.gpus if trains else 1
    inside = "transformers" if machine.rollouts == "trainer" else "vllm"
    engine = inside if trains else machine.engine
    seconds = machine.train_s(shape, flow.trained) + machine.prefill_s(shape, flow.scored, gpus)
    for times, call in flow.calls:
        prompts = machine.prefill_s(shape, call.completions * call.prompt, gpus)
        seconds += times * (prompts + machine.decode_s(shape, call, engine, gpus))
    return seconds / 3600


def _gib(flow: Flow, shape: ModelShape, machine: Machine) -> float:
    """Peak memory in GiB; 0 for a stage without a model."""
    rows, length, written = flow.passes
    calls = [call for _, call in flow.calls]
    if rows:
        rows_per_pass = rows / machine.gpus / machine.training.accumulation
        states = machine.states_bytes(shape)
        training = machine.pass_bytes(shape, rows_per_pass, length, written)
        sampling = machine.rollout_bytes(shape, calls)
        # vLLM keeps its share during the training step; our own sampler has released its cache by then.
        working = training + sampling if machine.rollouts == "vllm" and calls else max(training, sampling)
        return (states + 4 * flow.copies * shape.parameters + working) / 2**30
    if not calls and not flow.scored:
        return 0.0
    weights = (2 if machine.engine == "vllm" else 4) * shape.parameters
    cache = [machine.cache_bytes(shape, c.completions, c.prompt + c.longest, machine.engine) for c in calls]
    return (weights + max(cache, default=0.0)) / 2**30


# --- rules for each kind of stage ----------------------------------------------------------------


def _flow(node: StageNode, flows: dict[str, Flow], assumed: Assumptions) -> Flow:
    params = node.params

    def rows(name: str) -> float:
        return sum(flows[n.key].rows for n in node.inputs.get(name, ()) if n.key in flows)

    if isinstance(params, RolloutParams):
        flow = _rl_flow(params, assumed)
        return _self_distilled(flow, assumed) if isinstance(params, SdpoParams) else flow
    if isinstance(params, SupervisedParams):
        flow = _supervised_flow(params, rows("traces") + rows("pairs"), assumed)
        return _self_distilled(flow, assumed) if isinstance(params, OpsdParams) else flow
    rule = _RULES.get(node.kind)
    return rule(params.model_dump(), rows, assumed) if rule else Flow(rows=rows("problems"), known=False)


Given = dict[str, Any]
Rows = Callable[[str], float]


def _call(completions: float, most: float, assumed: Assumptions, alike: float = 1.0) -> Call:
    mean = assumed.fill * most if assumed.completion_tokens is None else min(most, assumed.completion_tokens)
    return Call(completions, assumed.prompt_tokens, mean, most, alike)


def _sampling(completions: float, most: float, assumed: Assumptions, times: float = 1.0, alike: float = 1.0) -> Flow:
    """`times` calls, each of `completions` completions of at most `most` tokens."""
    call = _call(completions, most, assumed, alike)
    return Flow(generated=times * completions * call.mean, calls=[(times, call)] if completions else [])


def _validations(params: ValidationParams, steps: float, assumed: Assumptions) -> list[tuple[float, Call]]:
    if not params.validate_every:
        return []
    times = 1 + max(1.0, steps / params.validate_every)
    return [(times, _call(_HELD_OUT, params.max_tokens, assumed))]


_HELD_OUT = 250  # validation problems, if a stage validates


def _supervised_flow(params: SupervisedParams, traces: float, assumed: Assumptions) -> Flow:
    paired = isinstance(params, DpoParams)
    on_policy = params.on_policy if isinstance(params, GkdParams) else 1.0 if isinstance(params, OpsdParams) else None
    length = assumed.prompt_tokens + assumed.trace_tokens
    seen = traces * params.epochs * (params.share if isinstance(params, TraceParams) else 1.0)
    each = 2 if paired else 1  # both completions of a pair
    flow = Flow(trained=seen * each * length)
    flow.passes = (each * params.batch_size, params.max_length, params.max_length)
    flow.calls = _validations(params, seen / params.batch_size, assumed)
    flow.copies = bool(flow.calls) + (paired or on_policy is not None)
    if on_policy is not None:
        batches = on_policy * seen / params.batch_size
        sampling = _sampling(params.batch_size, params.max_tokens, assumed, batches)
        flow.generated, flow.taught, flow.calls = sampling.generated, flow.trained, flow.calls + sampling.calls
    if paired:
        flow.scored = flow.trained  # by the reference
    return flow


def _self_distilled(flow: Flow, assumed: Assumptions) -> Flow:
    """The student is its own teacher: it reads its completions again, after a solution."""
    flow.taught = 0.0
    flow.scored = flow.trained * (1 + assumed.trace_tokens / (assumed.prompt_tokens + assumed.trace_tokens))
    return flow


def _rl_flow(params: RolloutParams, assumed: Assumptions) -> Flow:
    updates, beta = (params.updates, params.beta) if isinstance(params, GrpoParams) else (1, 0.0)
    steps, completions = params.steps_taken, params.completions
    flow = _sampling(completions, params.max_tokens, assumed, steps, params.group_size)
    flow.trained = steps * completions * assumed.prompt_tokens + flow.generated
    flow.passes = (completions / updates, assumed.prompt_tokens + params.max_tokens, params.max_tokens)
    validations = _validations(params, steps, assumed)
    flow.calls += validations
    flow.copies = bool(validations) + bool(beta)
    return flow


def _probe(given: Given, rows: Rows, assumed: Assumptions) -> Flow:
    completions = rows("problems") * given["k"] * (1.0 if given["adaptive"] == "off" else assumed.adaptive)
    flow = _sampling(completions, given["max_tokens"], assumed, alike=given["k"])
    flow.rows = rows("problems")
    return flow


def _share(given: Given, assumed: Assumptions) -> float:
    groups = given.get("groups")
    return sum(getattr(assumed, group) for group in groups) if groups else 1.0


def _teacher(given: Given, rows: Rows, assumed: Assumptions) -> Flow:
    traces = rows("problems") * _share(given, assumed)
    return Flow(rows=traces, taught=traces * assumed.trace_tokens)


def _bridge(given: Given, rows: Rows, assumed: Assumptions) -> Flow:
    hard, rewrites = rows("problems") * _share(given, assumed), given["rewrites"]
    begun = hard * assumed.steps * given["continuations"] if "own continuation" in rewrites else 0.0
    flow = _sampling(begun, given["max_tokens"], assumed)
    # The raw trace, and the rewrites by the teacher.
    taught = 1 + sum(name not in SELF_GENERATED for name in rewrites)
    candidates = 1 + min(len(rewrites), given["candidates"])
    flow.rows, flow.taught = hard, hard * taught * assumed.trace_tokens
    flow.scored = hard * candidates * (assumed.prompt_tokens + assumed.trace_tokens)
    return flow


def _critique(given: Given, rows: Rows, assumed: Assumptions) -> Flow:
    cases = rows("problems") * assumed.failed * given["attempts"]
    traces = cases * (given["diag"] + given["repair"] + given["new"])
    return Flow(rows=traces + rows("earlier"), taught=traces * assumed.trace_tokens)


def _own_correct(given: Given, rows: Rows, assumed: Assumptions) -> Flow:
    each = min(given["per_problem"], _RIGHT_OF_A_PROBE)
    return Flow(rows=rows("problems") * assumed.right * _share(given, assumed) * given["share"] * each)


def _full_critique(given: Given, rows: Rows, assumed: Assumptions) -> Flow:
    cases = rows("problems") * (assumed.failed + assumed.right) * given["attempts"]
    return Flow(rows=cases, taught=cases * assumed.trace_tokens)


def _rationalize(given: Given, rows: Rows, assumed: Assumptions) -> Flow:
    flow = _sampling(rows("problems") * assumed.failed * given["tries"], given["max_tokens"], assumed)
    flow.rows = rows("problems") * assumed.failed * assumed.right
    return flow


def _evaluate(given: Given, _: Rows, assumed: Assumptions) -> Flow:
    flow = Flow()
    for task in given["tasks"]:
        items = min(TEST_ITEMS.get(task, given["limit"] or _UNKNOWN_ITEMS), given["limit"] or 10**9)
        part = _sampling(items * given["k"], given["max_tokens"] or _TASK_TOKENS, assumed, alike=given["k"])
        flow.generated += part.generated
        flow.calls += part.calls
    return flow


def _selection(name: str, share: str | None, given: Given, rows: Rows, assumed: Assumptions) -> Flow:
    """A stage that selects rows without a model."""
    each = min(given.get("per_problem", 1), _DISTINCT)
    return Flow(rows=rows(name) * (getattr(assumed, share) if share else 1.0) * each)


_RIGHT_OF_A_PROBE = 6  # typical number of right completions, of eight, for a problem that has any
_DISTINCT = 4  # typical number of different ones among them


_RULES: dict[str, Callable[[Given, Rows, Assumptions], Flow]] = {
    "pool": lambda given, rows, assumed: Flow(rows=given["size"]),
    "probe": _probe,
    "teacher": _teacher,
    "bridge": _bridge,
    "critique": _critique,
    "full_critique": _full_critique,
    "distinct": partial(_selection, "traces", None),
    "rationalize": _rationalize,
    "evaluate": _evaluate,
    "partition": partial(_selection, "probe", None),
    "mix": partial(_selection, "strong", None),
    "consolidate": partial(_selection, "problems", "mixed"),
    "own_correct": _own_correct,
    "more": partial(_selection, "like", None),
    "own_pairs": partial(_selection, "problems", "mixed"),
    "reference": lambda given, rows, assumed: Flow(),
}
