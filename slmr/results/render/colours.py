"""The colours of all figures and pages: Okabe and Ito's palette, told apart by colour-blind readers too."""

from __future__ import annotations

BLUE, SKY, GREEN, ORANGE, VERMILLION, PURPLE = (
    "#0072B2",
    "#56B4E9",
    "#009E73",
    "#E69F00",
    "#D55E00",
    "#CC79A7",
)
GREY, WINE, TEAL, OLIVE, BLACK = (
    "#7f7f7f",
    "#882255",
    "#44AA99",
    "#8C6D00",
    "#000000",
)  # where more are needed

PALETTE = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, OLIVE, BLACK)

# A kind of method keeps its colour in all figures, and so does a difficulty group.
OF_KIND = {
    "base": GREY,
    "sft": BLUE,
    "distill": SKY,
    "rl": ORANGE,
    "sft_rl": GREEN,
    "stagewise": VERMILLION,
    "ablation": PURPLE,
    "control": WINE,
    "model": TEAL,
    "reference": OLIVE,
}
OF_GROUP = {"hard": VERMILLION, "medium": ORANGE, "simple": GREEN}
OF_STATE = OF_GROUP | {"unsolved": WINE, "recycled": PURPLE, "mixed": SKY, "solved": BLUE}


def tint(colour: str, opacity: float) -> str:
    """The colour for CSS with an opacity in [0, 1]."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:.2f})"
