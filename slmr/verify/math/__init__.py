"""The math checker: an expression, a list, a set, an interval, an equation."""
