"""The checkers as rewards, for our GRPO stages and for other people's trainers: TRL, verl, verifiers, and HTTP.

Strict accuracy is paid: 1.0 for a right answer in the requested form, 0.0 for anything else; `form` and
`lenient_weight` say otherwise. Where the checker abstains (unreadable gold, timeout), TRL gets None, which enters no
advantage; verl and verifiers know no None and get 0.0 with `abstained` beside it, so that it is counted.
"""

from __future__ import annotations

from slmr.rewards.messages import text_of
from slmr.rewards.payment import Form, Payment, reward_of
from slmr.rewards.trl import AsyncReward, Reward, async_reward, reward
from slmr.rewards.verifiers import rubric, taskset
from slmr.rewards.verl import compute_score

__all__ = [
    "AsyncReward",
    "Form",
    "Payment",
    "Reward",
    "async_reward",
    "compute_score",
    "reward",
    "reward_of",
    "rubric",
    "taskset",
    "text_of",
]
