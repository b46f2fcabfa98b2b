"""A ready-made model as a method's result: what others are seen beside, and nobody trained here."""

from __future__ import annotations

import shutil
from pathlib import Path

from slmr.config import Params
from slmr.engines.models import resolve_model
from slmr.stage import StageContext, model_in, stage


class ReferenceParams(Params):
    """`model`: as of `slmr eval`, files on this machine; `key` is its content's, filled in by the plan."""

    model: str
    key: str = ""

    def identified(self) -> ReferenceParams:
        """With the model's key.

        Raises:
            RequestError: there is no such model.
        """
        return self.model_copy(update={"key": resolve_model(self.model).key})


@stage("reference", ReferenceParams, {}, random=False)
def reference_stage(context: StageContext, params: ReferenceParams) -> None:
    """Writes `model/`, a copy."""
    source = model_in(Path(resolve_model(params.model).location))
    shutil.copytree(source, context.folder / "model", dirs_exist_ok=True)
