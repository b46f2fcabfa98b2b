"""Shows that two expressions differ, by their values at a few points; never that they are equal.

Uses double precision with a bound on cancellation. What has no clear value (a branch on which conventions differ, an
integral, an infinity) is `Unclear`, and then that point decides nothing.
"""

from __future__ import annotations

import cmath
import math
import zlib
from collections.abc import Callable

from slmr.verify.algebra.tree import Node, fold

_POINTS = 3
_TOLERANCE = 1e-6  # relative difference that rounding cannot explain
_CANCELLATION = 1e-9  # of the largest number on the way: less than that may be what cancellation left
_INTEGER_NAMES = set("nmkjNMK")  # letters that usually stand for whole numbers
_MAX_EXACT = 1e15
_MAX_NESTED = 6  # sums within sums
_MAX_STEPS = 20_000  # operations of one evaluation: some milliseconds
_CONSTANTS = {"\\pi": complex(math.pi), "e": complex(math.e), "i": 1j}


class Unclear(Exception):
    """The value at this point is not known well enough."""


_NO_VALUE = (Unclear, ValueError, ZeroDivisionError, OverflowError)


def differ(left: Node, right: Node) -> bool:
    """Whether the two surely differ: at one of the points their values are clearly apart."""
    for point in range(_POINTS):
        try:
            a, b = _Evaluation(point), _Evaluation(point)
            x, y = a.value(left), b.value(right)
        except _NO_VALUE:
            continue
        if cmath.isinf(x) and cmath.isinf(y):
            is_different = _magnitudes_differ(left, right)
        elif cmath.isinf(x) or cmath.isinf(y):
            is_different = min(abs(x), abs(y)) < 1e200
        else:
            is_different = abs(x - y) > max(_TOLERANCE * max(abs(x), abs(y)), _CANCELLATION * max(a.largest, b.largest))
        if is_different:
            return True
    return False


def _magnitudes_differ(left: Node, right: Node) -> bool:
    """Compares powers that overflow by their logarithms, taken until one of them can be told."""
    try:
        (a, left_height), (b, right_height) = _magnitude(left), _magnitude(right)
    except _NO_VALUE:
        return False
    while left_height < right_height and a > 0:
        a, left_height = math.log(a), left_height + 1
    while right_height < left_height and b > 0:
        b, right_height = math.log(b), right_height + 1
    return abs(a - b) > _TOLERANCE * max(abs(a), abs(b))


def _magnitude(node: Node) -> tuple[float, int]:
    """A number above 1 as `x` and how often `exp` has to be taken of it."""
    try:
        value = _real(_Evaluation(0).value(node))
    except Unclear:
        value = math.inf
    if value > 1 and not math.isinf(value):
        return value, 0
    if node.op != "power":
        raise Unclear("no tower of powers")
    base, (exponent, left_height) = _real(_Evaluation(0).value(node.args[0])), _magnitude(node.args[1])
    if base <= 1:
        raise Unclear("no large power")
    # ln(b^e) = e ln b; where e is itself beyond all bounds, its logarithm hardly moves by ln ln b.
    if left_height == 0:
        return exponent * math.log(base), 1
    return (exponent + math.log(math.log(base)) if left_height == 1 else exponent), left_height + 1


class _Evaluation:
    """The value of a tree at one point, and the largest number met on the way."""

    def __init__(self, point: int) -> None:
        self._point = point
        self._bound: dict[str, complex] = {}
        self._steps = 0
        self.largest = 0.0

    def value(self, tree: Node) -> complex:
        return fold(tree, self._combine, self._add_up_terms)

    def _add_up_terms(self, node: Node) -> complex | None:
        return self._check(self._terms(node)) if node.op in ("sum", "prod") else None

    def _combine(self, node: Node, args: list[complex]) -> complex:
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise Unclear("too much to compute")
        return self._check(self._compute(node, args))

    def _check(self, value: complex) -> complex:
        if cmath.isnan(value):
            raise Unclear("no number")
        if not cmath.isinf(value):
            self.largest = max(self.largest, abs(value))
        return value

    def _compute(self, node: Node, args: list[complex]) -> complex:
        if node.op == "number":
            return complex(_float(node.value.numerator) / _float(node.value.denominator))
        if node.op == "symbol":
            return self._symbol(node.name)
        function = _FUNCTIONS.get(node.op)
        if function is None:
            raise Unclear(node.op)
        return complex(function(*args))

    def _terms(self, node: Node) -> complex:
        low, high = (_real(self.value(bound)) for bound in node.args[:2])
        if low != round(low) or high != round(high) or not 0 <= high - low <= _MAX_STEPS:
            raise Unclear("no finite sum")
        if len(self._bound) >= _MAX_NESTED:
            raise Unclear("sums within sums")
        total = complex(node.op == "prod")
        for index in range(int(low), int(high) + 1):
            self._bound[node.name] = complex(index)
            term = self.value(node.args[2])
            total = total + term if node.op == "sum" else total * term
        del self._bound[node.name]
        return total

    def _symbol(self, name: str) -> complex:
        if name in self._bound:
            return self._bound[name]
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        if name == "\\infty" or name.startswith("@"):
            raise Unclear(name)
        draw = zlib.crc32(f"{self._point}{name}".encode())
        if name in _INTEGER_NAMES:
            return complex(2 + draw % 7)
        return complex(0.6 + (draw % 100_003) / 100_003 * 1.7)


