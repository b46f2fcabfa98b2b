r"""Units behind a value, in `\text{...}` or bare: known names, plurals that count things, words of scale as factors.

Words that change a value (`or`, `not`, `squared`, `noon`) are no units: they stay, and so change the answer.
"""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise

from slmr.verify.reading.quantity import scale_of

_NAMES = set(
    # angle, money, length
    "degree deg radian rad dollar buck cent penny pence euro pound rupee yen yuan usd eur gbp cny inr rs"
    " unit inch in foot feet ft yard yd mile mi meter metre millimeter millimetre centimeter centimetre decimeter"
    " kilometer kilometre mm cm dm km nm light-year"
    # speed, time
    " mph kph rpm hour hr minute min second sec ms day week month year yr decade century"
    # mass, volume, area, physics
    " gram kg kilogram milligram mg tonne ton lb lbs oz ounce liter litre ml milliliter millilitre gallon quart pint"
    " cup ha hectare acre hz hertz khz mhz newton joule kj watt kw kwh volt ohm ampere pascal pa kpa mole kelvin"
    " celsius fahrenheit bit byte kb mb gb mol amp gal ppm ppb"
    # what is counted, where the plural has no s or the singular is usual
    " way people person man men woman women child children student mouse mice fish sheep deer point pt pts page item"
    " piece pair set apple percentage sq cu square cubic".split()
)
_LETTERS = set("mgshLlNJWVAKCFtbΩ")
_JOINTS = set(
    "per of square cubic sq cu in a an the each total squared cubed different possible more distinct all old tall long"
    " wide deep high away apart later ago left remaining altogether".split()
)
# Words that change a value, though they look like a plural or a name.
_NO_UNIT = set(
    "or not and is isn't are was no nor neither maybe perhaps possibly about approximately roughly almost nearly around"
    " minus plus times less unless than but if to through until except yes thus hence this its has does others base mod"
    " modulo choose factorial squares cubes halves half thirds quarters fourths ones twos threes tens dozens hundreds"
    " thousands millions billions always noon midnight am pm bc ad bce ce remainder mistakes guess i e"
    " wrong false incorrect twice once".split()
)
_PARTS = {"a half": "\\frac{1}{2}", "a third": "\\frac{1}{3}", "a quarter": "\\frac{1}{4}"}
_PERCENT = (["percent"], ["percentage"], ["per", "cent"], ["pct"])
_PIECE = (
    r"\\(?:text|mathrm|mbox|textrm|textnormal|textbf|textit|operatorname)\s*\{\s*([^{}]*?)\s*\}"
    r"(?:\s*\^\s*(?:\{\s*[+-]?\d\s*\}|\d))?"
)
_JOINT = r"\s*(?:\\cdot|\\times|\*|·|/|\\,|\\ |~)?\s*"
_REMARK = re.compile(r"\([A-Za-z ]{3,40}\)")
_TEXTS = re.compile(rf"(?<=[\d}}).!i°%\]π])(?:\s|\\[,;: ]|~)*(?:\\cdot\s*)?((?:{_PIECE})(?:{_JOINT}{_PIECE})*)\.?")
_PLAIN = re.compile(r"(?<=[\d})°π])\s+([A-Za-z][A-Za-z./ ]{0,40}?)(?:\s?\^\{?[23]\}?)?\.?$")
_ADJACENT_UNIT = re.compile(
    r"(?<=[\d})])\s?(?:cm|mm|km|kg|mph|ft|mi|ml|inches|in\.|degrees|hours|meters|metres|units|dollars"
    r"|cents)(?:\s?/\s?[a-z]+)?(?:\^\{?[23]\}?)?\.?$"
)
_CURRENCY = re.compile(
    r"^([-+]?)\s*(?:\\?\$|€|£|¥|₹|\\pounds|\\euro|US\\?\$|USD|EUR|Rs\.?)\s*(?=[\d.\\-])|(?<=\d)\s*(?:\\?\$|€|£|¥|₹"
    r"|\\pounds|USD|EUR|¢|\\textcent)$"
)
_DEGREE_SCALE = re.compile(r"(?<=°)\s*[CFK]$")


