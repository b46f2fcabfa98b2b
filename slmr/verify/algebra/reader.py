r"""Reads one LaTeX or plain-text expression into a tree.

Recursive descent over bounded input: numbers, letters, Greek letters, `\frac`, `\sqrt`, powers, absolute values,
factorials, binomials, the elementary functions, sums, products, integrals and limits. Anything else is `Unreadable`,
never half read. Its steps are generators that one loop runs, so that nested text does not exhaust Python's stack.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from fractions import Fraction
from typing import Any

from slmr.verify.algebra.tokens import (
    ACCENTS,
    ARROWS,
    BIG,
    BINOMIALS,
    CLOSE,
    COMMANDS,
    FRACTIONS,
    GREEK,
    INVERSE,
    MODULO,
    OF_SEVERAL,
    OPERATORS,
    Cursor,
    decimal,
    tokens,
)
from slmr.verify.algebra.tree import Node, TwoNumbers, Unreadable, inverse, negate, number, replace_symbol, symbol

MAX_CHARS, MAX_DEPTH = 1_000, 30

# Functions whose argument may be given in degrees; elsewhere a degree sign is a unit.
_OF_ANGLES = {"sin", "cos", "tan", "cot", "sec", "csc", "cis"}
_DEGREE = Node("multiply", (symbol("\\pi"), number(Fraction(1, 180))))
_I = symbol("i")

# A step of reading: it yields the steps that it needs, and returns its node.
_Step = Generator["_Step", Any, Any]


def read(text: str) -> Node:
    """The tree of an expression.

    Raises:
        Unreadable: it is no expression of the kind above, or too large.
    """
    if len(text) > MAX_CHARS and not text.isdecimal():
        raise Unreadable("too long")
    reader = _Reader(tokens(text))
    tree = _run(reader.whole())
    if not reader.done:
        raise Unreadable("something is left over")
    return tree


def _run(step: _Step) -> Node:
    """The result of a step; the steps that it yields are run first, on a stack."""
    stack, result = [step], None
    while stack:
        try:
            stack.append(stack[-1].send(result))
            result = None
        except StopIteration as done:
            stack.pop()
            result = done.value
    return result  # type: ignore[return-value]


class _Reader(Cursor):
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        super().__init__(tokens)
        self._depth = 0
        self._bars = 0  # open absolute values within the innermost bracket
        self._integrals = 0  # open integrals, whose bodies end at their differential
        self._nested = 0  # big operators around the current place
        self._angles = 0  # functions of an angle around the current place

    def whole(self) -> _Step:
        r"""A sum, or `n \choose k`, which reaches as far as the group that it stands in."""
        inside = yield self.sum()
        if self._take("\\choose"):
            inside = Node("binomial", (inside, (yield self.sum())))
        return inside

    def sum(self) -> _Step:
        terms = [(yield self._product())]
        while sign := self._take("+", "-"):
            term = yield self._product()
            terms.append(term if sign == "+" else negate(term))
        return terms[0] if len(terms) == 1 else Node("add", tuple(terms))

    def _product(self) -> _Step:
        factors = [(yield self._signed())]
        while True:
            kind, text = self._peek()
            if text in OPERATORS:
                self._at += 1
                factor = yield self._signed()
                factors.append(factor if OPERATORS[text] == "*" else inverse(factor))
            elif text in MODULO:
                self._at += 1
                factors = [Node("mod", (_product_of(factors), (yield self._signed())))]
            elif self._starts_factor(kind, text):
                if kind == "number" and factors[-1] != _I and self._peek(-1)[1] not in ("}", ")", "!"):
                    raise TwoNumbers("two numbers side by side")
                factors.append((yield self._power()))
            else:
                return _product_of(factors)

    def _starts_factor(self, kind: str, text: str) -> bool:
        if text == "|":
            return not self._bars
        if text == "d" and self._integrals and self._is_variable(1):
            return False
        if text in ("\\rfloor", "\\rceil", "\\choose", *ARROWS):
            return False
        return kind in ("number", "letter", "name", "command") or text in ("(", "{", "[")

    def _signed(self) -> _Step:
        negative = False
        while sign := self._take("-", "+"):
            negative ^= sign == "-"
        value = yield self._power()
        return negate(value) if negative else value

    def _power(self) -> _Step:
        kind, text = self._peek()
        if kind in ("number", "letter"):  # most atoms: no step of their own
            self._at += 1
            base = self._leaf(kind, text)
        else:
            base = yield self._atom()
        if kind == "number" and text.isdigit() and self._peek()[1] in FRACTIONS:
            base = Node("add", (base, (yield self._mixed_part())))
        while True:
            if self._take("^"):
                return self._in_degrees(Node("power", (base, (yield self._exponent()))))
            if not self._take("!"):
                return self._in_degrees(base)
            base = Node("double_factorial" if self._take("!") else "factorial", (base,))

    def _in_degrees(self, value: Node) -> Node:
        """A value with the degree sign that follows: an angle within a function of angles, else a unit."""
        if self._take("°") and self._angles:
            return Node("multiply", (value, _DEGREE))
        return value

    def _mixed_part(self) -> _Step:
        r"""The fraction of a mixed number such as `2\frac{1}{2}`; it must be one of whole numbers."""
        part = yield self._atom()
        numbers = [part.args[0], *part.args[1].args] if part.op == "multiply" else []
        if len(numbers) == 3 and all(n.op == "number" for n in numbers):
            top, bottom = numbers[0].value, numbers[1].value
            if bottom and 0 < top / bottom < 1:
                return number(top / bottom)
        raise Unreadable("neither a mixed number nor a clear product")

    def _exponent(self) -> _Step:
        sign = self._take("-", "+")
        value = yield self._atom()
        return negate(value) if sign == "-" else value

    def _atom(self) -> _Step:
        self._depth += 1  # every nesting passes here
        if self._depth > MAX_DEPTH:
            raise Unreadable("nested too deeply")
        value = yield self._value(*self._next())
        self._depth -= 1
        return value

    def _value(self, kind: str, text: str) -> _Step:
        if kind in ("number", "letter"):
            return self._leaf(kind, text)
        if kind == "name":
            return (yield self._named(text))
        if kind == "command":
            return (yield self._command(text))
        if text in ("(", "{", "["):
            return (yield self._bracketed(text))
        if text == "|":
            return (yield self._absolute())
        raise Unreadable(f"{text or 'the end'} is no value")

    def _leaf(self, kind: str, text: str) -> Node:
        """A number, or a letter with its subscript; `I` is how computer algebra prints the imaginary unit."""
        if kind == "letter":
            return symbol("i" if text == "I" else text + self._subscript())
        if self._peek()[1] == "_":
            raise Unreadable("a number in another base")
        return number(decimal(text))

    def _bracketed(self, opening: str) -> _Step:
        bars, self._bars = self._bars, 0
        inside = yield self.whole()
        self._expect(CLOSE[opening])
        self._bars = bars
        return inside

    def _absolute(self) -> _Step:
        self._bars += 1
        inside = yield self.sum()
        self._bars -= 1
        self._expect("|")
        return Node("abs", (inside,))

    def _subscript(self) -> str:
        if not self._take("_"):
            return ""
        if not self._take("{"):
            return f"_{self._next()[1]}"
        parts = []
        while self._peek()[1] not in ("}", ""):
            parts.append(self._next()[1])
        self._expect("}")
        return f"_{''.join(parts)}"

    def _named(self, name: str) -> _Step:
        if name == "pi":
            return symbol("\\pi")
        if name in OF_SEVERAL:
            return (yield self._of_several(name))
        return (yield (self._root() if name == "sqrt" else self._function(name)))

    def _command(self, text: str) -> _Step:
        if text in FRACTIONS:
            top = yield self._argument()
            return Node("multiply", (top, inverse((yield self._argument()))))
        if text in (*BINOMIALS, "\\choose"):
            top = yield self._argument()
            return Node("binomial", (top, (yield self._argument())))
        if text in GREEK:
            return symbol(text + self._subscript())
        if text in ACCENTS:
            return (yield self._accented(ACCENTS[text]))
        if text in BIG:
            return (yield self._big(text[1:]))
        if text in ("\\lfloor", "\\lceil"):
            return Node({"\\lfloor": "floor", "\\lceil": "ceil"}[text], ((yield self._bracketed(text)),))
        if text[1:] in COMMANDS:
            return (yield self._named(text[1:]))
        raise Unreadable(f"{text} is not known here")

    def _accented(self, accent: str) -> _Step:
        inside = yield self._atom()
        if inside.op != "symbol":
            raise Unreadable("an accent over more than a symbol")
        return symbol(f"{accent}:{inside.name}{self._subscript()}")

    def _argument(self) -> _Step:
        r"""The argument of `\frac`: a group, one letter, or the next digit of a number (`\frac12`)."""
        kind, text = self._peek()
        if kind == "number" and len(text) > 1 and text.isdigit():
            self._tokens[self._at] = (kind, text[1:])
            return number(int(text[0]))
        return (yield self._atom())

    def _root(self) -> _Step:
        degree = number(2)
        if self._take("["):
            degree = yield self.sum()
            self._expect("]")
        return Node("root", ((yield self._argument()), degree))

    def _of_several(self, name: str) -> _Step:
        opening = self._next()[1]
        if opening not in ("(", "{", "["):
            raise Unreadable(f"{name} of what")
        args = [(yield self.sum())]
        while self._take(","):
            args.append((yield self.sum()))
        self._expect(CLOSE[opening])
        return Node(name, tuple(args))

    def _function(self, name: str) -> _Step:
        exponent, base = None, None
        if self._take("_"):
            base = yield self._atom()
        if self._take("^"):
            exponent = yield self._exponent()
        if exponent == number(-1) and name in INVERSE:
            name, exponent = f"a{name}", None
        name = {"log": "ln", "lg": "log10"}.get(name, re.sub(r"^arc?(?=sin|cos|tan)", "a", name))
        self._angles += name in _OF_ANGLES
        argument = yield self._function_argument()
        self._angles -= name in _OF_ANGLES
        value = Node(name, (argument,))
        if base is not None:
            if name != "ln":
                raise Unreadable(f"{name} with a base")
            value = Node("log", (argument, base))
        elif name == "log10":
            value = Node("log", (argument, number(10)))
        elif name == "cis":
            value = Node("add", (Node("cos", (argument,)), Node("multiply", (_I, Node("sin", (argument,))))))
        elif name == "exp":
            value = Node("power", (symbol("e"), argument))
        return value if exponent is None else Node("power", (value, exponent))

    def _function_argument(self) -> _Step:
        """What a function applies to: brackets, another function, or the letters and numbers that follow."""
        if self._peek()[1] in ("(", "{", "[", "|"):
            return self._in_degrees((yield self._atom()))
        factors = [(yield self._power())]
        while self._is_variable(0) and self._starts_factor(*self._peek()):
            factors.append((yield self._power()))
        return _product_of(factors)

    def _big(self, name: str) -> _Step:
        low, high, variable = yield self._limits(name)
        self._nested += 1
        bound = f"@{self._nested}"
        if name == "int":
            node = yield self._integral(low, high, bound)
        elif name == "lim":
            if low is None:
                raise Unreadable("a limit of what")
            node = Node("lim", (low, replace_symbol((yield self._product()), variable, symbol(bound))), name=bound)
        else:
            if low is None or high is None or not variable:
                raise Unreadable(f"a {name} without its bounds")
            body = yield self._product()
            node = Node(name, (low, high, replace_symbol(body, variable, symbol(bound))), name=bound)
        self._nested -= 1
        return node

    def _limits(self, name: str) -> _Step:
        """The lower and upper bound, in any order, and the variable that the lower one names."""
        bounds: dict[str, Node | None] = {"_": None, "^": None}
        variable = ""
        while mark := self._take(*bounds):
            if self._peek()[1] == "{" and self._peek(1)[1] == "}":
                self._at += 2
            elif mark == "_" and name != "int":
                self._expect("{")
                variable, bounds["_"] = yield self._lower(name)
            elif self._peek()[0] in ("number", "letter"):  # alone: in `^3_{k=1}` the 3 has no subscript
                kind, text = self._next()
                bounds[mark] = number(decimal(text)) if kind == "number" else symbol(text)
            else:
                bounds[mark] = yield self._exponent()
        return bounds["_"], bounds["^"], variable

    def _lower(self, name: str) -> _Step:
        r"""`k = 1` or `x \to 0`, as far as the closing brace."""
        if not self._is_variable(0):
            raise Unreadable("no variable to run over")
        variable, mark = self._next()[1], self._next()[1]
        if mark not in (ARROWS if name == "lim" else ("=",)):
            raise Unreadable("no start to run from")
        low = yield self.sum()
        self._expect("}")
        return variable, low

    def _integral(self, low: Node | None, high: Node | None, bound: str) -> _Step:
        self._integrals += 1
        starts_with_differential = self._peek()[1] == "d" and self._is_variable(1)
        body = number(1) if starts_with_differential else (yield self.sum())
        self._integrals -= 1
        if not (self._peek()[1] == "d" and self._is_variable(1)):
            raise Unreadable("an integral without its differential")
        self._at += 1
        variable = self._next()[1]
        if low is None or high is None:
            return Node("int", (body, symbol(variable)))
        return Node("int", (replace_symbol(body, variable, symbol(bound)), symbol(bound), low, high), name=bound)


def _product_of(factors: list[Node]) -> Node:
    return factors[0] if len(factors) == 1 else Node("multiply", tuple(factors))
