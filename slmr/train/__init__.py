"""Training stages, thin over TRL: supervised fine-tuning and GRPO."""

from slmr.train import grpo, sft

__all__ = ["grpo", "sft"]
