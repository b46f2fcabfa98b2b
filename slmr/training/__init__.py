"""Training stages, thin wrappers of TRL: SFT, distillation, preferences, GRPO and related methods.

`SlmrCallback` evaluates inside any trainer of transformers or TRL.
"""

from typing import TYPE_CHECKING

from slmr.training import bread, dpo, gkd, grpo, hpt, luffy, opsd, relift, sdpo, sft

if TYPE_CHECKING:
    from slmr.training.callback import SlmrCallback

__all__ = [
    "SlmrCallback",
    "bread",
    "dpo",
    "gkd",
    "grpo",
    "hpt",
    "luffy",
    "opsd",
    "relift",
    "sdpo",
    "sft",
]


def __getattr__(name: str) -> object:
    """Imports the callback when it is used, because it needs torch, which the stages import only when they run."""
    if name == "SlmrCallback":
        from slmr.training.callback import SlmrCallback

        return SlmrCallback
    raise AttributeError(f"module 'slmr.training' has no attribute '{name}'")
