"""The stage-specific curriculum of arXiv 2606.04466: probe, partition, Bridge, consolidate, critique."""

from slmr.stagewise import bridge, consolidate, critique, own, partition, pool, probe, traces

__all__ = ["bridge", "consolidate", "critique", "own", "partition", "pool", "probe", "traces"]
