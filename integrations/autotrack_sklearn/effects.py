"""What a function of the program's does besides answering, as far as its source tells.

Read are the statements of one function. An effect is what lasts when it has returned: an assignment to what it was
given or to what lies outside it, a change of that in place, something printed or logged, a number drawn from a
generator that is kept. What merely might be one counts as one, and so does a function whose source is not to be had.
"""

from __future__ import annotations

import ast
import functools
import linecache
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType
from typing import Any

SAYING = frozenset(
    ("breakpoint", "delattr", "display", "eval", "exec", "input", "next", "open", "print", "setattr", "tqdm", "trange")
)
"""Functions that are no method and have an effect, or might."""
CHANGING = frozenset(
    (
        "add", "append", "appendleft", "clear", "discard", "extend", "fill", "insert", "itemset", "partial_fit", "pop",
        "popleft", "put", "remove", "resize", "reverse", "seed", "send", "set_params", "set_value", "setdefault",
        "setflags", "shuffle", "sort", "update", "write", "writelines", "fit", "fit_predict", "fit_transform",
        "critical", "debug", "error", "exception", "info", "log", "warning",
    )
)  # fmt: skip
"""Methods that change what they belong to, or say something."""
DRAWING = frozenset(
    (
        "choice", "integers", "normal", "permutation", "permuted", "poisson", "rand", "randint", "randn", "random",
        "random_sample", "sample", "standard_normal", "uniform",
    )
)  # fmt: skip
"""Methods of a generator, which is another one afterwards. What modules draw from is put back by whoever calls us."""
SPEAKING = frozenset(("logging", "requests", "shutil", "socket", "subprocess"))
"""Modules of which every function has an effect."""
REACHING = frozenset(("getattr", "globals", "super", "type", "vars"))
"""Functions that hand out what is a part of their argument, or lies outside."""
IN_PLACE = ("inplace", "out")


@dataclass(frozen=True, slots=True)
class Reading:
    """What one function does."""

    effect: str | None
    """In words; ``None`` if it only answers."""
    names: frozenset[str] = frozenset()
    """What it calls or looks up without saying where."""
    attributes: frozenset[str] = frozenset()
    """What it looks up in objects."""


MOST = 1000
_read: dict[CodeType, Reading] = {}


def reading(function: FunctionType) -> Reading:
    """What a function's source says; several of one place, as two lambdas in a line, count together."""
    code = function.__code__
    if code not in _read:
        if len(_read) >= MOST:
            _read.clear()
        _read[code] = _reading(function)
    return _read[code]


def _reading(function: FunctionType) -> Reading:
    readers = []
    for node in _nodes(function.__code__):
        readers.append(_Reader({name for name, value in function.__globals__.items() if isinstance(value, ModuleType)}))
        readers[-1].read(node)
    if not readers:
        return Reading("its source cannot be read")
    return Reading(
        next((reader.effect for reader in readers if reader.effect), None),
        frozenset().union(*(reader.names for reader in readers)),
        frozenset().union(*(reader.attributes for reader in readers)),
    )


def outside(function: FunctionType, names: Iterable[str]) -> Iterator[Any]:
    """What the names that a function uses stand for, where they are its module's or of the functions around it."""
    around: Mapping[str, Any] = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    for name in names:
        if name in around:
            try:
                yield around[name].cell_contents
            except ValueError:  # not assigned yet
                continue
        elif name in function.__globals__:
            yield function.__globals__[name]


_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def _nodes(code: CodeType) -> Iterator[_Function]:
    for node in _functions(code.co_filename).get(code.co_firstlineno, ()):
        if code.co_name == (node.name if not isinstance(node, ast.Lambda) else "<lambda>"):
            yield node


@functools.lru_cache(maxsize=4)
def _functions(file: str) -> Mapping[int, list[_Function]]:
    """All functions of a file, by the line where each begins."""
    found: dict[int, list[_Function]] = {}
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError, RecursionError):  # a notebook's cell with magic in it, for one
        return found
    for node in ast.walk(tree):
        if isinstance(node, _Function):
            first = min((one.lineno for one in getattr(node, "decorator_list", ())), default=node.lineno)
            found.setdefault(first, []).append(node)
    return found


