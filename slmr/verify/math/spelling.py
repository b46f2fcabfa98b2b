r"""One spelling for notations that mean the same: spaces, wrappers, units, `\dfrac`, a final full stop.

The steps stand in two tables, in the order in which they are taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from slmr.verify.math.units import without_plain_unit, without_units
from slmr.verify.reading.completion import fold_characters
from slmr.verify.reading.quantity import parse_words

_Step = Callable[[str], str]

_SPACE = r"\s|(?<!\\)\$|~|(?<!\\)\\[,;:! ]|\\q?quad(?![a-z])"
_MAX_EDGES = 40
_EDGE = re.compile(rf"^(?:{_SPACE}|\\(?:display|text)style(?![a-z])){{1,40}}|(?:{_SPACE}|(?<!\.)\.){{1,40}}$")
_OUTWARD = re.compile(r"^\]|\[$")
_INTERVAL = re.compile(r"([\[\]])([^\[\],;]+[,;][^\[\],;]+)([\[\]])")
_COMMANDS = {
    **dict.fromkeys(("dfrac", "tfrac", "cfrac", "nicefrac", "sfrac"), "\\frac"),
    **dict.fromkeys(("le", "leq", "leqslant"), "<="),
    **dict.fromkeys(("ge", "geq", "geqslant"), ">="),
    **dict.fromkeys(("ne", "neq"), "≠"),
    "lt": "<",
    "gt": ">",
    "cdot": "*",
    "times": "*",
    "equiv": "=",
    "therefore": "",
    "colon": ":",
    **dict.fromkeys(("lor", "vee"), " or "),
    **dict.fromkeys(("land", "wedge"), " and "),
    **dict.fromkeys(("bigcup", "sqcup"), "\\cup "),
    "bigcap": "\\cap ",
    **dict.fromkeys(("ldots", "cdots", "dotsc", "dotsb", "dotsm", "dots"), "\\dots "),
    "degree": "°",
    "prime": "'",
    "exponentialE": "e",
    "varnothing": "\\emptyset",
    "lbrace": "\\{",
    "rbrace": "\\}",
    "lbrack": "[",
    "rbrack": "]",
    **dict.fromkeys(("langle", "lparen"), "("),
    **dict.fromkeys(("rangle", "rparen"), ")"),
}
_GREEK_LETTERS = "αβγδεζηθκλμνξπρστφχψωΓΔΘΛΣΦΨΩ"
_GREEK_NAMES = (
    "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi psi omega"
    " Gamma Delta Theta Lambda Sigma Phi Psi Omega"
)
_SIGNS = str.maketrans(
    {
        "≤": "<=",
        "≥": ">=",
        "∈": "\\in ",
        "∪": "\\cup ",
        "∩": "\\cap ",
        "∞": "\\infty ",
        "±": "\\pm ",
        "∓": "\\mp ",
        "×": "*",
        "·": "*",
        "⋅": "*",
        "∗": "*",
        "÷": "\\div ",
        "…": "\\dots ",
        "⋯": "\\dots ",
        "≡": "=",
        "∴": "",
        "⟨": "(",
        "⟩": ")",
        "∅": "\\emptyset",
        "→": "\\to ",
        "⌊": "\\lfloor ",
        "⌋": "\\rfloor ",
        "⌈": "\\lceil ",
        "⌉": "\\rceil ",
        "ℝ": "\\mathbb{R}",
        "ℤ": "\\mathbb{Z}",
        "ℕ": "\\mathbb{N}",
        "−": "-",
        "≈": "\\approx ",
        **{letter: f"\\{name} " for letter, name in zip(_GREEK_LETTERS, _GREEK_NAMES.split(), strict=True)},
    }
)


def normalise(text: str, is_gold: bool = False) -> str:
    """The text in one spelling, still LaTeX."""
    plain = fold_characters(text)
    for step in _PRESENTATION:
        plain = step(plain)
    plain = without_units(plain, is_gold)
    for step in _NOTATION:
        plain = step(plain)
    return plain


def _sub(pattern: str, spelling: str | Callable[[re.Match[str]], str], flags: int = 0) -> _Step:
    """A step that spells what matches otherwise."""
    return partial(re.compile(pattern, flags).sub, spelling)


def _half_open(text: str) -> str:
    """Intervals as they are written in Europe, `]2, 3[`, in round brackets."""
    if "\\sqrt[" in text or not _OUTWARD.search(text):
        return text
    return _INTERVAL.sub(lambda m: ("(" if m[1] == "]" else "[") + m[2] + (")" if m[3] == "[" else "]"), text)


def _without_wrapping(text: str) -> str:
    """The text without dollars, spaces and a full stop at its edges, and without braces around all of it."""
    for _ in range(_MAX_EDGES):
        plain = _EDGE.sub("", text)
        if plain.startswith("{") and plain.endswith("}") and not _is_list_or_open(plain):
            plain = plain[1:-1]
        if plain == text:
            break
        text = plain
    return text


def _is_list_or_open(group: str) -> bool:
    """Whether braces hold a list, or the first of them is closed before the end."""
    braces = within = 0
    for i, character in enumerate(group):
        braces += {"{": 1, "}": -1}.get(character, 0)
        within += {"(": 1, "[": 1, ")": -1, "]": -1}.get(character, 0)
        is_list = character == "," and group[i - 1] != "\\" and braces == 1 and within == 0
        if is_list or (braces == 0 and i < len(group) - 1):
            return True
    return braces != 0


def _fraction(match: re.Match[str]) -> str:
    """A recurring decimal as a fraction."""
    parts = match.groupdict()
    whole, fixed, cycle = parts["whole"], parts["fixed"], parts["cycle"] or parts["digit"]
    top = int(whole + fixed + cycle) - int(whole + fixed or "0")
    return f"\\frac{{{top}}}{{{10 ** len(fixed) * (10 ** len(cycle) - 1)}}}"


def _with_base(match: re.Match[str]) -> str:
    """A number with its base in digits; what has no base stays."""
    word = match["base"]
    base = int(word) if word.isdecimal() else parse_words(word)
    digits = match["within"] or match["digits"]
    return f"{digits}_{base}" if base and digits[0].isalnum() and "_" not in digits else match[0]


def _system(match: re.Match[str]) -> str:
    """The equations of a system as a list; what is no system stays."""
    equations = re.sub(r"&\s*(?==)|(?<==)\s*&", "", match[1])
    if "=" not in equations or "&" in equations:
        return match[0]
    return ", ".join(row.strip(" ,") for row in re.split(r"\\\\", equations) if row.strip(" ,"))


def _matrix(match: re.Match[str]) -> str:
    rows = re.split(r"\\\\(?:\[[^\]]*\])?", match[1])
    return "⟦" + "¦".join(row.strip() for row in rows if row.strip()) + "⟧"


# Presentation, which does not change the value: wrappers, fonts, words that only introduce it.
_PRESENTATION: list[_Step] = [
    _sub(r"\\langle", "("),
    _sub(r"\\rangle", ")"),
    _sub(r"\\text\{,\}", "{,}"),
    _sub(r"(?<![\\A-Za-z])[dt]?frac(?=\s*[\d{])", r"\\frac"),  # its backslash got lost
    _sub(r"\\circ\{\}", r"\\circ"),
    _sub(
        r"\\[dt]?frac\s*\{\s*\\(?:text|mathrm)\s*\{([A-Za-z ]+)\}\s*\}"
        r"\s*\{\s*\\(?:text|mathrm)\s*\{([A-Za-z ]+)\}\s*\}",
        r"\\text{ \1/\2}",
    ),  # a fraction of units
    _sub(r"\s+", " "),
    str.strip,
    _without_wrapping,
    _sub(r"^(?:\*\*|`)+|(?:\*\*|`)+$|^\*(?=[^*]+\*$)|(?<=[^*])\*$(?<=^\*.)", ""),
    _sub(r"^[\"“]([^\"“”]*)[\"”]$", r"\1"),
    _without_wrapping,
    _sub(
        r"(?:\\left\s*\\\{\s*)?\\begin\{(?:cases|aligned|array)\}(?:\{[lcr| ]*\})?((?:(?!\\begin|\\end).)*)"
        r"\\end\{(?:cases|aligned|array)\}(?:\s*\\right\s*\.)?",
        _system,
    ),
    _sub(
        r"(?:\\left)?\s*[(\[]\s*\\begin\{array\}\s*\{[lcr| ]*\}((?:(?!\\begin"
        r"|\\end).)*)\\end\{array\}\s*(?:\\right)?\s*[)\]]",
        _matrix,
        re.DOTALL,
    ),
    _sub(r"\\begin\{(?:[pbBV]|small)?matrix\}(.*?)\\end\{(?:[pbBV]|small)?matrix\}", _matrix, re.DOTALL),
    _sub(r"\\\\(?=[a-zA-Z])", r"\\"),  # escaped twice
    # `6.4\mathrm{e}4`: the sign of a power of ten, set upright
    _sub(
        r"(?<=\d)(?:\s|\\,)*\\(?:text|mathrm|textrm|operatorname)\s*\{\s*[eE]\s*\}\s*"
        r"(?:\{\s*([-+]?\d{1,3})\s*\}|(?:\{([-+])\}|([-+]))?(\d{1,3}))",
        r"e\1\2\3\4",
    ),
    # fonts, sizes, colours, lines under it
    _sub(
        r"\\f?colorbox(?:\s*\{[^{}]*\}){1,2}(?=\s*\{)|\\(?:text)?color\s*(?:\[[^\]]*\])?\s*\{[^{}]*\}"
        r"|\\(?:boldsymbol"
        r"|mathbf|bm|bf|rm|it|pmb|underline|uline"
        r"|framebox|boxed|fbox|emph|mathit|mathsf|mathtt|large|Large|LARGE"
        r"|bbox(?:\s*\[[^\]]*\])?|huge|small|normalsize|displaystyle|textstyle|bfseries|mathstrut|strut|nonumber"
        r"|hfill|mathop"
        r"|mathrm(?=\s*\{\s*[ei]\s*\}))(?![a-zA-Z])",
        "",
    ),
    _without_wrapping,
    # `\text{The area is } 12`: words that only introduce a value
    _sub(
        r"^\\text(?:bf|it)?\s*\{(?![^{}]*\b(?:not|n't|less|more|most|least|than|half|twice|minus"
        r"|negative)\b)[^{}]*(?:\b(?:is|are|was|were|has|have|had|takes?|needs?|costs?|gets?|gives?|makes?|equals)"
        r"|[:=])\s*\}\s*(?=\S)"
        r"|^\\text(?:bf|it)?\s*\{\s*(?i:so|thus|hence|therefore|then|finally|i\.e\.),?\s*\}\s*(?=\S)"
        r"|^\\text(?:bf|it)?\s*\{[A-Za-z ]{3,}\}\s*:\s*(?=[^\s:][^:]*$)",
        "",
    ),
    # `12^{\text{th}}`: an ordinal's ending
    _sub(
        r"(?<=\d)(?:st|nd|rd|th)(?=\}?$)|(?<=\d)\^\s*\{?\s*(?:st|nd|rd|th)\s*\}?$"
        r"|(?<=\d)\s*(?:\^\s*\{\s*)?\\(?:text|mathrm|textrm)\s*\{\s*(?:st|nd|rd|th)\s*\}\s*\}?$",
        "",
    ),
]
_UNWRAP = _sub(
    r"\\(?:text|textnormal|mathrm|textbf|textit|textrm|mbox|operatorname|textsf|texttt|hbox)\s*\{([^{}]*)\}",
    r"\1",
)
# How numbers, signs, sets and intervals are written, once units are gone.
_NOTATION: list[_Step] = [
    _sub(
        r"(?P<whole>\d{1,20})\.(?P<fixed>\d{0,20})\\(?:overline|bar|dot)\s*(?:\{(?P<cycle>\d{1,20})\}|(?P<digit>\d))",
        _fraction,
    ),
    _sub(r"^(?P<whole>\d{1,20})\.(?P<fixed>\d{0,20})\((?P<cycle>\d{1,20})\)$", _fraction),
    _UNWRAP,
    _UNWRAP,
    str.strip,
    _sub(r"^(\d{1,9})(?:\s|\\ )*\(([a-z][a-z -]+)\)$", lambda m: m[1] if parse_words(m[2]) == int(m[1]) else m[0]),
    _sub(r"(?<![\d,.])(0\{,\}|\d+\{,\}(?=\d{1,2}(?!\d)))(?=\d)", lambda m: m[1].replace("{,}", ".")),
    _sub(r"(?<![\d.])\d{1,3}(?:\.\d{3}){2,}(?![\d.])", lambda m: m[0].replace(".", "")),
    _sub(r"^\$+|(?<!\\)\$+$", ""),
    str.strip,
    # thousands
    _sub(
        r"^\d{1,2}(?:,\d{2})+,\d{3}$"  # lakhs and crores
        r"|(?<![\d.(\[,])(?<![(\[,] )\d{1,3}(?:(?:,|\{,\}|\\,|,\\! ?)\d{3})+(?![\d,])(?!\s*[)\]])"
        r"|(?<![\d.])\d{1,3}(?:(?:\{,\}|\\!,\\!|\\text\{,\}|'(?=\d{3})|\\[,;: ]|~|,\\! ?|\\!)\d{3})+(?!\d)"
        r"|(?<![\d.,_^] )(?<![\d.,_^])\d{1,3}(?: \d{3})+(?![\d.]"
        r"| \d)",
        lambda m: re.sub(r"\D", "", m[0]),
    ),
    _sub(r"\\[,;:]|(?<!\\)\\ |\\q?quad|~|\\(?:hspace|vspace|phantom)\{[^{}]*\}", " "),
    str.strip,
    without_plain_unit,
    _sub(
        r"\\!|\\(?:left|right|middle)(?![a-z])\.?|\\(?:displaystyle|limits|(?:bigg?|Bigg?)[lr]?)(?![a-z])"
        r"|\\?\$|\\[()]|(?<!\\)\\\[|(?<!\\)\\\]",
        "",
    ),
    lambda text: text.translate(_SIGNS),
    _sub(r"\\([a-zA-Z]+)", lambda m: _COMMANDS.get(m[1], m[0])),
    _sub(r"\\log_(?:e|\{\s*e\s*\})(?![a-z])", r"\\ln "),
    _sub(r"(?<=[)\]])\s*U\s*(?=[(\[])", r"\\cup "),
    _sub(r"\\not\s*=|(?<=\s)!=(?=\s)", "≠"),
    _sub(r"\^\s*\{\s*\\circ\s*\}|\^\s*\\circ(?![a-z])|\^°", "°"),
    _sub(r"√\s*(\d+|[a-z])", r"\\sqrt{\1}"),
    _sub(r"√\s*\(", r"\\sqrt("),
    _sub(r"∛\s*(\d+|[a-z])", r"\\sqrt[3]{\1}"),
    _sub(r"\.\.\.+", r"\\dots "),
    _sub(r"\\\{\s*\\\}", r"\\emptyset"),
    _sub(r"\{([:.])\}", r"\1"),
    _sub(r"\^\{'\}", "'"),
    _sub(r"(?<=\d)\s*\\deg(?![a-z])", "°"),
    # unit vectors under a hat or an arrow
    _sub(
        r"\\(?:wide)?(?:hat|vec)\s*(?:\{\s*(?:\{\\?([ijk])(?:math)?\}|\\?([ijk])(?:math)?)\s*\}|\s\\?([ijk])(?:math)?(?![a-z])"
        r"|\\([ij])math(?![a-z]))",
        r"{\1\2\3\4}",
    ),
    _sub(r"\\mathbb\s*([A-Z])", r"\\mathbb{\1}"),
    _sub(r"\b([aApP])\.\s?[mM]\b\.?", r"\1m"),
    _sub(
        r"^(?:the set of )?all (?:real numbers|reals)$|^(?:[a-z]\s*\\in\s*)?\\mathbb\{R\}$",
        r"(-\\infty,\\infty)",
        re.IGNORECASE,
    ),
    _sub(r"(?<![\\a-z])(?:infinity|infty|inf)(?![a-z])", r"\\infty"),
    _sub(r"_\{(\d+)\}(?!\d)", r"_\1"),
    # a number in another base: `(40)_9`, `40_{(9)}`, `40_{\text{nine}}`, `40 (base 9)`
    _sub(
        r"^(?:\((?P<within>\w+)\)|(?P<digits>\w+?))(?:\s*_\s*\{?\(?(?:base[\s-]?)?|\s*\(?\s*(?:in )?base[\s-]*)"
        r"(?P<base>\d{1,2}|[a-z]{3,8})\s*\)?\}?$",
        _with_base,
    ),
    _sub(r"^\\\{\s*[a-z]\s*(?:\\in\s*\\mathbb\{R\}\s*)?(?:\\mid|:|\|)\s*(.*)\\\}$", r"\1"),
    _sub(r"^[a-z]\s*(?:\\mid|[|:])\s*([^|]*[<>≠][^|]*)$", r"\1"),
    _sub(r"^\\mathbb\{R\}(?:_\{?\+\}?|\^\{?\+\}?|_\{>\s?0\})$", r"(0,\\infty)"),
    _sub(r"^\|([a-z])\|\s*(<=|<)\s*([^<>|]+)$", r"-(\3)\2\1\2\3"),
    _sub(r"^\|[a-z]\|\s*>=\s*([^<>|=]+)$", r"(-\\infty,-(\1)]\\cup[\1,\\infty)"),
    _sub(r"^\|[a-z]\|\s*>\s*([^<>|=]+)$", r"(-\\infty,-(\1))\\cup(\1,\\infty)"),
    _sub(r"^\|([a-z])\s*-\s*([^<>|]+)\|\s*(<=|<)\s*([^<>|]+)$", r"\2-(\4)\3\1\3\2+(\4)"),
    _sub(r"^\|([a-z])\s*\+\s*([^<>|]+)\|\s*(<=|<)\s*([^<>|]+)$", r"-(\2)-(\4)\3\1\3-(\2)+(\4)"),
    _sub(
        r"^(?:all |any )?real numbers?(?: x)?,? (?:except|other than|but|not equal to)(?: for)? (?:[a-z] ?= ?)?"
        r"([^a-zA-Z,]+)$",
        r"x≠\1",
        re.IGNORECASE,
    ),
    _sub(
        r"(?<![a-zA-Z\\])C\((\d+),\s*(\d+)\)|(?:\{\}_|(?:\{\})?\^)(?:\{(?=\d+\})|(?=\d+C))(\d+)\}?\s*C_\{?(\d+)\}?",
        r"\\binom{\1\3}{\2\4}",
    ),
    # A set by its terms is their list: `\{2k : k \in \mathbb{Z}\}`.
    _sub(r"^\\\{\s*([^:|]+?)\s*(?:\\mid|:|\|)\s*([a-z]\s*\\in\s*\\mathbb\{[ZN]\})\s*\\\}$", r"\1, \2"),
    _sub(r"^(?:the set of )?(?:all )?integers$", r"\\mathbb{Z}", re.IGNORECASE),
    _sub(r"(?<![_^\\}])\{\}(?![_^])", ""),
    _sub(r"\\sqrt\[\s*\]", r"\\sqrt"),
    _sub(r"\{([^{}]*)\\over(?![a-z])([^{}]*)\}|^([^{}]*)\\over(?![a-z])([^{}]*)$", r"\\frac{\1\3}{\2\4}"),
    _sub(r"(\\int[^\\]{0,40})\\frac\{([^{}]+?)\s*d([a-z])\}\{([^{}]*)\}", r"\1\\frac{\2}{\4} d\3"),
    # How computer algebra prints: a plain limit as one from above, a matrix in brackets of its own.
    _sub(r"(\\to|arrow)(\s*-?[\w\\ ]+?)\^(?:\+|\{\+\})(?=\s*\})", r"\1\2"),
    _sub(r"[\[(]\s*(⟦[^⟦⟧]*⟧)\s*[\])]", r"\1"),
    lambda text: text.strip().removesuffix("\\\\").rstrip(".,;。").strip(),
    _half_open,
    _sub(
        r"^(?:there (?:is|are) )?no (?:real |integer |positive |such |possible |valid )*(?:solutions?|roots?"
        r"|values?)(?: exists?)?$|^(?:the )?empty set$",
        r"\\emptyset",
        re.IGNORECASE,
    ),
    without_plain_unit,
    # `0.1666\\dots`: a cycle that is written three times goes on
    _sub(
        r"^(?P<whole>\d{1,12})\.(?P<fixed>\d{0,12}?)(?P<cycle>\d{1,6}?)(?P=cycle){2,}(?:\s|\{\})*\\dots\s*$",
        _fraction,
    ),
    _sub(r"(\\[dtc]?(?:frac|binom))\s*(\d)\s+(\d)(?!\d)", r"\1{\2}{\3}"),
    _sub(r"(?<![\d.,_^\\{/])(\d+)(?:\s+|\s*\+?\\?\s+and\s+)(\d+)\s*/\s*(\d+)(?![\d/])", r"\1\\frac{\2}{\3}"),
    _sub(r"^\{([^{},]*)\}$", r"\1"),
    _sub(r"^\(([A-J])\)$", r"\1"),
    _sub(r"\s+", " "),
    str.strip,
]