def without_units(text: str, is_gold: bool = False) -> str:
    r"""LaTeX without the units in `\text{...}` behind a value; words of scale become factors, other words stay.

    In gold, which is trusted, other words are units too, unless they change the value.
    """

    def replace(match: re.Match[str]) -> str:  # `3\\text{ hours }20` is not 320
        is_between = match.string[match.end() : match.end() + 1].isdigit()
        return _replacement(match[1], is_gold) + (" " if is_between else "")

    return _TEXTS.sub(replace, text)


def _replacement(texts: str, is_gold: bool) -> str:
    """What the pieces of text behind a value stand for: nothing, a factor, a per cent sign, or themselves."""
    words = [word for piece in re.findall(_PIECE, texts) for word in _words(piece)]
    if [word.lower() for word in words] in _PERCENT:
        return "\\%"
    if words[:1] == ["and"] and (part := _PARTS.get(" ".join(words[1:3]).replace("one ", "a "))):
        return part if is_unit(words[3:]) else texts
    factor = Fraction(1)
    while words and (scale := scale_of(words[0])) is not None:
        factor, words = factor * scale, words[1:]
    unit = is_unit(words) or (is_gold and not any(word.lower() in _NO_UNIT or not word.isalpha() for word in words))
    if words and not unit:
        phrase = " ".join(re.findall(_PIECE, texts)).strip()
        is_remark = _REMARK.fullmatch(phrase) and not any(word.lower() in _NO_UNIT for word in words)
        return "" if is_remark else f" {phrase} "
    return "" if factor == 1 else f"*({factor})"


def without_plain_unit(text: str) -> str:
    """An item without a currency sign, a bare unit behind its value, or a temperature's scale."""
    plain = _CURRENCY.sub(lambda m: m[1] or "", text)
    plain = _DEGREE_SCALE.sub("", _ADJACENT_UNIT.sub("", plain))
    match = _PLAIN.search(plain)
    if not match:
        return plain
    words = _words(match[1])
    if [word.lower() for word in words] in _PERCENT:
        return plain[: match.start()] + "\\%"
    factor = Fraction(1)
    while words and len(words[0]) > 1 and (scale := scale_of(words[0])) is not None:
        factor, words = factor * scale, words[1:]
    if words and (not is_unit(words) or words == ["a"]):
        return plain
    return plain[: match.start()] + ("" if factor == 1 else f"*({factor})")


def _words(phrase: str) -> list[str]:
    plain = re.sub(r"\^\s*(?:\{\s*-?\d\s*\}|-?\d)|\\cdot|\\times", " ", phrase.replace("\\%", "percent"))
    plain = re.sub(r"(?<=[a-z])/(?=[a-z])", " per ", plain)
    plain = re.sub(r"\b([A-Za-z])\.\s?([A-Za-z])\b\.?", r"\1\2", plain)  # a.m., B.C.
    return re.findall(r"[A-Za-zΩ][A-Za-z'-]*|[^\sA-Za-z./()·*]", plain)


_SIZES: dict[str, tuple[str, Fraction]] = {
    name: (dimension, Fraction(size))
    for dimension, sizes in {
        "length": {
            "mm": "1/1000",
            "cm": "1/100",
            "dm": "1/10",
            "m": 1,
            "meter": 1,
            "km": 1000,
            "kilometer": 1000,
        },
        "length in feet": {
            "in": "1/12",
            "inch": "1/12",
            "ft": 1,
            "foot": 1,
            "feet": 1,
            "yard": 3,
            "mile": 5280,
        },
        "mass": {"mg": "1/1000", "g": 1, "gram": 1, "kg": 1000, "kilogram": 1000},
        "time": {
            "second": 1,
            "sec": 1,
            "s": 1,
            "minute": 60,
            "min": 60,
            "hour": 3600,
            "hr": 3600,
            "h": 3600,
            "day": 86_400,
            "week": 604_800,
        },
        "money": {"cent": "1/100", "dollar": 1},
        "volume": {"ml": "1/1000", "mL": "1/1000", "l": 1, "L": 1, "liter": 1, "litre": 1},
    }.items()
    for name, size in sizes.items()
}
_MEASURE = re.compile(r"(\d{1,20}(?:\.\d{1,20})?)\s*([A-Za-z]{1,12})")
_MEASURES = re.compile(rf"{_MEASURE.pattern}(?:\s*,?\s*(?:and\s+)?{_MEASURE.pattern}){{0,3}}")
_SEVERAL_AT_END = re.compile(rf"(?<![\d.,])({_MEASURE.pattern}(?:\s*,?\s*(?:and\s+)?{_MEASURE.pattern}){{1,3}})[.!]?$")
_LAST_PIECE = re.compile(r"\\(?:text|mathrm|mbox|textrm)\s*\{\s*([A-Za-z]+)\s*\}\.?$")


