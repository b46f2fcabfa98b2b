"""The stages of a plan with what each will cost. How many rows each hands on is assumed, see `Assumptions`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from slmr.pipeline.estimate.hardware import ASSUMED, Assumptions, Call, Machine
from slmr.pipeline.estimate.measure import Speed
from slmr.pipeline.estimate.shapes import ModelShape
from slmr.pipeline.planner import StageNode

# Items of the public test sets; a task that is not here is taken by the profile's limit.
TEST_ITEMS = {"gsm8k_platinum": 1209, "svamp": 1000, "mawps": 2065, "math500": 500, "logiqa": 651}
_UNKNOWN_ITEMS, _TASK_TOKENS = 500, 512


@dataclass
class Flow:
    """What a stage does, in numbers.

    Attributes:
        rows: that it hands on.
        generated, trained, taught: tokens, as they will stand in its cost.
        scored: tokens that the student reads and does not learn from.
        calls: of the sampler, with how often; `engine` samples.
        copies: models beside the one that is trained, in float32: the first weights of a validation, a reference.
        passes: rows, tokens a row, and tokens of them with logits, of a step of training; 0 rows where there is none.
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
    """A stage's tokens, FLOPs, and on each machine the hours that it takes and the GiB that it holds at most."""

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
    """Each stage, in the order of the nodes.

    Args:
        nodes: inputs first.
        shapes: key of a student's node → its sizes; the stages of one that is not here get no hours.
        machines: to say hours and memory for.
    """
    flows: dict[str, Flow] = {}
    for node in nodes:
        flows[node.key] = _flow(node, flows, assumed)
    return [_costed(node, flows[node.key], _student(node, shapes), machines, assumed) for node in nodes]


def _student(node: StageNode, shapes: dict[str, ModelShape]) -> ModelShape | None:
    return next((shapes[n.key] for n in node.ancestors() if n.key in shapes), None)


def _costed(
    node: StageNode, flow: Flow, shape: ModelShape | None, machines: Sequence[Machine], a: Assumptions
) -> StageEstimate:
    if shape is None:
        return StageEstimate(node, flow, 0.0, (), ())
    machines = [replace(machine, training=machine.training.of(node.kind)) for machine in machines]
    flops = shape.parameters * (6 * flow.trained + 2 * (flow.generated + flow.scored))
    return StageEstimate(
        node, flow, flops, tuple(_hours(flow, shape, machine, a) for machine in machines),
        tuple(_gib(flow, shape, machine) for machine in machines),
    )  # fmt: skip


def seconds_here(flow: Flow, speed: Speed) -> float:
    """Of a stage on this machine's CPU. A teacher whose distribution is learnt from reads as fast as the student."""
    generated = sum(times * call.completions * call.mean for times, call in flow.calls)
    read = flow.scored + sum(
        times * call.completions * call.prompt / call.alike for times, call in flow.calls
    )
    if flow.passes[0]:
        read += flow.taught
    return generated * speed.generated + read * speed.read + flow.trained * speed.trained


def _hours(flow: Flow, shape: ModelShape, machine: Machine, a: Assumptions) -> float:
    """Only training is shared among GPUs, with what it samples on the way; other stages have one."""
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
    """At most; 0 for a stage without a model."""
    rows, length, written = flow.passes
    calls = [call for _, call in flow.calls]
    if rows:
        here = rows / machine.gpus / machine.training.accumulation
        states, busy = machine.states_bytes(shape), machine.pass_bytes(shape, here, length, written)
        sampling = machine.rollout_bytes(shape, calls)
        # vLLM keeps its share while the trainer goes on; our own sampler has given its cache back by then.
        beside = busy + sampling if machine.rollouts == "vllm" and calls else max(busy, sampling)
        return (states + 4 * flow.copies * shape.parameters + beside) / 2**30
    if not calls and not flow.scored:
        return 0.0
    weights = (2 if machine.engine == "vllm" else 4) * shape.parameters
    cache = [machine.cache_bytes(shape, c.completions, c.prompt + c.longest, machine.engine) for c in calls]
    return (weights + max(cache, default=0.0)) / 2**30


