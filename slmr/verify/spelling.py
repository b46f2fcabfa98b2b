r"""One spelling for what means the same on the page: spaces, wrappers, units, `\dfrac`, a final stop."""

from __future__ import annotations

import re

from slmr.verify.completion import fold
from slmr.verify.quantity import in_words
from slmr.verify.units import without_plain_unit, without_units

_DROP = re.compile(
    r"\\!|\\(?:left|right|middle)(?![a-z])\.?|\\(?:displaystyle|limits|(?:bigg?|Bigg?)[lr]?)(?![a-z])"
    r"|\\?\$|\\[()]|(?<!\\)\\\[|(?<!\\)\\\]"
)
_DOLLARS = re.compile(r"^\$+|(?<!\\)\$+$")
_BLANK = re.compile(r"\\[,;:]|(?<!\\)\\ |\\q?quad|~|\\(?:hspace|vspace|phantom)\{[^{}]*\}")
# How it looks, which says nothing: fonts, sizes, colours, lines under it.
_LOOK = re.compile(
    r"\\f?colorbox(?:\s*\{[^{}]*\}){1,2}(?=\s*\{)|\\(?:text)?color\s*(?:\[[^\]]*\])?\s*\{[^{}]*\}|\\(?:boldsymbol"
    r"|mathbf|bm|bf|rm|it|pmb|underline|uline"
    r"|framebox|boxed|fbox|emph|mathit|mathsf|mathtt|large|Large|LARGE"
    r"|bbox(?:\s*\[[^\]]*\])?|huge|small|normalsize|displaystyle|textstyle|bfseries|mathstrut|strut|nonumber"
    r"|hfill|mathop"
    r"|mathrm(?=\s*\{\s*[ei]\s*\}))(?![a-zA-Z])"
)
# `6.4\\mathrm{e}4`: the sign of a power of ten, set upright.
_POWER_OF_TEN = re.compile(
    r"(?<=\d)(?:\s|\\,)*\\(?:text|mathrm|textrm|operatorname)\s*\{\s*[eE]\s*\}\s*"
    r"(?:\{\s*([-+]?\d{1,3})\s*\}|(?:\{([-+])\}|([-+]))?(\d{1,3}))"
)
_WRAP = re.compile(
    r"\\(?:text|textnormal|mathrm|textbf|textit|textrm|mbox|operatorname|textsf|texttt|hbox)\s*\{([^{}]*)\}"
)
_THOUSANDS = re.compile(
    r"^\d{1,2}(?:,\d{2})+,\d{3}$"  # lakhs and crores
    r"|(?<![\d.(\[,])(?<![(\[,] )\d{1,3}(?:(?:,|\{,\}|\\,|,\\! ?)\d{3})+(?![\d,])(?!\s*[)\]])"
    r"|(?<![\d.])\d{1,3}(?:(?:\{,\}|\\!,\\!|\\text\{,\}|'(?=\d{3})|\\[,;: ]|~|,\\! ?|\\!)\d{3})+(?!\d)"
    r"|(?<![\d.,_^] )(?<![\d.,_^])\d{1,3}(?: \d{3})+(?![\d.]"
    r"| \d)"
)
_NO_SOLUTION = re.compile(
    r"^(?:there (?:is|are) )?no (?:real |integer |positive |such |possible |valid )*(?:solutions?|roots?"
    r"|values?)(?: exists?)?$|^(?:the )?empty set$",
    re.IGNORECASE,
)
# `\\text{The area is } 12`, `12^{\\text{th}}`: words that only introduce a value, an ordinal's ending.
_LABEL = re.compile(
    r"^\\text(?:bf|it)?\s*\{(?![^{}]*\b(?:not|n't|less|more|most|least|than|half|twice|minus"
    r"|negative)\b)[^{}]*(?:\b(?:is|are|was|were|has|have|had|takes?|needs?|costs?|gets?|gives?|makes?|equals)"
    r"|[:=])\s*\}\s*(?=\S)"
    r"|^\\text(?:bf|it)?\s*\{\s*(?i:so|thus|hence|therefore|then|finally|i\.e\.),?\s*\}\s*(?=\S)"
    r"|^\\text(?:bf|it)?\s*\{[A-Za-z ]{3,}\}\s*:\s*(?=[^\s:][^:]*$)"
)
_ORDINAL = re.compile(
    r"(?<=\d)(?:st|nd|rd|th)(?=\}?$)|(?<=\d)\^\s*\{?\s*(?:st|nd|rd|th)\s*\}?$|(?<=\d)\s*(?:\^\s*\{\s*)?\\(?:text|mathrm|textrm)\s*\{\s*(?:st"
    r"|nd|rd|th)\s*\}\s*\}?$"
)
_MIXED = re.compile(r"(?<![\d.,_^\\{/])(\d+)(?:\s+|\s*\+?\\?\s+and\s+)(\d+)\s*/\s*(\d+)(?![\d/])")
_DIGIT_ARGUMENTS = re.compile(r"(\\[dtc]?(?:frac|binom))\s*(\d)\s+(\d)(?!\d)")
_RECURRING = re.compile(
    r"(?P<whole>\d{1,20})\.(?P<fixed>\d{0,20})\\(?:overline|bar|dot)\s*(?:\{(?P<cycle>\d{1,20})\}|(?P<digit>\d))"
)
_RECURRING_ALONE = re.compile(r"^(?P<whole>\d{1,20})\.(?P<fixed>\d{0,20})\((?P<cycle>\d{1,20})\)$")
# `0.1666\\dots`: a cycle that is written three times goes on.
_AND_SO_ON = re.compile(
    r"^(?P<whole>\d{1,12})\.(?P<fixed>\d{0,12}?)(?P<cycle>\d{1,6}?)(?P=cycle){2,}(?:\s|\{\})*\\dots\s*$"
)
_DECIMAL_COMMA = re.compile(r"(?<![\d,.])(0\{,\}|\d+\{,\}(?=\d{1,2}(?!\d)))(?=\d)")
_DOTTED = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{3}){2,}(?![\d.])")
_SPACE = r"\s|(?<!\\)\$|~|(?<!\\)\\[,;:! ]|\\q?quad(?![a-z])"
_MAX_EDGES = 40
_EDGE = re.compile(rf"^(?:{_SPACE}|\\(?:display|text)style(?![a-z])){{1,40}}|(?:{_SPACE}|(?<!\.)\.){{1,40}}$")
_MATRIX = re.compile(r"\\begin\{(?:[pbBV]|small)?matrix\}(.*?)\\end\{(?:[pbBV]|small)?matrix\}", re.DOTALL)
_ARRAY = re.compile(
    r"(?:\\left)?\s*[(\[]\s*\\begin\{array\}\s*\{[lcr| ]*\}((?:(?!\\begin"
    r"|\\end).)*)\\end\{array\}\s*(?:\\right)?\s*[)\]]",
    re.DOTALL,
)
_CASES = re.compile(
    r"(?:\\left\s*\\\{\s*)?\\begin\{(?:cases|aligned|array)\}(?:\{[lcr| ]*\})?((?:(?!\\begin|\\end).)*)"
    r"\\end\{(?:cases|aligned|array)\}(?:\s*\\right\s*\.)?"
)
_UNIT_FRACTION = re.compile(
    r"\\[dt]?frac\s*\{\s*\\(?:text|mathrm)\s*\{([A-Za-z ]+)\}\s*\}\s*\{\s*\\(?:text|mathrm)\s*\{([A-Za-z ]+)\}\s*\}"
)
_IN_WORDS = re.compile(r"^(\d{1,9})(?:\s|\\ )*\(([a-z][a-z -]+)\)$")
_MARKED = re.compile(r"^(?:\*\*|`)+|(?:\*\*|`)+$|^\*(?=[^*]+\*$)|(?<=[^*])\*$(?<=^\*.)")
_QUOTED = re.compile(r"^[\"“]([^\"“”]*)[\"”]$")
_OUTWARD = re.compile(r"^\]|\[$")
_INTERVAL = re.compile(r"([\[\]])([^\[\],;]+[,;][^\[\],;]+)([\[\]])")
_COMMAND = re.compile(r"\\([a-zA-Z]+)")
_COMMANDS = {
    **dict.fromkeys(("dfrac", "tfrac", "cfrac", "nicefrac", "sfrac"), "\\frac"),
    **dict.fromkeys(("le", "leq", "leqslant"), "<="), **dict.fromkeys(("ge", "geq", "geqslant"), ">="),
    **dict.fromkeys(("ne", "neq"), "≠"), "lt": "<", "gt": ">", "cdot": "*", "times": "*", "equiv": "=",
        "therefore": "", "colon": ":", "lor": " or ", "land": " and ",
    **dict.fromkeys(("ldots", "cdots", "dotsc", "dotsb", "dotsm", "dots"), "\\dots "), "degree": "°", "prime": "'",
    "exponentialE": "e", "varnothing": "\\emptyset", "lbrace": "\\{", "rbrace": "\\}", "lbrack": "[", "rbrack": "]",
    **dict.fromkeys(("langle", "lparen"), "("), **dict.fromkeys(("rangle", "rparen"), ")"),
}  # fmt: skip
_SIGNS = str.maketrans({
    "≤": "<=", "≥": ">=", "∈": "\\in ", "∪": "\\cup ", "∩": "\\cap ", "∞": "\\infty ", "±": "\\pm ", "∓": "\\mp ",
    "×": "*", "·": "*", "⋅": "*", "∗": "*", "÷": "\\div ", "…": "\\dots ", "⋯": "\\dots ", "≡": "=", "∴": "",
        "⟨": "(",
    "⟩": ")", "∅": "\\emptyset", "→": "\\to ",
    "⌊": "\\lfloor ", "⌋": "\\rfloor ", "⌈": "\\lceil ", "⌉": "\\rceil ",
    "ℝ": "\\mathbb{R}", "ℤ": "\\mathbb{Z}", "ℕ": "\\mathbb{N}", "−": "-",
        "≈": "\\approx ",
    **dict(zip("αβγδεζηθκλμνξπρστφχψωΓΔΘΛΣΦΨΩ", (
        "\\alpha \\beta \\gamma \\delta \\epsilon \\zeta \\eta \\theta \\kappa \\lambda \\mu \\nu \\xi \\pi \\rho"
        " \\sigma \\tau \\phi \\chi \\psi \\omega \\Gamma \\Delta \\Theta \\Lambda \\Sigma \\Phi \\Psi \\Omega"
    ).replace(" ", " |").split("|"), strict=True)),
})  # fmt: skip
_SAME = [
    (re.compile(r"\\not\s*=|(?<=\s)!=(?=\s)"), "≠"), (re.compile(r"\^\s*\{\s*\\circ\s*\}|\^\s*\\circ(?![a-z])|\^°"),
        "°"),
    (re.compile(r"√\s*(\d+|[a-z])"), r"\\sqrt{\1}"), (re.compile(r"√\s*\("), r"\\sqrt("),
    (re.compile(r"∛\s*(\d+|[a-z])"), r"\\sqrt[3]{\1}"), (re.compile(r"\.\.\.+"), r"\\dots "),
    (re.compile(r"\\\{\s*\\\}"), r"\\emptyset"), (re.compile(r"\{([:.])\}"), r"\1"), (re.compile(r"\^\{'\}"), "'"),
    (re.compile(r"(?<=\d)\s*\\deg(?![a-z])"), "°"),
    # unit vectors under a hat or an arrow
    (re.compile(r"\\(?:wide)?(?:hat|vec)\s*(?:\{\s*(?:\{\\?([ijk])(?:math)?\}|\\?([ijk])(?:math)?)\s*\}|\s\\?([ijk])(?:math)?(?![a-z])"
        r"|\\([ij])math(?![a-z]))"), r"{\1\2\3\4}"),
    (re.compile(r"\\mathbb\s*([A-Z])"), r"\\mathbb{\1}"), (re.compile(r"\b([aApP])\.\s?[mM]\b\.?"), r"\1m"),
    (re.compile(r"^(?:the set of )?all (?:real numbers|reals)$|^(?:[a-z]\s*\\in\s*)?\\mathbb\{R\}$", re.IGNORECASE),
        r"(-\\infty,\\infty)"),
    (re.compile(r"(?<![\\a-z])(?:infinity|infty|inf)(?![a-z])"), r"\\infty"), (re.compile(r"_\{(\d+)\}(?!\d)"), r"_\1"),
    (re.compile(r"^\\\{\s*[a-z]\s*(?:\\in\s*\\mathbb\{R\}\s*)?(?:\\mid|:|\|)\s*(.*)\\\}$"), r"\1"),
    (re.compile(r"^[a-z]\s*(?:\\mid|[|:])\s*([^|]*[<>≠][^|]*)$"), r"\1"),
    (re.compile(r"^\\mathbb\{R\}(?:_\{?\+\}?|\^\{?\+\}?|_\{>\s?0\})$"), r"(0,\\infty)"),
    (re.compile(r"^\|([a-z])\|\s*(<=|<)\s*([^<>|]+)$"), r"-(\3)\2\1\2\3"),
    (re.compile(r"^\|[a-z]\|\s*>=\s*([^<>|=]+)$"), r"(-\\infty,-(\1)]\\cup[\1,\\infty)"),
    (re.compile(r"^\|[a-z]\|\s*>\s*([^<>|=]+)$"), r"(-\\infty,-(\1))\\cup(\1,\\infty)"),
    (re.compile(r"^\|([a-z])\s*-\s*([^<>|]+)\|\s*(<=|<)\s*([^<>|]+)$"), r"\2-(\4)\3\1\3\2+(\4)"),
    (re.compile(r"^\|([a-z])\s*\+\s*([^<>|]+)\|\s*(<=|<)\s*([^<>|]+)$"), r"-(\2)-(\4)\3\1\3-(\2)+(\4)"),
    (re.compile(r"^(?:all |any )?real numbers?(?: x)?,? (?:except|other than|but|not equal to)(?: for)? (?:[a-z] ?= ?)?"
        r"([^a-zA-Z,]+)$", re.IGNORECASE), r"x≠\1"),
    (re.compile(r"(?<![a-zA-Z\\])C\((\d+),\s*(\d+)\)|(?:\{\}_|(?:\{\})?\^)(?:\{(?=\d+\})|(?=\d+C))(\d+)\}?\s*C_\{?(\d+)\}?"),
        r"\\binom{\1\3}{\2\4}"),
    # A set by its terms is their list: `\{2k : k \in \mathbb{Z}\}`.
    (re.compile(r"^\\\{\s*([^:|]+?)\s*(?:\\mid|:|\|)\s*([a-z]\s*\\in\s*\\mathbb\{[ZN]\})\s*\\\}$"), r"\1, \2"),
    (re.compile(r"^(?:the set of )?(?:all )?integers$", re.IGNORECASE), r"\\mathbb{Z}"),
    (re.compile(r"(?<![_^\\}])\{\}(?![_^])"), ""),
    (re.compile(r"\\sqrt\[\s*\]"), r"\\sqrt"),
    (re.compile(r"\{([^{}]*)\\over(?![a-z])([^{}]*)\}|^([^{}]*)\\over(?![a-z])([^{}]*)$"), r"\\frac{\1\3}{\2\4}"),
    (re.compile(r"(\\int[^\\]{0,40})\\frac\{([^{}]+?)\s*d([a-z])\}\{([^{}]*)\}"), r"\1\\frac{\2}{\4} d\3"),
    # How computer algebra prints: a plain limit as one from above, a matrix in brackets of its own.
    (re.compile(r"(\\to|arrow)(\s*-?[\w\\ ]+?)\^(?:\+|\{\+\})(?=\s*\})"), r"\1\2"),
    (re.compile(r"[\[(]\s*(⟦[^⟦⟧]*⟧)\s*[\])]"), r"\1"),
]  # fmt: skip


