"""Rewriting a program before it is compiled, where this interpreter differs from the one that it was written for.

- What Python 3.11 does not know, such as `except A, B:` or a backslash in the braces of an f-string, is no syntax.
- Annotations are evaluated where they stand, as before Python 3.14: a program with a name in them that it has not imported raises.
- `hash(x)` is that of a 64-bit interpreter, but inside of `__hash__`, whose numbers only serve dictionaries.
- What `exec` in a function defines is there for the function's next `locals()`, `exec` and `eval`, as before Python 3.13.
- A handler that may look at its exception finds the text that it had (see texts.py).
- With `wide` set, products, and methods that take sizes, are those of `_assay_wide`.

Most programs need none of it and are compiled as they are.
"""

import ast
import builtins
import io
import re
import sys
import tokenize

import _assay_texts as _texts
import _assay_wide as _wide

# The version of the language that the benchmarks' numbers were made with.
_LANGUAGE = (3, 11)
_HASH = "__assay_hash__"
_MULTIPLY = "__assay_multiply__"
_CALL_METHOD = "__assay_call_method__"
_NAMESPACE = "__assay_namespace__"
_RESTORE = "__assay_restore__"
# The variable of a function for what `exec` has defined in it.
_KEPT = "__assay_kept__"
_ANNOTATED = re.compile(rb"->|\bdef\s+\w+\s*\([^)]*\w\s*:|^\s*(?!else\b|try\b|finally\b)[\w.]+\s*:\s*\w", re.MULTILINE)
_HASHED = re.compile(rb"\bhash\b")
_HANDLED = re.compile(rb"\bexcept\b[^:\n]*\bas\b|\b(?:exc_info|format_exc|print_exc|exception)\b")
_EXECUTED = re.compile(rb"\b(exec|locals|vars)\s*\(")
_OF_FRAMES = frozenset(["exec", "eval", "locals", "vars"])
# What may be newer than the language.
_NEWER = re.compile(rb"^\s*except\b[^:(]*,|^\s*type\s+\w+|\b(def|class)\s+\w+\s*\[", re.MULTILINE)
# An f-string whose braces may hold its own quotes, a backslash, a comment or the end of a line.
_F_STRING = re.compile(rb"""\b(?:[fF][rR]?|[rR][fF])(?:\"{3}|'{3}|"[^"\n]*\{([^}"\n]|\}\})*["\\\n#]|'[^'\n]*\{([^}'\n]|\}\})*['\\\n#])""")


def _namespace(kept, variables):
    """The names of a function: its variables as they are now, and what was defined besides."""
    variables.pop(_KEPT, None)
    kept.update(variables)
    return kept


setattr(builtins, _HASH, _wide.hash64)
setattr(builtins, _MULTIPLY, _wide.multiply)
setattr(builtins, _CALL_METHOD, _wide.call_method)
setattr(builtins, _NAMESPACE, _namespace)
setattr(builtins, _RESTORE, lambda: _texts.restore(sys.exception()))


def compiled(source, filename, wide):
    """The program's code object.

    Raises what `compile` raises.
    """
    if _F_STRING.search(source):
        _expect_older_f_strings(source, filename)
    annotated, executed = _ANNOTATED.search(source) is not None, _EXECUTED.search(source) is not None
    hashed, handled = _HASHED.search(source) is not None, _HANDLED.search(source) is not None
    if annotated or executed or hashed or handled or wide or _NEWER.search(source):
        try:
            tree = ast.parse(source, filename, feature_version=_LANGUAGE)
            own = _defined(tree) if hashed or executed else set()
            annotated, hashed, executed = annotated and not _is_from_future(tree), hashed and "hash" not in own, executed and not own & _OF_FRAMES
            tree = _Rewriter(annotated, hashed, executed, handled, wide).visit(tree)
            return compile(tree, filename, "exec", dont_inherit=True)
        except (RecursionError, MemoryError):
            # Nested too deeply for a tree, though perhaps not for the compiler.
            pass
    return compile(source, filename, "exec", dont_inherit=True)


def _expect_older_f_strings(source, filename):
    """Raises if an f-string has in its braces what it could not have before Python 3.12."""
    # The quotes of each f-string that is open.
    opened = []
    try:
        for token in tokenize.tokenize(io.BytesIO(source).readline):
            text, around = token.string, opened
            match token.type:
                case tokenize.FSTRING_START:
                    opened = [*opened, text.lstrip("fFrR")]
                case tokenize.FSTRING_MIDDLE:
                    around = opened[:-1]
                case tokenize.FSTRING_END:
                    around = opened = opened[:-1]
            problem = around and _in_braces(token.type, text, around)
            if problem:
                raise SyntaxError(f"f-string expression part cannot include {problem}", (filename, *token.start, token.line))
    except (tokenize.TokenError, IndentationError, UnicodeDecodeError):
        # The compiler says more about it.
        pass