# ------------------------------------------------------------------- what each kind of stage does


def _flow(node: StageNode, flows: dict[str, Flow], a: Assumptions) -> Flow:
    given: dict[str, Any] = node.params.model_dump()

    def rows(name: str) -> float:
        return sum(flows[n.key].rows for n in node.inputs.get(name, ()) if n.key in flows)

    if node.kind == "sdpo":
        return _self_taught(_reinforced({"updates": 1, "beta": 0, **given}, a), a)
    if node.kind == "opsd":
        return _self_taught(_supervised({"on_policy": 1.0, **given}, rows("traces"), False, a), a)
    if "group_size" in given:
        return _reinforced(given, a)
    if "epochs" in given:
        return _supervised(given, rows("traces") + rows("pairs"), "pairs" in node.inputs, a)
    rule = _RULES.get(node.kind)
    return rule(given, rows, a) if rule else Flow(rows=rows("problems"), known=False)


Given = dict[str, Any]
Rows = Callable[[str], float]


def _call(completions: float, most: float, a: Assumptions, alike: float = 1.0) -> Call:
    mean = a.fill * most if a.completion_tokens is None else min(most, a.completion_tokens)
    return Call(completions, a.prompt_tokens, mean, most, alike)


def _sampled(completions: float, most: float, a: Assumptions, times: float = 1.0, alike: float = 1.0) -> Flow:
    """So many completions of at most `most` tokens, in one call; that `times` over."""
    call = _call(completions, most, a, alike)
    return Flow(generated=times * completions * call.mean, calls=[(times, call)] if completions else [])


def _validated(given: Given, steps: float, a: Assumptions) -> list[tuple[float, Call]]:
    every = given.get("validate_every")
    if not every:
        return []
    return [(1 + max(1.0, steps / every), _call(_HELD_OUT, given["max_tokens"], a))]


_HELD_OUT = 250  # problems, where a stage validates


def _supervised(given: Given, traces: float, paired: bool, a: Assumptions) -> Flow:
    length = a.prompt_tokens + a.trace_tokens
    seen = traces * given["epochs"] * given.get("share", 1.0)
    each = 2 if paired else 1  # both completions of a pair
    longest = given["max_length"]
    flow = Flow(trained=seen * each * length, passes=(each * given["batch_size"], longest, longest))
    flow.calls = _validated(given, seen / given["batch_size"], a)
    flow.copies = bool(flow.calls) + (paired or "on_policy" in given)
    if "on_policy" in given:
        drawn = _sampled(
            given["batch_size"], given["max_tokens"], a, given["on_policy"] * seen / given["batch_size"]
        )
        flow.generated, flow.taught, flow.calls = drawn.generated, flow.trained, flow.calls + drawn.calls
    if paired:
        flow.scored = flow.trained  # by the reference
    return flow


def _self_taught(flow: Flow, a: Assumptions) -> Flow:
    """No other model teaches: the student reads its completions again, after a solution."""
    flow.taught = 0.0
    flow.scored = flow.trained * (1 + a.trace_tokens / (a.prompt_tokens + a.trace_tokens))
    return flow


def _reinforced(given: Given, a: Assumptions) -> Flow:
    steps = max(1, round(given["steps"] * given["share"]))
    completions = given["prompts_per_step"] * given["group_size"]
    flow = _sampled(completions, given["max_tokens"], a, steps, given["group_size"])
    flow.trained = steps * completions * a.prompt_tokens + flow.generated
    rows = completions / given["updates"]
    flow.passes = (rows, a.prompt_tokens + given["max_tokens"], given["max_tokens"])
    validations = _validated(given, steps, a)
    flow.calls += validations
    flow.copies = bool(validations) + bool(given["beta"])
    return flow