def normalise(text: str, is_gold: bool = False) -> str:
    """The text in one spelling, still LaTeX."""
    plain = fold(text).replace("\\langle", "(").replace("\\rangle", ")").replace("\\text{,}", "{,}")
    plain = _UNIT_FRACTION.sub(r"\\text{ \1/\2}", plain.replace("\\circ{}", "\\circ"))
    plain = _bare(re.sub(r"\s+", " ", plain).strip())
    plain = _bare(_QUOTED.sub(r"\1", _MARKED.sub("", plain)))
    plain = re.sub(
        r"\\\\(?=[a-zA-Z])", r"\\", _MATRIX.sub(_matrix, _ARRAY.sub(_matrix, _CASES.sub(_system, plain)))
    )  # escaped twice
    plain = _ORDINAL.sub("", _LABEL.sub("", _bare(_LOOK.sub("", _POWER_OF_TEN.sub(r"e\1\2\3\4", plain)))))
    plain = _RECURRING_ALONE.sub(_fraction, _RECURRING.sub(_fraction, without_units(plain, is_gold)))
    for _ in range(2):
        plain = _WRAP.sub(r"\1", plain)
    plain = _IN_WORDS.sub(lambda m: m[1] if in_words(m[2]) == int(m[1]) else m[0], plain.strip())
    plain = _DECIMAL_COMMA.sub(lambda m: m[1].replace("{,}", "."), plain) if "{,}" in plain else plain
    plain = _DOTTED.sub(lambda m: m[0].replace(".", ""), plain)
    plain = _THOUSANDS.sub(lambda m: re.sub(r"\D", "", m[0]), _DOLLARS.sub("", plain).strip())
    plain = _DROP.sub("", without_plain_unit(_BLANK.sub(" ", plain).strip()))
    plain = _COMMAND.sub(lambda m: _COMMANDS.get(m[1], m[0]), plain.translate(_SIGNS))
    for pattern, spelling in _SAME:
        plain = pattern.sub(spelling, plain)
    plain = _half_open(plain.strip().removesuffix("\\\\").rstrip(".,;。").strip())
    plain = "\\emptyset" if _NO_SOLUTION.match(plain) else without_plain_unit(plain)
    plain = _AND_SO_ON.sub(_fraction, plain)
    plain = _MIXED.sub(r"\1\\frac{\2}{\3}", _DIGIT_ARGUMENTS.sub(r"\1{\2}{\3}", plain))
    plain = re.sub(r"^\{([^{},]*)\}$", r"\1", plain)
    plain = re.sub(r"^\(([A-J])\)$", r"\1", plain)
    return re.sub(r"\s+", " ", plain).strip()


