"""Estimates a plan's cost before it is run: tokens, FLOPs, hours and memory, from shapes and stated assumptions."""

from slmr.pipeline.estimate.hardware import ASSUMED, Assumptions, Machine
from slmr.pipeline.estimate.measure import Speed, measure
from slmr.pipeline.estimate.plan import StageEstimate, estimate, seconds_here
from slmr.pipeline.estimate.shapes import KNOWN, ModelShape, shape_of, shapes_of

__all__ = [
    "ASSUMED",
    "KNOWN",
    "Assumptions",
    "Machine",
    "ModelShape",
    "Speed",
    "StageEstimate",
    "estimate",
    "measure",
    "seconds_here",
    "shape_of",
    "shapes_of",
]
