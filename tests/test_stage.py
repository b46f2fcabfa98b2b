"""A kind of stage: registered once, its parameters checked, its inputs found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import Field

from slmr import stage as stages
from slmr.config import EngineSettings, Params
from slmr.errors import RequestError
from slmr.stage import StageContext, model_in, registered, stage


class Settings(Params):
    size: int = Field(default=1, ge=1)


@pytest.fixture(autouse=True)
def no_stage_stays(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(stages, "_STAGES", {})
    yield


def context(**inputs: list[Path | str]) -> StageContext:
    return StageContext(Path("folder"), inputs, 0, EngineSettings(), lambda done, total, unit: None)


def test_a_stage_is_registered_under_its_name_once() -> None:
    @stage("own", Settings, {"model": "one"}, random=True, version=3)
    def run(context: StageContext, params: Settings) -> None: ...

    kind = registered()["own"]
    assert (kind.name, kind.run, kind.random, kind.uses_engine, kind.version) == ("own", run, True, False, 3)
    with pytest.raises(RequestError, match="stage 'own' is defined twice"):
        stage("own", Settings, {}, random=False)(run)


def test_what_a_stage_does_is_said_and_not_guessed() -> None:
    stage("a", Settings, {}, random=True, trains=True, samples=True)(lambda context, params: None)
    stage("b", Settings, {}, random=True)(lambda context, params: None)
    a, b = registered()["a"], registered()["b"]
    assert (a.trains, a.samples, b.trains, b.samples) == (True, True, False, False)


def test_parameters_are_checked_with_their_place() -> None:
    stage("a", Settings, {}, random=False)(lambda context, params: None)
    kind = registered()["a"]
    assert kind.parse({"size": 2}, "mine.yaml: a") == Settings(size=2)
    with pytest.raises(RequestError, match=r"^mine.yaml: a: unknown parameter 'sise'; did you mean 'size'"):
        kind.parse({"sise": 2}, "mine.yaml: a")
    with pytest.raises(RequestError, match=r"^mine.yaml: a: size = 0: it should be greater"):
        kind.parse({"size": 0}, "mine.yaml: a")


def test_inputs_are_folders_and_a_model_is_in_its_artefact(tmp_path: Path) -> None:
    (tmp_path / "trained" / "model").mkdir(parents=True)
    trained, plain = tmp_path / "trained", tmp_path / "plain"
    given = context(model=[trained], many=[trained, plain])
    assert given.input("model") == trained and given.folders("many") == [trained, plain]
    assert given.model("model") == given.sampled_model("model") == trained / "model"
    assert model_in(plain) == plain


def test_a_servers_model_can_be_sampled_and_nothing_else() -> None:
    given = context(model=["http://127.0.0.1:8000/v1"])
    assert given.sampled_model("model") == "http://127.0.0.1:8000/v1"
    with pytest.raises(RequestError, match="can be evaluated and probed, not trained"):
        given.model("model")
