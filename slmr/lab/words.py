"""The closed vocabulary of the lab edition's stories."""

from __future__ import annotations

NAMES = (
    "Ann Ben Cal Dora Eli Fay Gus Hana Ivan Jill Kofi Lena Max Nora Omar Pia Quin Rosa Sam Tara Uma Vera Wes Zoe"
).split()

OBJECTS = (
    "apples pears coins books cards pens shells stamps marbles stickers buttons beads cookies nuts "
    "stones keys cups balls eggs toys"
).split()

PLACES = "lake shop park market school farm station house mill camp".split()

# The states in the rules of lab_logiqa.
STATES = (
    "wet cold dark late warm dry calm loud full open clean bright early windy quiet empty green slow busy "
    "safe soft steep foggy sweet"
).split()
