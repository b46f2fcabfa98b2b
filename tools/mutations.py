"""What can be changed in a module so that its tests should notice: one small fault at a time.

A site is a place in a module's syntax tree with the one change to be made there. Text is left alone, and so is what
no test can tell from outside: docstrings, annotations, decorators, formatted strings, what is raised (but not that it
is), what is printed or logged, `zip(strict=...)`, `if TYPE_CHECKING`, and every line with a `# pragma`.
"""

from __future__ import annotations

import ast
import copy
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from typing import Any

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
}
_FUNCTIONS = {"min": "max", "any": "all", "minimum": "maximum", "floor": "ceil", "reversed": "iter"}
_FUNCTIONS |= {new: old for old, new in _FUNCTIONS.items() if old != "reversed"}
_SAID = {"print", "progress", "warn", "warning", "info", "debug"}
_NEVER = {"annotation", "returns", "decorator_list", "exc"}  # fields of any node

# The kind, the node at whose end it is, and the node that comes instead.
Change = tuple[str, ast.AST, ast.AST]


@dataclass(frozen=True, slots=True)
class Site:
    """One change: what stands in `field` of `parent` (at `index`, in a list) becomes `after`.

    Attributes:
        name: stays the same as long as the module does: line:column:kind.
    """

    parent: ast.AST
    field: str
    index: int | None
    before: ast.AST
    after: ast.AST
    name: str

    def make(self) -> None:
        """Changes the tree that the site was found in."""
        new = ast.fix_missing_locations(ast.copy_location(self.after, self.before))
        if self.index is None:
            setattr(self.parent, self.field, new)
        else:
            getattr(self.parent, self.field)[self.index] = new

    def __str__(self) -> str:
        deleted = isinstance(self.after, ast.Pass)
        return f"{_short(self.before)} → {'nothing' if deleted else _short(self.after)}"


def parsed(file: Path) -> tuple[ast.Module, list[Site]]:
    """A module's tree and all of its sites, in the order in which they stand there."""
    text = file.read_text(encoding="utf-8")
    tree = ast.parse(text)
    silent = {number for number, line in enumerate(text.splitlines(), 1) if "# pragma" in line}
    return tree, list(_sites(tree, silent))


def function_around(tree: ast.Module, line: int) -> int | None:
    """The first line, with decorators, of the innermost function whose body has this line; None outside of all."""
    inside = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body[0].lineno <= line <= (node.end_lineno or 0)
    ]
    if not inside:
        return None
    innermost = max(inside, key=lambda node: node.lineno)
    return min(node.lineno for node in (innermost, *innermost.decorator_list))


class Changed(MetaPathFinder):
    """For `sys.meta_path`: imports one module with the change at its site number `place`."""

    def __init__(self, root: Path, module: str, place: int) -> None:
        self.file = root / module
        parts = Path(module).with_suffix("").parts
        self.package = parts[-1] == "__init__"
        self.module = ".".join(parts[:-1] if self.package else parts)
        self.tree, sites = parsed(self.file)
        sites[place].make()

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if fullname != self.module:
            return None
        loader = _Compiled(fullname, str(self.file), self.tree)
        inside = [str(self.file.parent)] if self.package else None
        return importlib.util.spec_from_file_location(
            fullname, self.file, loader=loader, submodule_search_locations=inside
        )


class _Compiled(SourceFileLoader):
    """Compiles a tree instead of the file."""

    def __init__(self, name: str, path: str, tree: ast.Module) -> None:
        super().__init__(name, path)
        self.tree = tree

    def get_code(self, fullname: str) -> Any:
        return compile(self.tree, self.path, "exec", dont_inherit=True)


# ----------------------------------------------------------------------------------- what is changed


def _sites(parent: ast.AST, silent: set[int]) -> Iterator[Site]:
    for field, value in ast.iter_fields(parent):
        if field in _NEVER:
            continue
        for index, node in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(node, ast.AST) or _left_alone(node, silent):
                continue
            for kind, at, after in _changes(node, parent, field):
                name = f"{at.end_lineno}:{at.end_col_offset}:{kind}"  # type: ignore[attr-defined]
                yield Site(parent, field, index if isinstance(value, list) else None, node, after, name)
            yield from _sites(node, silent)


