"""Training stages, thin over TRL: SFT, distillation, preferences, and GRPO with its relatives.

`SlmrCallback` evaluates inside anybody's trainer.
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
    """The callback needs torch, which the stages import when they run."""
    if name == "SlmrCallback":
        from slmr.training.callback import SlmrCallback

        return SlmrCallback
    raise AttributeError(f"module 'slmr.training' has no attribute '{name}'")
