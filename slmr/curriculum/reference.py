"""A ready-made model as a method's result: a reference for comparison that is not trained here."""

from __future__ import annotations

import shutil
from pathlib import Path

from slmr.config import Params
from slmr.engines.models import resolve_model
from slmr.stage import StageContext, model_in, stage


class ReferenceParams(Params):
    """`model`: as for `slmr eval`, with files on this machine; `key`: its content key, filled in by the planner."""

    model: str
    key: str = ""

    def identified(self) -> ReferenceParams:
        """A copy with the model's key.

        Raises:
            RequestError: there is no such model.
        """
        return self.model_copy(update={"key": resolve_model(self.model).key})


@stage("reference", ReferenceParams, {}, random=False)
def reference_stage(context: StageContext, params: ReferenceParams) -> None:
    """Copies the model to `model/`."""
    source = model_in(Path(resolve_model(params.model).location))
    shutil.copytree(source, context.folder / "model", dirs_exist_ok=True)