def _in_braces(kind, text, quotes):
    """What may not stand between the braces of f-strings with these quotes."""
    if kind == tokenize.COMMENT:
        return "'#'"
    if kind in (tokenize.NL, tokenize.NEWLINE):
        return "a newline" if any(len(quote) == 1 for quote in quotes) else None
    if "\\" in text:
        return "a backslash"
    return "its own quotes" if any(quote in text for quote in quotes) else None


def _is_from_future(tree):
    """Whether annotations are texts."""
    return any(
        isinstance(node, ast.ImportFrom) and node.module == "__future__" and any(alias.name == "annotations" for alias in node.names)
        for node in tree.body
    )


def _defined(tree):
    """All names that the program itself gives to anything, anywhere."""
    names = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name) | ast.ExceptHandler(name=name):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.MatchAs(name=name) | ast.MatchStar(name=name) | ast.MatchMapping(rest=name):
                names.add(name)
            case ast.alias(name=name, asname=other):
                names.add(other or name)
            case ast.Global(names=several) | ast.Nonlocal(names=several):
                names.update(several)
    return names


def _calls_of_frame(function):
    """Calls in a function that are about its variables: not those of functions, classes and comprehensions inside."""
    found, waiting = [], list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, _COMPREHENSIONS):
            waiting.append(node.generators[0].iter)
        elif not isinstance(node, _SCOPES):
            waiting.extend(ast.iter_child_nodes(node))
            if _about_frame(node):
                found.append(node.func.id)
    return found


def _keeps(calls):
    """Whether a function with these calls may see later what one of them has defined."""
    return "exec" in calls or (len(calls) > 1 and set(calls) != {"eval"})


# What has variables of its own; of a comprehension, all but what it goes over first.
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, *_COMPREHENSIONS)


def _about_frame(node):
    match node:
        case ast.Call(func=ast.Name(id="exec" | "eval"), args=[_], keywords=[]) | ast.Call(func=ast.Name(id="locals" | "vars"), args=[], keywords=[]):
            return True
    return False


class _Rewriter(ast.NodeTransformer):
    def __init__(self, annotated, hashed, executed, handled, wide):
        self.annotated, self.hashed, self.executed, self.handled, self.wide = annotated, hashed, executed, handled, wide
        self.is_in_function = self.is_in_class = self.is_kept = False

    def visit(self, node):
        if not isinstance(node, _SCOPES) or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return super().visit(node)
        first = node.generators[0] if isinstance(node, _COMPREHENSIONS) else None
        if first:
            iterable, first.iter = self.visit(first.iter), ast.Constant(None)
        outer, self.is_kept = self.is_kept, False
        node = super().visit(node)
        self.is_kept = outer
        if first:
            first.iter = iterable
        return node

    def visit_FunctionDef(self, node):
        # What stands outside of its body is evaluated around it.
        around = node.decorator_list, node.args.defaults, node.args.kw_defaults
        around = [[item and self.visit(item) for item in items] for items in around]
        node.decorator_list, node.args.defaults, node.args.kw_defaults = [], [], []
        outer = self.hashed, self.is_in_function, self.is_kept
        self.hashed, self.is_in_function = self.hashed and node.name != "__hash__", True
        self.is_kept = keeps = self.executed and _keeps(_calls_of_frame(node))
        self.generic_visit(node)
        self.hashed, self.is_in_function, self.is_kept = outer
        node.decorator_list, node.args.defaults, node.args.kw_defaults = around
        if keeps:
            first = 1 if ast.get_docstring(node, clean=False) is not None else 0
            node.body.insert(first, ast.parse(f"{_KEPT} = {{}}").body[0])
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

    def visit_ExceptHandler(self, node):
        self.generic_visit(node)
        if self.handled:
            node.body.insert(0, ast.copy_location(ast.Expr(_call(_RESTORE, [], node)), node))
        return node

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
        if self.is_kept and _about_frame(node):
            variables = ast.parse(f"{_NAMESPACE}({_KEPT}, locals())", mode="eval").body
            if not node.args:
                return ast.copy_location(variables, node)
            node.args += [ast.parse("globals()", mode="eval").body, variables]
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
