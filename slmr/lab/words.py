"""The closed vocabulary of the lab edition's stories."""

from __future__ import annotations

NAMES = (
    "Ann Ben Cal Dora Eli Fay Gus Hana Ivan Jill Kofi Lena Max Nora Omar Pia Quin Rosa Sam Tara "
    "Uma Vera Wes Zoe"
).split()

OBJECTS = (
    "apples pears coins books cards pens shells stamps marbles stickers buttons beads cookies nuts "
    "stones keys cups balls eggs toys"
).split()

PLACES = "lake shop park market school farm station house mill camp".split()

CONTAINERS = "bags boxes packs jars".split()

# Comparative and superlative.
ADJECTIVES = (
    ("taller", "tallest"), ("older", "oldest"), ("faster", "fastest"), ("heavier", "heaviest"),
    ("richer", "richest"), ("younger", "youngest"),
)  # fmt: skip

FACTS = (
    ("it rains", "the road is wet"),
    ("the road is wet", "the bus is late"),
    ("the bus is late", "the shop opens late"),
    ("the shop opens late", "the bread is old"),
    ("the sun shines", "the garden is dry"),
    ("the garden is dry", "the pump runs"),
    ("the pump runs", "the lake is low"),
    ("the lake is low", "the boat stays home"),
    ("the boat stays home", "the market is small"),
    ("the wind blows", "the door is open"),
    ("the door is open", "the room is cold"),
    ("the room is cold", "the stove is on"),
    ("the stove is on", "the soup is hot"),
    ("the soup is hot", "the guests are glad"),
    ("the bell rings", "the class ends"),
    ("the class ends", "the yard is full"),
    ("the yard is full", "the dog barks"),
    ("the dog barks", "the cat hides"),
    ("the cat hides", "the mice play"),
)
