"""Numbers as people write them, read exactly: digits, fractions, powers of ten, words of scale, words.

`quantities` finds the numbers of a text that stand for themselves: no part of an expression, range, time, or name.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

MAX_DIGITS, _MAX_EXPONENT = 400, 400

_MONEY = r"(?:\\?\$|€|£|¥|₹|USD\b|EUR\b|GBP\b|CHF\b|(?:US|HK|[CASR]|AU|CA|NZ|NT)\$|Rs\.?)"
# Thousands by stops: only where that is plain, by two stops or by a comma for the decimals.
_STOPS = r"\d{1,3}(?:(?:\.\d{3}){2,}(?:,\d{1,2}(?!\d))?(?![.,]?\d)|(?:\.\d{3})+,\d{1,2}(?![\d,]))"
_DIGITS = (
    rf"(?:{_STOPS}|(?:\d{{1,3}}(?:'\d{{3}})+(?![\d'])|\d{{1,3}}(?:_\d{{3}})+(?![\d_])"
    r"|\d{1,3}(?:(?:\{,\}|\\,|,\\!)\d{3})+(?!\d))(?:\.\d+)?|"
    r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d{1,2}(?:,\d{2})+,\d{3}(?![\d,])|\d{1,3}(?: \d{3})+(?!\d)|\d+)"
    r"(?:\.\d+|,\d{1,2}(?![\d,]))?|\.\d+)"
)
_TEN = r"[eE][-+]?\d{1,4}(?!\d)|\s?[×x*·]\s?10(?!\d)(?:\s?\^\s?(?:\{\s?[-+]?\d{1,4}\s?\}|[-+]?\d{1,4}))?"
_QUANTITY = re.compile(
    rf"(?P<sign>[-+]\s?|(?:minus|negative|moins|menos)\s+|负)?(?P<money>{_MONEY})?\s?(?P<after>-)?"
    rf"(?:(?P<whole>{_DIGITS})(?P<ten>{_TEN})?(?P<power>\s?\^\s?(?:\{{\s?-?\d{{1,3}}\s?\}}|-?\d{{1,3}}))?"
    r"(?P<part>(?:\s(?:and\s|&\s)?\d{1,6}\s?/\s?\d{1,6}(?![\d/])))?(?P<bottom>\s?/\s?\d+(?![\d/]))?"
    r"(?:/-(?![\w$\\({-]))?)",  # "Rs. 640/-": no smaller coins
    re.IGNORECASE | re.ASCII,
)
_BY_STOPS = re.compile(_STOPS, re.ASCII)
_SCALES = {
    "hundred": 100,
    "thousand": 1_000,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
    "dozen": 12,
    "lakh": 10**5,
    "crore": 10**7,
    "mio": 10**6,
    "tausend": 1_000,
    "million(?:en|es)": 10**6,
    "millones": 10**6,
    "mil": 1_000,
    "mille": 1_000,
    "tenths": Fraction(1, 10),
    "hundredths": Fraction(1, 100),
    "thousandths": Fraction(1, 1000),
    "millionths": Fraction(1, 10**6),
    "fifths": Fraction(1, 5),
    "sixths": Fraction(1, 6),
    "sevenths": Fraction(1, 7),
    "eighths": Fraction(1, 8),
    "ninths": Fraction(1, 9),
    "thirds": Fraction(1, 3),
    "halves": Fraction(1, 2),
}


def _plural(word: str) -> str:
    return "" if word.endswith("s") else "s?"


_SCALE = re.compile(
    rf"[\s-]*(?:{'|'.join(f'(?P<s{i}>{word}{_plural(word)})' for i, word in enumerate(_SCALES))}"
    rf"|(?P<han>[万亿千百]))(?![A-Za-z])(?! an? (?:hour|minute))",
    re.IGNORECASE,
)
_HAN = {"十": 10, "百": 100, "千": 1_000, "万": 10_000, "亿": 10**8}
_SHORT = re.compile(r"(?P<letter>K|k|M|bn|B)(?![A-Za-z0-9_/])")
_SHORT_SCALES = {"k": 1_000, "m": 10**6, "bn": 10**9, "b": 10**9}
_AND_PART = re.compile(
    r"\s+and\s+(?:a|one|1)[\s-]+(half|quarter|third)\b|\s+and\s+(three)[\s-]+quarters\b", re.IGNORECASE
)
_PARTS = {"half": Fraction(1, 2), "quarter": Fraction(1, 4), "third": Fraction(1, 3), "three": Fraction(3, 4)}
_PARTS_IN_WORDS = {
    **dict.fromkeys(("half", "a half", "one half"), Fraction(1, 2)),
    **dict.fromkeys(("a third", "one third"), Fraction(1, 3)),
    "two thirds": Fraction(2, 3),
    **dict.fromkeys(("a quarter", "one quarter", "one fourth"), Fraction(1, 4)),
    **dict.fromkeys(("three quarters", "three fourths"), Fraction(3, 4)),
}
_PART_BEHIND = re.compile(
    r"\s+and\s+(?:an?|one|two|three)[\s-]+\w+|\s+point\s+\w+"
    r"|[\s-]+(?:hal(?:f|ves)|quarters?|(?:third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|hundredth)s?)\b",
    re.IGNORECASE,
)
_SIMPLE = re.compile(r"-?\d{1,300}(?:\.\d{1,100})?", re.ASCII)

_SMALL = {
    w: i
    for i, w in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
        " fifteen sixteen seventeen eighteen nineteen".split()
    )
} | {w: 10 * i for i, w in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)}
_MULTIPLES = {"hundred": 100, "thousand": 1_000, "million": 10**6, "billion": 10**9, "dozen": 12}
_WORD = "|".join([*_SMALL, *_MULTIPLES])
WORDS = re.compile(rf"\b(?:(?:a|minus|negative)\s+)?(?:{_WORD})(?:(?:\s+and\s+|[\s-]+)(?:{_WORD}))*\b", re.IGNORECASE)
# "5 times 3", "5 times the price", "5 times as many"; "5 times", "5 times a week" say how often.
TIMES = (
    rf"times\b(?=\s*(?:[-\d$({{\\]|(?:{_WORD}|the|his|her|its|their|my|our|that|this|what|as|more|less|fewer|[a-z]+er"
    r"|[b-z]|an?(?! (?:day|night|week|month|year|hour|minute)))\b)(?! (?:day|night|week|month|year)))"
)
CHINESE = re.compile(r"[零〇一二两三四五六七八九十百千万]+")
_CHINESE_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}


class Quantity(NamedTuple):
    """A number in a text: its value, and where it begins and ends."""

    value: Fraction
    start: int
    end: int


def parse_digits(text: str) -> Fraction | None:
    """The value of plain digits; None for anything else."""
    return Fraction(text) if _SIMPLE.fullmatch(text) else None


def quantity_at(text: str, start: int = 0) -> Quantity | None:
    """The number that begins at this place, with its sign, fraction, power of ten and scale words."""
    match = _QUANTITY.match(text, start)
    if not match or not match["whole"]:
        return None
    value = _magnitude(match)
    if value is None:
        return None
    end = match.end()
    short = _SHORT.match(text, end)
    if short and (match["money"] or short["letter"] in ("K", "k", "bn")):
        value, end = value * _SHORT_SCALES[short["letter"].lower()], short.end()
    part = _AND_PART.match(text, end)
    if part:
        value, end = value + _PARTS[(part[1] or part[2]).lower()], part.end()
    while scale := _SCALE.match(text, end):
        value, end = value * _scale(scale), scale.end()
    negative = (match["sign"] or "").strip().lower() not in ("", "+") or match["after"]
    return Quantity(-value if negative else value, match.start(), end)


def _scale(match: re.Match[str]) -> Fraction | int:
    if match["han"]:
        return _HAN[match["han"]]
    return list(_SCALES.values())[int((match.lastgroup or "s0")[1:])]


def scale_of(word: str) -> Fraction | int | None:
    """What a word of scale multiplies by: `million`, `dozen`, `tenths`, `K`; None for any other word."""
    match = _SCALE.fullmatch(word)
    return _scale(match) if match else {"K": 1_000, "bn": 10**9}.get(word)


def _magnitude(match: re.Match[str]) -> Fraction | None:
    """The value of the digits. Two digits at most behind a comma are decimals, three are thousands."""
    whole = match["whole"].replace(".", "") if _BY_STOPS.fullmatch(match["whole"]) else match["whole"]
    plain = re.sub(r"[, '_{}\\!]", "", re.sub(r",(?=\d{1,2}$)", ".", whole))
    if len(plain) > MAX_DIGITS:
        return None
    value = Fraction(plain)
    if match["ten"]:
        exponent = (
            1
            if match["ten"].rstrip().endswith("10") and "^" not in match["ten"]
            else int(re.findall(r"[-+]?\d+", match["ten"])[-1])
        )
        if abs(exponent) > _MAX_EXPONENT:
            return None
        value *= Fraction(10) ** exponent
    if match["power"]:
        exponent = int(re.findall(r"-?\d+", match["power"])[-1])
        if len(plain) * abs(exponent) > MAX_DIGITS or (not value and exponent < 0):
            return None
        value **= exponent
    if match["part"]:
        top, bottom = map(int, re.findall(r"\d+", match["part"]))
        return value + Fraction(top, bottom) if bottom and top < bottom else None
    if match["bottom"]:
        bottom = match["bottom"].strip(" /")
        if len(bottom) > MAX_DIGITS or not int(bottom):
            return None
        value /= int(bottom)
    return value


def parse_words(text: str) -> Fraction | None:
    """The value of an English number in words: `twenty-one`, `a hundred and five`, `two and a half`, `one third`."""
    words = re.findall(r"[a-z]+", text.lower())
    if (fraction := _PARTS_IN_WORDS.get(" ".join(words))) is not None:
        return fraction
    part = _AND_PART.search(text)
    if part and part.end() == len(text.rstrip()):
        whole = parse_words(text[: part.start()])
        return None if whole is None else whole + _PARTS[(part[1] or part[2]).lower()]
    sign = -1 if words[:1] in (["minus"], ["negative"]) else 1
    words = [w for w in words if w not in ("and", "a", "minus", "negative")]
    if not words or len(words) > 20:
        return None
    total = section = 0
    for word in words:
        if word in _MULTIPLES:
            section = max(section, 1) * _MULTIPLES[word]
            if _MULTIPLES[word] >= 1_000:
                total, section = total + section, 0
        elif word in _SMALL:
            section += _SMALL[word]
        else:
            return None
    return Fraction(sign * (total + section))


def words_with_fraction(text: str, start: int, end: int) -> str | None:
    """A number in words with the part of one that stands behind it, "four and a half"; None where that is unknown."""
    part = _PART_BEHIND.match(text, end)
    word = text[start : part.end() if part else end]
    return word if parse_words(word) is not None else None


def parse_chinese(text: str) -> Fraction:
    """A whole number in Chinese numerals: 三, 二十一, 三百零五."""
    total = section = digit = 0
    for character in text[:20]:
        unit = _HAN.get(character)
        if unit is None:
            digit = _CHINESE_DIGITS[character]
        elif unit == 10_000:
            total, section, digit = (total + section + digit) * unit, 0, 0
        else:
            section, digit = section + (digit or 1) * unit, 0
    return Fraction(total + section + digit)


NAMED_UNIT = r"(?:kg|km|cm|mm|mph|ml|lbs?|hrs?|ft|mi|in|g|m|h|s)(?:\^?\{?[23]\}?)?(?![A-Za-z0-9_])"
_TOKEN_BEFORE = re.compile(r"(?:[A-Za-z0-9_.]|\d[:/,]|\d\*\*)$")
_TOKEN_AFTER = re.compile(
    rf"{NAMED_UNIT}|\s?\^\s?(?:\{{\s?\\circ\s?\}}|\\circ(?![a-z]))|(?![A-Za-z0-9_^π√]|/(?!\s?[A-Za-z]{{2}})|[.,:]\d|-\d|\\(?:pi|sqrt|[dt]?frac|log|ln|sin|cos"
    rf"|tan|binom)(?![a-z]))",
    re.ASCII,
)
_FIND = re.compile(r"(?:(?<![\d)A-Za-z])[-+])?(?:\\?\$|€|£|¥|₹)?\s?(?<![A-Za-z0-9_])(?:\d|\.\d)")
# In front of a number: it is a name's, or something is done to it.
_NO_VALUE_BEFORE = re.compile(
    r"(?:\b(?:step|question|problem|example|part|case|figure|section|chapter|exercise|equation|option"
    r"|no\.)\s*#?\s*"
    r"|√\s?|\b(?:page|room|log|ln|sin|cos|tan|sqrt)\s?\(?|\b(?:half|twice|double|triple|quarter"
    r"|third)\s+(?:of\s+)?|\b(?:(?:square|cube)(?: root)?|negative|opposite|reciprocal|inverse|multiple|divisor"
    r"|(?:half|third|quarter|fourth|fifth|sixth|seventh|eighth|ninth|tenth)s)\s+of\s+|\bdivisible by\s+"
    r"|\b(?:less|more|fewer|greater|other) than\s+"
    r"|\\(?!text|math|boxed|fbox)[a-zA-Z]+\s*\{?|(?<!\*)\*\s?|[/×÷^]\s?\{?|[\d)]\s?[-+]\s?|\d\s?-"
    r"|\b\d*[a-z][-+])$",
    re.IGNORECASE,
)
_SUM_BEFORE = re.compile(r"[\d)]\s?[-+].$|(?<![A-Za-z])[a-z](?:[-+].| [-+] )$")


def quantities(text: str) -> list[Quantity]:
    """The numbers in a text that stand for themselves, in order."""
    numbers: list[Quantity] = []
    position = 0
    while match := _FIND.search(text, position):
        start = match.start() + len(match[0]) - len(match[0].lstrip())
        word = re.search(r"\b(?:minus|negative)\s$", text[max(0, start - 10) : start], re.IGNORECASE)
        begin = start - len(word[0]) if word else start
        number = quantity_at(text, begin)
        position = max(number.end if number else match.end(), match.end())
        before = text[max(0, begin - 24) : begin]
        if (
            number
            # a sign behind a number or a variable is an operator
            and not (text[begin] in "+-" and _SUM_BEFORE.search(text[max(0, begin - 6) : begin + 2]))
            and not _TOKEN_BEFORE.search(before)
            and _TOKEN_AFTER.match(text, number.end)
            and not _NO_VALUE_BEFORE.search(before)
        ):
            numbers.append(number)
    return numbers


def parse_words_or_chinese(text: str) -> Fraction | None:
    """The number that a text is in words or in Chinese numerals, with a measure word or without; None for any other."""
    if text.isascii() and text[:1].isalpha():
        return parse_words(text)
    digits = re.sub(r"[个只元块人次米天本支岁名]$", "", text)
    return parse_chinese(digits) if CHINESE.fullmatch(digits) else None