def _float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        raise Unclear("too large") from None


def _real(value: complex) -> float:
    if abs(value.imag) > 1e-12 * max(1.0, abs(value.real)) or cmath.isinf(value):
        raise Unclear("not real")
    return value.real


def _power(base: complex, exponent: complex) -> complex:
    if exponent == -1:
        return 1 / base
    if cmath.isinf(base) or cmath.isinf(exponent):
        return _infinite_power(base, exponent)
    if base.imag == 0 and base.real < 0 and exponent.real != round(exponent.real) and exponent != 0.5:
        raise Unclear("a root of a negative number")
    try:
        return base**exponent
    except OverflowError:
        return _infinite_power(base, exponent)


def _infinite_power(base: complex, exponent: complex) -> complex:
    """What overflows, where it is plain that it is large and not a small number's power."""
    if base.imag or exponent.imag or base.real <= 1 or exponent.real <= 0:
        raise Unclear("too large")
    return complex(math.inf)


def _root(base: complex, degree: complex) -> complex:
    n = _real(degree)
    if base.imag == 0 and base.real < 0 and n != 2:
        if n != round(n) or n % 2 != 1:
            raise Unclear("a root of a negative number")
        return complex(-((-base.real) ** (1 / n)))
    return _power(base, complex(1 / n))


def _factorial(value: complex) -> float:
    return _exponential(math.lgamma(_real(value) + 1)) if _real(value) >= 0 else _unclear()


def _binomial(top: complex, bottom: complex) -> float:
    n, k = _real(top), _real(bottom)
    if not 0 <= k <= n or n > _MAX_EXACT:
        return _unclear()
    return _exponential(math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1))


def _exponential(power: float) -> float:
    return math.inf if power > 700 else math.exp(power)


def _unclear() -> float:
    raise Unclear("outside of where it is defined")


def _rounded(function: Callable[[float], int]) -> Callable[[complex], float]:
    def apply(value: complex) -> float:
        x = _real(value)
        if abs(x - round(x)) < 1e-9 or abs(x) > _MAX_EXACT:
            raise Unclear("too near to a step")
        return float(function(x))

    return apply


def _ln(value: complex) -> float:
    return math.log(_real(value)) if _real(value) > 0 else _unclear()


_FUNCTIONS: dict[str, Callable[..., complex | float]] = {
    "add": lambda *terms: sum(terms, 0j),
    "multiply": lambda *factors: math.prod(factors, start=complex(1)),
    "power": _power,
    "root": _root,
    "abs": lambda x: abs(x),
    "factorial": _factorial,
    "binomial": _binomial,
    "ln": _ln,
    "log": lambda x, b: _ln(x) / _ln(b),
    "floor": _rounded(math.floor),
    "ceil": _rounded(math.ceil),
    "min": lambda *values: min(map(_real, values)),
    "max": lambda *values: max(map(_real, values)),
    "sin": cmath.sin,
    "cos": cmath.cos,
    "tan": cmath.tan,
    "cot": lambda x: 1 / cmath.tan(x),
    "sec": lambda x: 1 / cmath.cos(x),
    "csc": lambda x: 1 / cmath.sin(x),
    "sinh": cmath.sinh,
    "cosh": cmath.cosh,
    "tanh": cmath.tanh,
    "coth": lambda x: 1 / cmath.tanh(x),
    "asin": lambda x: math.asin(_real(x)),
    "acos": lambda x: math.acos(_real(x)),
    "atan": lambda x: math.atan(_real(x)),
    "asinh": lambda x: math.asinh(_real(x)),
    "acosh": lambda x: math.acosh(_real(x)),
    "atanh": lambda x: math.atanh(_real(x)),
}
