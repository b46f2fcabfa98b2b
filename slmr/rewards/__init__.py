"""The checkers as rewards, for our GRPO stages and for other trainers: TRL, verl, verifiers, and HTTP.

By default they pay strict accuracy: 1.0 for a right answer in the requested form, 0.0 for anything else; `form` and
`lenient_weight` change this. If the checker abstains (unreadable gold answer, timeout), TRL gets None, which it leaves
out of advantages; verl and verifiers have no None and get 0.0 together with `abstained`, so that it can be counted.
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
