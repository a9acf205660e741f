"""Mechanical mutants: a program with one small thing changed."""

import ast
import copy

ARITHMETIC = {
    ast.Add: [ast.Sub],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div],
    ast.Div: [ast.Mult],
    ast.Pow: [ast.Mult],
}
ORDER = {
    ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt, ast.Lt],
    ast.Lt: [ast.LtE, ast.Gt],
    ast.LtE: [ast.Lt, ast.Gt],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
}


def mutants(source):
    """All mutants of a piece of Python.

    Args:
        source: its text.

    Yields:
        (description, code to be executed) for every single change that gives another program.
    """
    tree = _WithoutWords().visit(ast.parse(source))
    seen = {ast.dump(tree)}
    for k, node in enumerate(ast.walk(tree)):
        for choice in range(len(list(_replacements(node, tree)))):
            fresh = copy.deepcopy(tree)
            old = list(ast.walk(fresh))[k]
            new = list(_replacements(old, fresh))[choice]
            said = f"{ast.unparse(old)} → {ast.unparse(new)}"
            fresh = ast.fix_missing_locations(_Replace(old, new).visit(fresh))
            if ast.dump(fresh) not in seen:
                seen.add(ast.dump(fresh))
                yield said, compile(fresh, "<mutant>", "exec")


class _WithoutWords(ast.NodeTransformer):
    """A docstring is nothing to be changed."""

    def visit_Expr(self, node):
        return ast.Pass() if isinstance(node.value, ast.Constant) else self.generic_visit(node)


class _Replace(ast.NodeTransformer):
    def __init__(self, old, new):
        self.old, self.new = old, new

    def visit(self, node):
        return self.new if node is self.old else self.generic_visit(node)


def _replacements(node, tree):
    """What may stand in the place of a node."""
    match node:
        case ast.BinOp(left, op, right):
            yield from (ast.BinOp(left, to(), right) for to in ARITHMETIC.get(type(op), ()))
            yield left
            yield right
        case ast.Compare(left, [op], [right]):
            yield from (ast.Compare(left, [to()], [right]) for to in ORDER.get(type(op), ()))
        case ast.UnaryOp(ast.USub(), operand):
            yield operand
        case ast.Constant(bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(int(value) | float(value)):
            yield from (
                ast.Constant(v) for v in {value + 1, value - 1, -value, 2 * value} - {value}
            )
        case ast.Attribute(value, "T"):
            yield value
        case ast.AugAssign(target, _, value):
            yield ast.Assign([target], value, lineno=node.lineno)
            yield ast.Pass()
        case ast.Expr():
            yield ast.Pass()
        case ast.IfExp(_, body, orelse):
            yield from (body, orelse)
        case ast.If(_, body, orelse):
            yield from (ast.If(ast.Constant(value), body, orelse) for value in (True, False))
        case ast.Tuple(elts, ast.Load()) | ast.List(elts, ast.Load()):
            for k in range(len(elts) - 1):
                yield type(node)([*elts[:k], elts[k + 1], elts[k], *elts[k + 2 :]], ast.Load())
        case ast.Call():
            yield from _other_calls(node)
        case ast.Name(name, ast.Load()):
            arguments = [a.arg for a in tree.body[0].args.args]
            if name in arguments:
                k = arguments.index(name)
                yield from (
                    ast.Name(arguments[j % len(arguments)], ast.Load()) for j in (k - 1, k + 1)
                )
                yield ast.BinOp(ast.Name(name, ast.Load()), ast.Mult(), ast.Constant(0))


def _other_calls(node):
    starred = any(isinstance(a, ast.Starred) for a in node.args)
    if node.args and not starred:
        yield node.args[0]
    if len(node.args) > 1 and not starred:
        yield ast.Call(node.func, [node.args[1], node.args[0], *node.args[2:]], node.keywords)
    if isinstance(node.func, ast.Attribute) and not ast.unparse(node.func).startswith("np."):
        yield node.func.value
    for k in range(len(node.keywords)):
        yield ast.Call(node.func, node.args, node.keywords[:k] + node.keywords[k + 1 :])