def _half_open(text: str) -> str:
    """Intervals as they are written in Europe, `]2, 3[`, in round brackets."""
    if "\\sqrt[" in text or not _OUTWARD.search(text):
        return text
    return _INTERVAL.sub(lambda m: ("(" if m[1] == "]" else "[") + m[2] + (")" if m[3] == "[" else "]"), text)


def _bare(text: str) -> str:
    """The text without what only presents it: dollars, spaces, a final stop, a group around all of it."""
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
        listed = character == "," and group[i - 1] != "\\" and braces == 1 and within == 0
        if listed or (braces == 0 and i < len(group) - 1):
            return True
    return braces != 0


def _fraction(match: re.Match[str]) -> str:
    """A recurring decimal as a fraction."""
    parts = match.groupdict()
    whole, fixed, cycle = parts["whole"], parts["fixed"], parts["cycle"] or parts["digit"]
    top = int(whole + fixed + cycle) - int(whole + fixed or "0")
    return f"\\frac{{{top}}}{{{10 ** len(fixed) * (10 ** len(cycle) - 1)}}}"


def _system(match: re.Match[str]) -> str:
    """The equations of a system as a list; what is no system stays."""
    equations = re.sub(r"&\s*(?==)|(?<==)\s*&", "", match[1])
    if "=" not in equations or "&" in equations:
        return match[0]
    return ", ".join(row.strip(" ,") for row in re.split(r"\\\\", equations) if row.strip(" ,"))


def _matrix(match: re.Match[str]) -> str:
    rows = re.split(r"\\\\(?:\[[^\]]*\])?", match[1])
    return "⟦" + "¦".join(row.strip() for row in rows if row.strip()) + "⟧"
