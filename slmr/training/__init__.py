"""Training stages, thin over TRL: SFT, distillation, preferences, and GRPO with its relatives."""

from slmr.training import bread, dpo, gkd, grpo, hpt, luffy, opsd, relift, sdpo, sft

__all__ = ["bread", "dpo", "gkd", "grpo", "hpt", "luffy", "opsd", "relift", "sdpo", "sft"]