def _left_alone(node: ast.AST, silent: set[int]) -> bool:
    match node:
        case ast.JoinedStr():
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Compare(left=ast.Name(id="__name__"))):
            return True
        case ast.Subscript(value=ast.Name(id="Literal")):
            return True
        case ast.keyword(arg="strict"):
            return True
        case ast.Expr(value=ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name))) if name in _SAID:
            return True
    return getattr(node, "lineno", 0) in silent


def _changes(node: ast.AST, parent: ast.AST, field: str) -> Iterator[Change]:
    match node:
        case ast.Constant():
            yield from _of_constant(node, "default" if "defaults" in field else "constant")
        case ast.stmt():
            yield from _of_statement(node)
        case ast.Slice():
            yield from _of_slice(node)
        case ast.Call():
            yield from _of_call(node)
        case ast.expr():
            yield from _of_operator(node)
    asked = field == "test" or (isinstance(parent, ast.comprehension) and field == "ifs")
    if asked and isinstance(node, ast.expr) and not isinstance(node, ast.Compare | ast.UnaryOp | ast.Constant):
        yield "condition", node, ast.UnaryOp(ast.Not(), copy.deepcopy(node))


def _of_constant(node: ast.Constant, kind: str) -> Iterator[Change]:
    if isinstance(node.value, bool):
        yield kind, node, ast.Constant(not node.value)
    elif isinstance(node.value, (int, float)):
        yield kind, node, ast.Constant(node.value + 1)


def _of_operator(node: ast.expr) -> Iterator[Change]:
    match node:
        case ast.Compare():
            for i, op in enumerate(node.ops):
                other = _with(node, ops=[*node.ops[:i], _COMPARISONS[type(op)](), *node.ops[i + 1 :]])
                yield "comparison", [node.left, *node.comparators][i], other
        case ast.BinOp() if type(node.op) in _ARITHMETIC:
            yield "arithmetic", node.left, _with(node, op=_ARITHMETIC[type(node.op)]())
        case ast.BoolOp():
            yield (
                "and/or",
                node.values[0],
                _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And()),
            )
        case ast.UnaryOp(op=ast.Not()):
            yield "not", node, copy.deepcopy(node.operand)


def _of_statement(node: ast.stmt) -> Iterator[Change]:
    match node:
        case ast.Return(value=ast.expr()) if not (isinstance(node.value, ast.Constant) and node.value.value is None):
            yield "return", node, ast.Return(ast.Constant(None))
        case ast.AugAssign() if type(node.op) in _ARITHMETIC:
            yield "arithmetic", node.target, _with(node, op=_ARITHMETIC[type(node.op)]())
    match node:
        case (
            ast.Expr(value=ast.Call())
            | ast.Raise()
            | ast.Continue()
            | ast.Break()
            | ast.AugAssign()
            | ast.Assign(targets=[ast.Attribute() | ast.Subscript()])
        ):
            yield "deletion", node, ast.Pass()


def _of_slice(node: ast.Slice) -> Iterator[Change]:
    """A bound that is a number is changed as such."""
    for bound in ("lower", "upper"):
        value = getattr(node, bound)
        if value is not None and not isinstance(value, ast.Constant):
            moved = ast.BinOp(copy.deepcopy(value), ast.Add(), ast.Constant(1))
            yield "slice", value, _with(node, **{bound: moved})


def _of_call(node: ast.Call) -> Iterator[Change]:
    match node.func:
        case ast.Name(id=name) if name in _FUNCTIONS:
            yield "function", node.func, _with(node, func=ast.Name(_FUNCTIONS[name], ast.Load()))
        case ast.Attribute(attr=name) if name in _FUNCTIONS:
            yield "function", node.func, _with(node, func=_with(node.func, attr=_FUNCTIONS[name]))
        case ast.Name(id="sorted") | ast.Attribute(attr="sort"):
            if all(keyword.arg != "reverse" for keyword in node.keywords):
                flag = ast.keyword("reverse", ast.Constant(True))
                yield "order", node.func, _with(node, keywords=[*node.keywords, flag])


def _with(node: ast.AST, **fields: object) -> ast.AST:
    """A copy of a node with some of its fields replaced."""
    new = copy.deepcopy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 100 else f"{text[:97]}..."
