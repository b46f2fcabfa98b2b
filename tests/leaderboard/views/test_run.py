"""The page of one run."""

from __future__ import annotations

from tests.leaderboard.conftest import Draw

LLAMA = {"students": ("lab-llama",)}


def test_the_stages_are_a_list_and_a_graph_when_asked_for(draw: Draw) -> None:
    app = draw("run", **LLAMA, query={"method": "stagewise"})
    assert app.code[0].value == "slmr bench --method stagewise"
    (listed,) = [m.value for m in app.markdown if m.value.startswith("1. ")]
    assert listed.splitlines()[-1] == '1. **probe**: from student, pool "1"; 2 k tokens; 1 s'
    assert not app.get("graphviz_chart")
    app.toggle(key="graph").set_value(True).run()
    graph = app.get("graphviz_chart")[0].proto.spec
    assert '"a" -> "c"' in graph and 'pool \\"1\\"' in graph and "2 k tokens" in graph
