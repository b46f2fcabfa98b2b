"""The lab edition: five procedural tasks with a solver, and tiny students that half-know them."""

from __future__ import annotations

from pathlib import Path

from slmr.errors import unknown
from slmr.lab.algebra import draw_math
from slmr.lab.items import Generator, LabItem, Split, stream, take
from slmr.lab.logic import draw_logiqa
from slmr.lab.stories import draw_gsm8k, draw_mawps, draw_svamp

__all__ = [
    "GENERATORS",
    "MODELS",
    "STUDENTS",
    "TEACHER",
    "LabItem",
    "Split",
    "generator",
    "model_path",
    "stream",
    "take",
]

_EVEN = (1.0, 1.0, 1.0, 1.0, 1.0)
GENERATORS = {
    g.name: g
    for g in (
        Generator(
            "lab_gsm8k", "numeric", draw_gsm8k, (8.0, 4.0, 2.0, 1.0, 1.0), (4.0, 3.0, 2.0, 1.0, 1.0), "1"
        ),
        Generator("lab_mawps", "numeric", draw_mawps, _EVEN, _EVEN, "1"),
        Generator("lab_svamp", "numeric", draw_svamp, _EVEN, _EVEN, "1"),
        Generator("lab_math", "math", draw_math, _EVEN, _EVEN, "1"),
        Generator("lab_logiqa", "choice", draw_logiqa, _EVEN, _EVEN, "1"),
    )
}
STUDENTS = ("lab-llama", "lab-qwen")
TEACHER = "lab-teacher"  # the students' better: what distillation from a model needs
MODELS = (*STUDENTS, TEACHER)


def generator(name: str) -> Generator:
    """The generator of a lab task."""
    if name not in GENERATORS:
        raise unknown("lab task", name, GENERATORS)
    return GENERATORS[name]


def model_path(name: str) -> Path:
    """The folder of a shipped student or of the teacher: an ordinary transformers model with its tokenizer."""
    if name not in MODELS:
        raise unknown("lab model", name, MODELS)
    return Path(__file__).parent / "students" / name
