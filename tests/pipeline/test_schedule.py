"""Which stage is next: inputs before what needs them, starters, then the longest chain; and its simulation."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import schedule as simulation
from slmr.pipeline.bench import BenchRequest, Plan, make_plan
from slmr.pipeline.planner import StageNode
from slmr.pipeline.recipe import stages
from slmr.pipeline.schedule import Schedule, longest_chains, longest_first, rough_seconds, starters_first
from tests.pipeline.test_bench import PROFILE


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(BenchRequest("all", "lab-quick"))


def inputs_come_first(order: list[StageNode], plan: Plan) -> bool:
    position = {node.key: i for i, node in enumerate(order)}
    assert sorted(position) == sorted(node.key for node in plan.nodes)
    return all(
        position[source.key] < position[node.key] for node in order for source in node.sources if source.key in position
    )


def test_the_longest_chain_begins_first_and_inputs_come_before_what_needs_them(plan: Plan) -> None:
    order = longest_first(plan.nodes)
    assert inputs_come_first(order, plan)
    trainings = [node for node in order if node.stage.trains]
    assert any(name.startswith("stagewise") for name in plan.execution.methods[trainings[0].key])


def test_starters_are_made_before_all_others(plan: Plan) -> None:
    starters = {n.key for m in plan.methods if "starter" in m.recipe.groups for n in m.evaluation.stages()}
    for order in (longest_first(plan.nodes, starters), starters_first(plan.nodes, starters)):
        assert inputs_come_first(order, plan)
        assert [node.key in starters for node in order] == [True] * len(starters) + [False] * (
            len(order) - len(starters)
        )


def node(name: str, *sources: StageNode) -> StageNode:
    kind = stages()["consolidate"]
    return StageNode(name, name, kind, kind.params(), {"all": sources}, 0)


def diamond() -> list[StageNode]:
    """a → b, c → d, and e by itself."""
    a = node("a")
    b, c = node("b", a), node("c", a)
    return [a, b, c, node("d", b, c), node("e")]


def test_a_stage_is_ready_when_its_inputs_are_there() -> None:
    a, b, c, d, e = nodes = diamond()
    schedule = Schedule(nodes)

    def started() -> list[str]:
        names = []
        while found := schedule.next():
            schedule.start(found)
            names.append(found.key)
        return names

    assert started() == ["a", "e"]
    schedule.finish([e])
    assert started() == []
    schedule.finish([a])
    assert started() == ["b", "c"]
    schedule.finish([b])
    assert started() == [] and schedule
    schedule.finish([c])
    assert started() == ["d"]
    schedule.finish([d])
    assert not schedule


def test_an_input_that_is_there_already_is_not_waited_for() -> None:
    a, b, *_ = diamond()
    assert Schedule([b]).next() is b
    with pytest.raises(ValueError, match="b is not the next stage"):
        Schedule([a, b]).start(b)


def test_a_chain_is_as_long_as_its_stages_and_no_longer() -> None:
    minutes = {"a": 1.0, "b": 2.0, "c": 5.0, "d": 1.0, "e": 3.0}
    nodes = diamond()
    chains = longest_chains(nodes, lambda node: minutes[node.key])
    assert chains == {"a": 7, "b": 3, "c": 6, "d": 1, "e": 3}
    assert longest_chains([nodes[1]], lambda node: minutes[node.key]) == {"b": 2}


def test_the_simulations_arithmetic_on_a_graph_made_by_hand() -> None:
    nodes, seconds = diamond(), {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0, "e": 5.0}
    assert simulation.critical_path(nodes, seconds) == 1 + 3 + 4
    one = simulation.ends(nodes, seconds, 1)
    assert one == {"a": 1, "b": 3, "c": 6, "d": 10, "e": 15}
    # Two workers: a and e begin; b follows a at 1, c follows b at 3, d waits for c.
    two = simulation.ends(nodes, seconds, 2)
    assert two == {"a": 1, "b": 3, "e": 5, "c": 6, "d": 10}
    assert simulation.ends(nodes, seconds, 3) == {"a": 1, "b": 3, "c": 4, "e": 5, "d": 8}


def test_sixteen_processes_are_at_least_six_times_as_fast_as_one() -> None:
    nodes, seconds = simulation.graph(Path(__file__).parents[2] / "results" / "archive" / "lab")
    span = max(simulation.ends(longest_first(nodes), seconds, 16).values())
    assert sum(seconds.values()) / span >= simulation.AT_LEAST


def test_the_time_of_a_stage_grows_with_the_pool_and_with_the_completions(tmp_path: Path) -> None:
    def rough(change: str, to: str) -> dict[str, float]:
        (tmp_path / "tiny.yaml").write_text(PROFILE.format(extra="").replace(change, to))
        nodes = make_plan(BenchRequest("sft_grpo", str(tmp_path / "tiny.yaml"), out=tmp_path)).nodes
        return {node.kind: rough_seconds(node) for node in nodes}

    usual = rough("", "")
    assert rough("size: 16", "size: 48")["sft"] == pytest.approx(3 * usual["sft"])
    assert rough("size: 16", "size: 48")["grpo"] == usual["grpo"]
    assert rough("group_size: 4", "group_size: 8")["grpo"] == pytest.approx(2 * usual["grpo"])
