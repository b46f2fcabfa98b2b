"""The page of one run."""

from __future__ import annotations

from tests.leaderboard.conftest import Draw

LLAMA = {"students": ("lab-llama",)}


def test_the_stages_are_a_graph_and_the_command_is_shown(draw: Draw) -> None:
    app = draw("run", **LLAMA, query={"method": "stagewise"})
    assert app.code[0].value == "slmr bench --method stagewise"
    graph = app.get("graphviz_chart")[0].proto.spec
    assert '"a" -> "c"' in graph and 'pool \\"1\\"' in graph and "2 k tokens" in graph