def _probe(given: Given, rows: Rows, a: Assumptions) -> Flow:
    asked = rows("problems") * given["k"] * (1.0 if given["adaptive"] == "off" else a.adaptive)
    flow = _sampled(asked, given["max_tokens"], a, alike=given["k"])
    flow.rows = rows("problems")
    return flow


def _share(given: Given, a: Assumptions) -> float:
    groups = given.get("groups")
    return sum(getattr(a, group) for group in groups) if groups else 1.0


def _teacher(given: Given, rows: Rows, a: Assumptions) -> Flow:
    found = rows("problems") * _share(given, a)
    return Flow(rows=found, taught=found * a.trace_tokens)


def _bridge(given: Given, rows: Rows, a: Assumptions) -> Flow:
    hard, rewrites = rows("problems") * _share(given, a), given["rewrites"]
    begun = hard * a.steps * given["continuations"] if "own continuation" in rewrites else 0.0
    flow = _sampled(begun, given["max_tokens"], a)
    taught = 1 + sum(
        not name.startswith("own c") for name in rewrites
    )  # the raw trace, and what is not the student's
    candidates = 1 + min(len(rewrites), given["candidates"])
    flow.rows, flow.taught = hard, hard * taught * a.trace_tokens
    flow.scored = hard * candidates * (a.prompt_tokens + a.trace_tokens)
    return flow


def _critique(given: Given, rows: Rows, a: Assumptions) -> Flow:
    cases = rows("problems") * a.failed * given["attempts"]
    made = cases * (given["diag"] + given["repair"] + given["new"])
    return Flow(rows=made + rows("earlier"), taught=made * a.trace_tokens)


def _own_correct(given: Given, rows: Rows, a: Assumptions) -> Flow:
    each = min(given["per_problem"], _RIGHT_OF_A_PROBE)
    return Flow(rows=rows("problems") * a.right * _share(given, a) * given["share"] * each)


def _full_critique(given: Given, rows: Rows, a: Assumptions) -> Flow:
    cases = rows("problems") * (a.failed + a.right) * given["attempts"]
    return Flow(rows=cases, taught=cases * a.trace_tokens)


def _rationalize(given: Given, rows: Rows, a: Assumptions) -> Flow:
    flow = _sampled(rows("problems") * a.failed * given["tries"], given["max_tokens"], a)
    flow.rows = rows("problems") * a.failed * a.right
    return flow


def _evaluate(given: Given, _: Rows, a: Assumptions) -> Flow:
    flow = Flow()
    for task in given["tasks"]:
        items = min(TEST_ITEMS.get(task, given["limit"] or _UNKNOWN_ITEMS), given["limit"] or 10**9)
        part = _sampled(items * given["k"], given["max_tokens"] or _TASK_TOKENS, a, alike=given["k"])
        flow.generated += part.generated
        flow.calls += part.calls
    return flow


def _handed_on(name: str, share: str | None, given: Given, rows: Rows, a: Assumptions) -> Flow:
    """A stage that chooses among rows and asks no model."""
    each = min(given.get("per_problem", 1), _DISTINCT)
    return Flow(rows=rows(name) * (getattr(a, share) if share else 1.0) * each)


_RIGHT_OF_A_PROBE = 6  # right completions of a problem that has any, about, of the usual eight
_DISTINCT = 4  # of them that differ, about


_RULES: dict[str, Callable[[Given, Rows, Assumptions], Flow]] = {
    "pool": lambda given, rows, a: Flow(rows=given["size"]),
    "probe": _probe, "teacher": _teacher, "bridge": _bridge, "critique": _critique,
    "full_critique": _full_critique, "distinct": partial(_handed_on, "traces", None), "rationalize": _rationalize,
    "evaluate": _evaluate, "partition": partial(_handed_on, "probe", None), "mix": partial(_handed_on, "strong", None),
    "consolidate": partial(_handed_on, "problems", "mixed"), "own_correct": _own_correct,
    "more": partial(_handed_on, "like", None), "own_pairs": partial(_handed_on, "problems", "mixed"),
    "reference": lambda given, rows, a: Flow(),
}  # fmt: skip