def size_of(text: str) -> tuple[str, Fraction] | None:
    r"""What the one unit at the end measures, and its size: `\text{ km}` is a length of 1000; None for any other."""
    piece = _LAST_PIECE.search(text.strip(" $"))
    return _size(piece[1]) if piece else None


def _size(word: str) -> tuple[str, Fraction] | None:
    return (
        _SIZES.get(word)
        or _SIZES.get(word.lower())
        or _SIZES.get(word.lower().removesuffix("es" if word.endswith("ches") else "s"))
    )


def several_units_at_end(text: str) -> tuple[str, int] | None:
    """`2 hours and 15 minutes` at the end of a sentence, and where it begins; None where it ends otherwise."""
    measure = _SEVERAL_AT_END.search(text)
    return (measure[1], measure.start()) if measure and in_several_units(measure[1]) else None


def in_several_units(text: str) -> list[tuple[Fraction, str, Fraction]] | None:
    """The number, dimension and size of each part of `2 hours and 15 minutes`; one part may stand alone."""
    plain = re.sub(r"\\[,; ]|[~$]", " ", re.sub(_PIECE, r" \1 ", text)).strip(" .")
    if not _MEASURES.fullmatch(plain):
        return None
    parts = [(Fraction(number), _size(unit)) for number, unit in _MEASURE.findall(plain)]
    measures = [(number, *size) for number, size in parts if size]
    is_one_kind = len(measures) == len(parts) and len({dimension for _, dimension, _ in measures}) == 1
    descends = all(first[2] > second[2] for first, second in pairwise(measures))
    return measures if is_one_kind and descends else None


def is_unit(words: list[str]) -> bool:
    """Whether words are a unit: known names, or a plural with what describes it."""
    joint = next((i for i, word in enumerate(words) if word.lower() in ("of", "to")), 0)
    if joint and _is_name(words[joint - 1]) and is_unit(words[:joint]):  # "grams of sugar", "ways to choose"
        return all(word.isalpha() and word.lower() not in _NO_UNIT - {"choose"} for word in words[joint + 1 :])
    if words[-2:-1] == ["per"] and _is_thing(words[-1]):  # "cookies per box"
        return is_unit(words[:-2])
    if not words or len(words) > 6 or any(word.lower() in _NO_UNIT for word in words):
        return not words
    if all(_is_name(word) or word.lower() in _JOINTS for word in words):
        return any(_is_name(word) for word in words)
    while len(words) > 1 and words[-1].lower() in _JOINTS:  # "marbles left"
        words = words[:-1]
    last = words[-1].lower()
    plural = len(last) >= 4 and last.endswith("s") and not last.endswith(("ss", "ths"))
    return plural and all(word.isalpha() and scale_of(word) is None for word in words)


def _is_thing(word: str) -> bool:
    """Whether a word may be a thing that is counted."""
    return word.isalpha() and word.lower() not in _NO_UNIT and scale_of(word) is None


def _is_name(word: str) -> bool:
    low = word.lower()
    return (
        low in _NAMES
        or (low.endswith("s") and low[:-1] in _NAMES)
        or (low.endswith("es") and low[:-2] in _NAMES)
        or word in _LETTERS
    )
