"""The stage-specific curriculum of arXiv 2606.04466, and what other methods make their data with."""

from slmr.stagewise import (
    bridge,
    consolidate,
    critique,
    mix,
    own,
    partition,
    pool,
    probe,
    rationalize,
    traces,
)

__all__ = [
    "bridge",
    "consolidate",
    "critique",
    "mix",
    "own",
    "partition",
    "pool",
    "probe",
    "rationalize",
    "traces",
]
