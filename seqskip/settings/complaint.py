"""What jsonargparse complains of where a value is of a wrong kind: what it must be, and what came."""

import ast
import re

# A union's paragraph: its members, then a line for each why not, then what came, as far indented as the members.
UNION = re.compile(
    r"^( *)Subtypes: (\[[^\n]*\])$.*?^\1Given value type: <class '(\w+)'>\n\1Given value: ([^\n]*)",
    re.MULTILINE | re.DOTALL,
)
SINGLE = re.compile(r"Expected an? ([^\n]*?)\. Got value: ([^\n]*)")
NO_CLASS = re.compile(r"(?:a subclass spec, but got|Not a valid subclass of \w+\. Got value:) ([^\n]*)")
AGAIN = re.compile(r"\. Got value: .*")  # what was received, said once more with all that is around it
LITERAL = re.compile(r"None|True|False|[-+]?\d[\d.e+-]*|\[.*\]|\{.*\}")  # a value that is no text

# As a config says it; no config holds a Tensor.
NAMES = {"NoneType": "null", "tuple": "list", "Sequence": "list", "Iterable": "list", "Tensor": ""}


def own_rule(message: str) -> str | None:
    """Return what a class of ours says of its argument, among why a value is of none of several types."""
    own = re.search(r"any of the Union subtypes.*?Errors:\n\s*- (\w+ must .*?)\n", message, re.DOTALL)
    return own[1] if own else None


def wrong_kind(complaint: str) -> tuple[str, str] | None:
    """Return what a value must be and what came, from the innermost complaint; None where it is about another thing."""
    union, single = UNION.search(complaint), SINGLE.search(complaint)
    try:
        if union:
            value = AGAIN.sub("", union[4])
            return _one_of(union[2]), repr(value) if union[3] == "str" else value
        if single:
            return _single(single[1]), shown(single[2])
    except SyntaxError:  # a type whose text is no Python
        pass
    return None


def no_class(complaint: str) -> str | None:
    """Return what came where a class was asked for, and something that names none was given."""
    found = NO_CLASS.search(complaint)
    return shown(found[1]) if found else None


def shown(value: str) -> str:
    """Return a value that a message quotes as Python writes it: a text in quotes."""
    value = AGAIN.sub("", value)
    return value if LITERAL.fullmatch(value) else repr(value)


def last_line(complaint: str) -> str:
    """Return the last line of a complaint that says something of its own."""
    lines = [line.strip(" -") for line in AGAIN.sub("", complaint).splitlines()]
    telling = [line for line in lines if line and not line.startswith(("Given value", "Expected a <class 'NoneType'>"))]
    return telling[-1] if telling else "it cannot be read"


def _single(kind: str) -> str:
    """Return what a value of one kind must be: a type or choices, or a description such as "tuple with 2 elements"."""
    if kind.startswith(("<", "typing.", "collections.")):
        return _one_of(f"[{kind}]")
    return f"a {kind.replace('tuple', 'list')}"


def _one_of(types: str) -> str:
    """Return "of type int or null, or one of 1, 2" for "[<class 'int'>, <class 'NoneType'>, typing.Literal[1, 2]]"."""
    listed = ast.parse(re.sub(r"<class '(?:[^']*\.)?(\w+)'>", r"\1", types), mode="eval").body
    kinds: list[str] = []
    choices: list[str] = []
    for each in listed.elts if isinstance(listed, ast.List) else ():
        each = _Short().visit(each)
        if isinstance(each, ast.Subscript) and ast.unparse(each.value) == "Literal":
            choices += ast.unparse(each.slice).strip("()").split(", ")
        else:
            kinds.append(ast.unparse(each))
    kinds = list(dict.fromkeys(filter(None, kinds)))
    if choices and kinds == ["null"]:
        return f"one of {', '.join(choices)}, or null"
    said = [f"of type {' or '.join(filter(None, [', '.join(kinds[:-1]), kinds[-1]]))}"] if kinds else []
    return ", or ".join([*said, *([f"one of {', '.join(choices)}"] if choices else [])])


class _Short(ast.NodeTransformer):
    """Leaves of a.b.C its last name, as a config's reader knows it."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return self.visit_Name(ast.Name(node.attr))

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Name(NAMES.get(node.id, node.id))
