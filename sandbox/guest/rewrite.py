"""Rewriting a program before it is compiled, where this interpreter differs from the one that it was written for.

- What Python 3.11 does not know, such as `except A, B:`, is no syntax.
- Annotations are evaluated where they stand, as before Python 3.14: a program with a name in them that it has not imported raises.
- `hash(x)` is that of a 64-bit interpreter, but inside of `__hash__`, whose numbers only serve dictionaries.
- With `wide` set, products, and methods that take sizes, are those of `_assay_wide`.

Most programs need none of it and are compiled as they are.
"""

import ast
import builtins
import re

import _assay_wide as _wide

# The version of the language that the benchmarks' numbers were made with.
_LANGUAGE = (3, 11)
_HASH = "__assay_hash__"
_MULTIPLY = "__assay_multiply__"
_CALL_METHOD = "__assay_call_method__"
_ANNOTATED = re.compile(rb"->|\bdef\s+\w+\s*\([^)]*\w\s*:|^\s*(?!else\b|try\b|finally\b)[\w.]+\s*:\s*\w", re.MULTILINE)
_HASHED = re.compile(rb"\bhash\b")
# What may be newer than the language.
_NEWER = re.compile(rb"^\s*except\b[^:(]*,|^\s*type\s+\w+|\b(def|class)\s+\w+\s*\[", re.MULTILINE)

setattr(builtins, _HASH, _wide.hash64)
setattr(builtins, _MULTIPLY, _wide.multiply)
setattr(builtins, _CALL_METHOD, _wide.call_method)


def compiled(source, filename, wide):
    """The program's code object.

    Raises what `compile` raises.
    """
    annotated, hashed = _ANNOTATED.search(source) is not None, _HASHED.search(source) is not None
    if annotated or hashed or wide or _NEWER.search(source):
        try:
            tree = ast.parse(source, filename, feature_version=_LANGUAGE)
            tree = _Rewriter(annotated and not _is_from_future(tree), hashed and not _defines_hash(tree), wide).visit(tree)
            return compile(tree, filename, "exec", dont_inherit=True)
        except (RecursionError, MemoryError):
            # Nested too deeply for a tree, though perhaps not for the compiler.
            pass
    return compile(source, filename, "exec", dont_inherit=True)


def _is_from_future(tree):
    """Whether annotations are texts."""
    return any(
        isinstance(node, ast.ImportFrom) and node.module == "__future__" and any(alias.name == "annotations" for alias in node.names)
        for node in tree.body
    )


def _defines_hash(tree):
    """Whether `hash` is a name of the program's own."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id="hash", ctx=ast.Store() | ast.Del()) | ast.arg(arg="hash") | ast.FunctionDef(name="hash"):
                return True
            case ast.ClassDef(name="hash") | ast.AsyncFunctionDef(name="hash") | ast.ExceptHandler(name="hash"):
                return True
            case ast.alias(asname="hash") | ast.alias(name="hash") | ast.Global(names=["hash", *_]) | ast.Nonlocal(names=["hash", *_]):
                return True
            case ast.MatchAs(name="hash") | ast.MatchStar(name="hash") | ast.MatchMapping(rest="hash"):
                return True
    return False


class _Rewriter(ast.NodeTransformer):
    def __init__(self, annotated, hashed, wide):
        self.annotated, self.hashed, self.wide = annotated, hashed, wide
        self.is_in_function = self.is_in_class = False

    def visit_FunctionDef(self, node):
        outer = self.hashed, self.is_in_function
        self.hashed, self.is_in_function = self.hashed and node.name != "__hash__", True
        self.generic_visit(node)
        self.hashed, self.is_in_function = outer
        if not self.annotated or getattr(node, "type_params", None):
            return node
        arguments = node.args
        given = [*arguments.posonlyargs, *arguments.args, arguments.vararg, *arguments.kwonlyargs, arguments.kwarg]
        found = [argument.annotation for argument in given if argument is not None] + [node.returns]
        return [*(_evaluated(expression) for expression in found if _has_effect(expression)), node]

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node):
        outer = self.is_in_function, self.is_in_class
        self.is_in_function, self.is_in_class = False, True
        self.generic_visit(node)
        self.is_in_function, self.is_in_class = outer
        return node

    def visit_AnnAssign(self, node):
        self.generic_visit(node)
        if not self.annotated or self.is_in_function:
            return node
        if self.is_in_class or not isinstance(node.target, ast.Name):
            return [node, _evaluated(node.annotation)] if _has_effect(node.annotation) else node
        name = ast.copy_location(ast.Constant(node.target.id), node)
        place = ast.copy_location(ast.Subscript(ast.copy_location(ast.Name("__annotations__", ast.Load()), node), name, ast.Store()), node)
        return [node, ast.copy_location(ast.Assign([place], node.annotation), node)]

    def visit_Name(self, node):
        if self.hashed and node.id == "hash" and isinstance(node.ctx, ast.Load):
            return ast.copy_location(ast.Name(_HASH, ast.Load()), node)
        return node

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if not self.wide or not isinstance(node.op, ast.Mult):
            return node
        return _call(_MULTIPLY, [node.left, node.right], node)

    def visit_Call(self, node):
        self.generic_visit(node)
        match node:
            case ast.Call(func=ast.Attribute(attr=name)) if self.wide and (name in _wide.SIZED_METHODS or name == "cast"):
                call = _call(_CALL_METHOD, [node.func.value, ast.copy_location(ast.Constant(name), node), *node.args], node)
                call.keywords = node.keywords
                return call
        return node


def _has_effect(expression):
    return expression is not None and not isinstance(expression, ast.Constant)


def _evaluated(expression):
    return ast.copy_location(ast.Expr(expression), expression)


def _call(name, arguments, node):
    return ast.copy_location(ast.Call(ast.copy_location(ast.Name(name, ast.Load()), node), arguments, []), node)
