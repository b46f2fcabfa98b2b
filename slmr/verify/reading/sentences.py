"""How the rules on words read a text: where its sentences end, how far they look, and how they write their patterns.

Each rule says by its choice of pattern what ends a sentence for it: a stop inside a line, a line, a semicolon.
"""

from __future__ import annotations

import re

WINDOW = 300  # characters before or behind a value that are looked at

# The mark goes with the gap: what stands between is read for numbers.
GAP = re.compile(r"[.!?]\s|\n")
# The mark stays with its sentence.
SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n")
# A line alone ends nothing, a paragraph does.
PARAGRAPH_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n\s*\n|(?<=[。！？])")
# So does a semicolon: what is asserted behind it stands by itself.
STATEMENT_END = re.compile(r"(?<=[.!?;])\s+|\n+|(?<=[。！？])")


def any_of(*alternatives: str) -> str:
    return f"(?:{'|'.join(alternatives)})"


def pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


def last_sentence(text: str) -> str:
    """What stands behind the last mark that ends a sentence, or the last break of a line."""
    return SENTENCE_END.split(text)[-1]
