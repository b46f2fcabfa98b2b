"""The stage-specific curriculum of arXiv 2606.04466, and the data stages of other methods."""

from slmr.curriculum import (
    bridge,
    consolidate,
    critique,
    distinct,
    full_critique,
    mix,
    partition,
    pool,
    probe,
    rationalize,
    reference,
    self_generated,
    traces,
)

__all__ = [
    "bridge",
    "consolidate",
    "critique",
    "distinct",
    "full_critique",
    "mix",
    "partition",
    "pool",
    "probe",
    "rationalize",
    "reference",
    "self_generated",
    "traces",
]