class _Reader(ast.NodeVisitor):
    """Goes through one function in the order of its lines."""

    def __init__(self, modules: set[str]) -> None:
        self._modules = modules
        self.effect: str | None = None
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self._given: set[str] = set()
        """Names of what came from outside: arguments, until they stand for something new."""
        self._own: set[str] = set()
        """Names of what it made itself."""
        self._declared: set[str] = set()
        """Those that it says are not its own."""

    def read(self, function: _Function) -> None:
        self._given |= set(_arguments(function))
        for statement in function.body if isinstance(function.body, list) else [function.body]:
            self.visit(statement)

    def _says(self, effect: str) -> None:
        self.effect = self.effect or effect

    def _is_outside(self, expression: ast.expr) -> bool:
        root = _root(expression)
        return root is not None and (root in self._given or root not in self._own)

    def _bind(self, target: ast.expr, *, given: bool = False) -> None:
        match target:
            case ast.Name(id=name):
                if name in self._declared:
                    self._says(f"assigns to {name}, which is not its own")
                (self._given if given else self._own).add(name)
                (self._own if given else self._given).discard(name)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for part in parts:
                    self._bind(part, given=given)
            case ast.Starred(value=part):
                self._bind(part, given=given)
            case ast.Attribute() | ast.Subscript():
                if self._is_outside(target):
                    self._says(f"assigns to {ast.unparse(target)}")
                self.visit(target.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        given = isinstance(node.value, ast.Name | ast.Attribute | ast.Subscript) and self._is_outside(node.value)
        for target in node.targets:
            self._bind(target, given=given)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)
            self._bind(node.target)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self._bind(node.target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.value)
        if self._is_outside(node.target):
            self._says(f"changes {ast.unparse(node.target)}")

    def visit_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if not isinstance(target, ast.Name) and self._is_outside(target):
                self._says(f"deletes {ast.unparse(target)}")

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        self._bind(node.target, given=any(self._is_outside(part) for part in _parts(node.iter)))
        for statement in [*node.body, *node.orelse]:
            self.visit(statement)

    visit_AsyncFor = visit_For  # noqa: N815 - as ast calls it

    def visit_withitem(self, node: ast.withitem) -> None:
        self.visit(node.context_expr)
        if node.optional_vars is not None:
            self._bind(node.optional_vars)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self.visit(node.iter)
        self._bind(node.target, given=any(self._is_outside(part) for part in _parts(node.iter)))
        for condition in node.ifs:
            self.visit(condition)

    def _comprehension(self, node: Any) -> None:
        for part in node.generators:
            self.visit(part)
        for part in (getattr(node, name, None) for name in ("elt", "key", "value")):
            if part is not None:
                self.visit(part)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension  # noqa: N815  # noqa: N815 - as ast calls it

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._own |= {node.name, *_arguments(node)}
        for statement in node.body:
            self.visit(statement)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._own |= set(_arguments(node)) - self._given
        self.visit(node.body)

    def visit_Global(self, node: ast.Global) -> None:
        self._declared |= set(node.names)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self._declared |= set(node.names)

    def visit_Name(self, node: ast.Name) -> None:
        if node.id not in self._own and node.id not in self._given:
            self.names.add(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.attributes.add(node.attr)
        self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func
        if isinstance(called, ast.Name) and called.id in SAYING and called.id not in self._own:
            self._says(f"calls {called.id}")
        elif isinstance(called, ast.Attribute):
            self._method(called)
        for keyword in node.keywords:
            changed = called.value if isinstance(called, ast.Attribute) and keyword.arg == "inplace" else keyword.value
            kept = isinstance(keyword.value, ast.Constant) and keyword.value.value in (False, None)
            if keyword.arg in IN_PLACE and not kept and self._is_outside(changed):
                self._says(f"changes {ast.unparse(changed)}")
        self.generic_visit(node)

    def _method(self, called: ast.Attribute) -> None:
        root, direct = _root(called.value), isinstance(called.value, ast.Name)
        module = root in self._modules and root not in self._own and root not in self._given
        if module and root in SPEAKING:
            effect = True
        elif called.attr in CHANGING:
            # Of a module itself these are functions: `np.append` makes something new.
            effect = self._is_outside(called.value) and not (module and direct)
        else:
            effect = called.attr in DRAWING and self._is_outside(called.value) and not module
        if effect:
            self._says(f"calls {ast.unparse(called)}")


def _arguments(function: _Function | ast.FunctionDef) -> Iterator[str]:
    given = function.args
    for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg):
        if argument is not None:
            yield argument.arg


def _root(expression: ast.expr) -> str | None:
    """The variable that an expression is a part of; what a call returns is nobody's part, with a few exceptions."""
    while True:
        match expression:
            case ast.Attribute(value=whole) | ast.Subscript(value=whole) | ast.Starred(value=whole):
                expression = whole
            case ast.Call(func=ast.Name(id=name), args=given) if name in REACHING:
                if not given:
                    return name
                expression = given[0]
            case ast.Name(id=name):
                return name
            case _:
                return None


def _parts(expression: ast.expr) -> Iterator[ast.expr]:
    """What is gone through, also if it is counted, paired or the like on the way."""
    yield expression
    if isinstance(expression, ast.Call):
        yield from expression.args
        if isinstance(expression.func, ast.Attribute):
            yield expression.func.value
