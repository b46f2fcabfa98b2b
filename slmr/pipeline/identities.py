"""Identifies what a plan depends on outside of it: students, the tasks' data, teachers."""

from __future__ import annotations

from collections.abc import Sequence

from slmr.config import Params
from slmr.engines.models import Model, Say, check_on_hub, is_on_hand, resolve_model
from slmr.errors import RequestError, SlmrError
from slmr.io import digest
from slmr.tasks import Task


class Identities:
    """For a plan that is executed: raises RequestError if anything is missing."""

    def student(self, name: str, known: Sequence[str], say: Say) -> Model:
        """The student of this name, converted if necessary; `known` are the profile's."""
        model = resolve_model(name, say)
        if model.kind == "server":
            raise RequestError(f"{name}: a bench trains, so it needs the model's files; for a server use `slmr eval`")
        return model

    def task_digest(self, task: Task) -> str:
        return task.digest

    def params(self, params: Params) -> Params:
        """The parameters with the digests of the models and tasks that they name."""
        return params.identified()


class IdentitiesOnHand(Identities):
    """For a plan that is only displayed: downloads nothing, and lists what this machine lacks in `missing`.

    The key of a stage that depends on something missing is not that of the real stage.
    """

    def __init__(self) -> None:
        self.missing: list[str] = []
        self._silent_teachers: set[str] = set()

    def student(self, name: str, known: Sequence[str], say: Say) -> Model:
        """As the parent's, but a student that is only on the hub is represented by its name.

        Raises:
            RequestError: there is no such model; one that is not `known` must be confirmed by the hub.
        """
        if is_on_hand(name):
            return super().student(name, known, say)
        if name not in known:
            check_on_hub(name)
        self.missing.append(
            f"student {name}: its files are not here; a bench fetches them from the hub (a model behind a licence needs"
            " HF_TOKEN), or name a folder with --student"
        )
        return Model(name, "hub", name, digest({"not here": name}))

    def task_digest(self, task: Task) -> str:
        """Empty if the task's data is missing."""
        try:
            return task.digest
        except RequestError as error:
            self.missing.append(str(error))
            return ""

    def params(self, params: Params) -> Params:
        """Without digests if something is missing; a teacher that did not answer is not asked again."""
        teacher = digest({k: v for k, v in params.model_dump(mode="json").items() if k.startswith("teacher")})
        if teacher in self._silent_teachers:
            return params
        try:
            return params.identified()
        except SlmrError as error:
            self._silent_teachers.add(teacher)
            if str(error) not in self.missing:
                self.missing.append(str(error))
            return params
